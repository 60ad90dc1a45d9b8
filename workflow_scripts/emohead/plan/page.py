"""The plan as Markdown: jobs and hours of a run, and what its trainings cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from emohead.plan.amounts import Amounts
from emohead.plan.rates import FRAME_SIZE, MEASURED_ON, Rates
from emohead.plan.trainings import TrainingCost
from emohead.plan.work import MIB, Machine, Work, passing_bytes, phase_hours

NOTES = """\
- Each phase waits for the whole one before, so the hours of the phases add up; Snakemake lets some
  of them overlap.
- A training on GPUs takes its operations, counted, at the rate that is assumed, and several devices
  are assumed to be as many times as fast. No training on a GPU was measured for this. Waiting for
  data and validation are not in it, nor that small models, and LSTMs above all, sustain less.
- Memory: peaks of the mini run, plus what is known to grow with the data and the model; where
  frames are held, times their pixels. Activations on a GPU are in the GPU's memory: below.
- Rendering: several cores are assumed to be as many times as fast as one; `precision: auto` to be
  bf16, which that machine is fast at. A GPU's time is the translator's operations at the assumed
  rate and the writing of frames.
- Disk: the clips themselves, archives and what a training keeps for going on are not in it. Frames
  on their way are there from when a job begins to render them until they are scored; scores are
  made first where there is a choice.
- Hours of the network (archives), and of the networks' metrics on a GPU, are not known: –."""


TRAINING_NOTES = """\
- GFLOP: a multiplication and the addition that follows are two operations; matrix products and
  convolutions alone are counted, by torch.utils.flop_counter. A training step is forward, loss and
  backward; the perceptual loss takes VGG-19 forward twice and backward once.
- Activations: what autograd keeps for backward, counted on tensors without content at two batch
  sizes and scaled to the config's. Weights: four float32 numbers for each parameter (itself, its
  gradient, Adam's moments). Buffers that come and go, and VGG-19's own weights, are not in it.
- Hours: operations of a sample x samples x epochs / rate. Waiting for data, validation, padding of
  clips, extraction and rendering are not in it. The landmark models' LSTM works frame after frame
  and is far from any rate at which a GPU convolves."""


def page(
    phases: Mapping[str, Sequence[Work]],
    trainings: Sequence[TrainingCost],
    amounts: Amounts,
    about: str,
    *,
    crop_size: int,
    seeds: int,
    machine: Machine,
    nodes: int,
) -> str:
    """The whole plan; `about` is a sentence on the data, `trainings` are those of one seed."""
    return "\n".join(
        [
            "# What this run takes", "", about, "",
            "## Jobs", "", *_table(_jobs(phases)), "",
            "## Hours", "", *_table(_hours(phases, machine, nodes)), "",
            f"A GPU is assumed to sustain {machine.tflops:g} TFLOP/s. What a machine sustains is a "
            "part of its peak, and a smaller one for small models and small batches.", "",
            "## A training's sample", "", *_table(_samples(trainings)), "",
            "## The trainings", "", *_table(_training_hours(trainings, machine, seeds)), "",
            *_measured(trainings),
            TRAINING_NOTES, "",
            "## The data", "", *_table(_data(amounts, crop_size)), "",
            "## Where the numbers are from", "",
            f"Measured on {MEASURED_ON}; other machines differ. Rates of frames are of "
            f"{FRAME_SIZE} px, scaled by the pixels of the config's crops.", "",
            *(f"- {r.name}: {r.default.value:g} {r.default.unit} ({r.default.source})."
              for r in fields(Rates)),
            NOTES, "",
        ]
    )  # fmt: skip


