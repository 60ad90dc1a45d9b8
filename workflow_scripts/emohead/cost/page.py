"""The estimate as a Markdown page."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from emohead.cost.amounts import Amounts
from emohead.cost.estimate import TrainingCost
from emohead.cost.text import number, size, table
from emohead.files import whole_file

ASSUMPTION = (
    "The rates in the heads are assumptions. What a machine sustains is a part of its peak, and a "
    "smaller one for small models and small batches."
)
NOTES = """\
- GFLOP: a multiplication and the addition that follows are two operations; matrix products and
  convolutions alone are counted, by torch.utils.flop_counter. A training step is forward, loss and
  backward; the perceptual loss takes VGG-19 forward twice and backward once.
- Activations: what autograd keeps for backward, counted on tensors without content at two batch
  sizes and scaled to the config's. Weights: four float32 numbers for each parameter (itself, its
  gradient, Adam's moments). Buffers that come and go, and VGG-19's own weights, are not in it.
- Hours: operations of a sample x samples x epochs / rate. Waiting for data, validation, padding of
  clips, extraction and rendering are not in it. The landmark models' LSTM works frame after frame
  and is far from any rate at which a GPU convolves."""


def write_cost_page(
    path: Path,
    trainings: Sequence[TrainingCost],
    amounts: Amounts,
    *,
    crop_size: int,
    seeds: int,
    rates: Sequence[float],
) -> str:
    """Write the page and return it; `rates` are FLOP/s that are assumed to be sustained."""
    text = "\n".join(
        [
            "# What training costs",
            "",
            f"An estimate for {amounts.source}; crops of {crop_size} pixels.",
            "",
            "## One sample",
            "",
            *table(_samples(trainings)),
            "",
            "## The trainings",
            "",
            *table(_hours(trainings, rates, seeds)),
            "",
            ASSUMPTION,
            *_measured(trainings),
            "",
            "## The data",
            "",
            *table(_data(amounts, crop_size)),
            "",
            "## What is counted",
            "",
            NOTES,
            "",
        ]
    )
    with whole_file(path) as unfinished:
        unfinished.write_text(text)
    return text


def _samples(trainings: Sequence[TrainingCost]) -> Iterable[Sequence[str]]:
    yield (
        "model", "sample", "parameters", "GFLOP forward", "GFLOP training step",
        "without perceptual loss", "batch", "activations of a batch", "weights and Adam",
    )  # fmt: skip
    for training in trainings:
        step = training.step
        yield (
            training.name,
            training.sample,
            f"{step.parameters:,}",
            number(step.forward / 1e9),
            number(step.training / 1e9),
            number(training.plain_step.training / 1e9) if training.sample == "image" else "–",
            f"{training.samples_per_batch:,} {training.sample}s",
            size(training.activation_bytes),
            size(training.weight_bytes),
        )


def _hours(
    trainings: Sequence[TrainingCost], rates: Sequence[float], seeds: int
) -> Iterable[Sequence[str]]:
    measured = all(training.measured_hours is not None for training in trainings)
    yield (
        "training", "samples an epoch", "epochs", "PFLOP",
        *(f"h at {rate / 1e12:g} TFLOP/s" for rate in rates), *(["h as measured"] * measured),
    )  # fmt: skip
    for training in trainings:
        hours = [training.hours(rate) for rate in rates]
        yield (
            training.name,
            f"{training.samples_per_epoch:,}",
            str(training.epochs),
            number(training.operations / 1e15),
            *map(number, [*hours, *([training.measured_hours] * measured)]),
        )
    hours = [seeds * sum(t.hours(rate) for t in trainings) for rate in rates]
    if measured:
        hours.append(seeds * sum(t.measured_hours for t in trainings))
    operations = seeds * sum(t.operations for t in trainings) / 1e15
    seed_count = "1 seed" if seeds == 1 else f"{seeds} seeds"
    yield f"all, {seed_count}", "", "", number(operations), *map(number, hours)


def _measured(trainings: Sequence[TrainingCost]) -> Iterable[str]:
    for training in trainings:
        if training.measured_seconds is not None:
            yield (
                f"Measured on this machine, without data: {training.name}, "
                f"{number(1 / training.measured_seconds)} {training.sample}s/s, "
                f"{number(training.measured_rate / 1e12)} TFLOP/s."
            )


def _data(amounts: Amounts, crop_size: int) -> Iterable[Sequence[str]]:
    train = f"{amounts.train_frames:,}"
    yield "what", "frames", "size"
    yield "shards on disk, about", f"{amounts.frames:,}", size(amounts.shard_bytes(crop_size))
    yield "the training part's frames, decoded", train, size(amounts.image_bytes(crop_size))
    yield "its landmarks and MFCC in memory", train, size(amounts.feature_bytes)