def _jobs(phases: Mapping[str, Sequence[Work]]) -> Iterable[Sequence[str]]:
    yield ("rule", "jobs", "cores of a job", "GPUs of a job", "memory of a job", "h, longest job",
           "core hours", "GPU hours", "disk")  # fmt: skip
    everything = [work for phase in phases.values() for work in phase if work.jobs]
    for work in everything:
        yield (
            work.rule, f"{work.jobs:,}", str(work.cores), str(work.gpus or "–"),
            "–" if work.memory is None else size(work.memory * MIB),
            "–" if work.hours is None else number(max(work.hours)),
            *_used(work.hours is not None, work.core_hours, work.gpu_hours, work.disk),
        )  # fmt: skip
    totals = (
        sum(getattr(w, name) for w in everything) for name in ("core_hours", "gpu_hours", "disk")
    )
    yield "all", f"{sum(w.jobs for w in everything):,}", "", "", "", "", *_used(True, *totals)


def _used(known: bool, core_hours: float, gpu_hours: float, disk: float) -> Iterable[str]:
    yield number(core_hours) if known else "–"
    yield number(gpu_hours) if gpu_hours else "–"
    yield size(disk) if disk else "–"


def _hours(
    phases: Mapping[str, Sequence[Work]], machine: Machine, nodes: int
) -> Iterable[Sequence[str]]:
    counts = sorted({1, nodes})
    yield "phase", *(f"{n} machine{'s' * (n != 1)} ({machine})" for n in counts)
    total = dict.fromkeys(counts, 0.0)
    for name, phase in phases.items():
        hours = {n: phase_hours(phase, machine, n) for n in counts}
        total = {n: total[n] + hours[n] for n in counts}
        if any(hours.values()):
            yield name, *map(number, hours.values())
    yield "all", *map(number, total.values())
    passing = [sum(passing_bytes(p, machine, n) for p in phases.values()) for n in counts]
    yield "disk of frames on their way", *map(size, passing)


def _samples(trainings: Sequence[TrainingCost]) -> Iterable[Sequence[str]]:
    yield (
        "model", "sample", "parameters", "GFLOP forward", "GFLOP training step",
        "without perceptual loss", "batch", "activations of a batch", "weights and Adam",
    )  # fmt: skip
    for training in trainings:
        step = training.step
        plain = None if training.perceptual is None else step.training - training.perceptual
        yield (
            training.name,
            training.sample,
            f"{step.parameters:,}",
            number(step.forward / 1e9),
            number(step.training / 1e9),
            "–" if plain is None else number(plain / 1e9),
            f"{training.samples_per_batch:,} {training.sample}s",
            size(training.activation_bytes),
            size(training.weight_bytes),
        )


def _training_hours(
    trainings: Sequence[TrainingCost], machine: Machine, seeds: int
) -> Iterable[Sequence[str]]:
    measured = all(training.measured_hours is not None for training in trainings)
    rate = machine.tflops * 1e12
    yield (
        "training", "samples an epoch", "epochs", "PFLOP", f"h at {machine.tflops:g} TFLOP/s",
        *(["h as measured"] * measured),
    )  # fmt: skip
    for training in trainings:
        hours = [training.hours(rate), *([training.measured_hours] * measured)]
        yield (
            training.name,
            f"{training.samples_per_epoch:,}",
            str(training.epochs),
            number(training.operations / 1e15),
            *map(number, hours),
        )
    hours = [seeds * sum(t.hours(rate) for t in trainings)]
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
            yield ""


def _data(amounts: Amounts, crop_size: int) -> Iterable[Sequence[str]]:
    train = f"{amounts.train_frames:,}"
    yield "what", "frames", "size"
    yield "shards on disk, about", f"{amounts.frames:,}", size(amounts.shard_bytes(crop_size))
    yield "the training part's frames, decoded", train, size(amounts.image_bytes(crop_size))
    yield "its landmarks and MFCC in memory", train, size(amounts.feature_bytes)


def _table(rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; the first row is its head."""
    head, *body = rows
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)]


def number(value: float) -> str:
    """Three digits, and all those before the point."""
    if value < 0.001:
        return "< 0.001"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size(bytes_: float) -> str:
    """An amount with three digits, in a suitable unit."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if bytes_ < 1024:
            return f"{number(bytes_)} {unit}"
        bytes_ /= 1024
    return f"{number(bytes_)} TiB"
