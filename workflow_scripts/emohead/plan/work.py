"""The jobs of a config's run: how many, how long each, and what they need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from emohead.cost.amounts import Amounts
from emohead.cost.estimate import TrainingCost
from emohead.plan.rates import FRAME_SIZE, Memory, Rates
from emohead.plan.sizes import Sizes, needed_models
from emohead.training.options import Recipe, Runtime
from emohead.translator.data import MEMORY_LIMIT

#: Rules of the report that run once, and once for each kind of reference face.
REPORTS, REPORTS_OF_REFERENCE = 7, 3
MIB = 2**20
VGG_BYTES = 548e6  # torchvision's file


@dataclass(frozen=True)
class Machine:
    """One of equal machines; `tflops` is what each of its GPUs is assumed to sustain."""

    cores: int = 16
    gpus: int = 1
    tflops: float = 50

    def __str__(self) -> str:
        return f"{self.cores} cores, {self.gpus} GPU{'s' * (self.gpus != 1)}"


@dataclass(frozen=True)
class Work:
    """All jobs of a rule.

    `hours` are each one's, on `cores` and `gpus` of its own (None: nobody knows); `memory` a job's
    peak in MiB, `disk` the bytes that all of them leave.
    """

    rule: str
    hours: tuple[float, ...] | None
    jobs: int
    cores: int = 1
    gpus: int = 0
    memory: float | None = None
    disk: float = 0

    @property
    def core_hours(self) -> float:
        """Of all jobs."""
        return self.cores * sum(self.hours or ())

    @property
    def gpu_hours(self) -> float:
        """Of all jobs."""
        return self.gpus * sum(self.hours or ())


def same(rule: str, jobs: int, seconds: float | None, **needs: Any) -> Work:
    """Jobs that all take the same time."""
    return Work(rule, None if seconds is None else (seconds / 3600,) * jobs, jobs, **needs)


def all_work(
    config: Mapping[str, Any],
    sizes: Sizes,
    amounts: Amounts,
    trainings: Mapping[str, Sequence[TrainingCost]],
    machine: Machine,
) -> dict[str, list[Work]]:
    """The jobs by phase; each phase waits for the end of the one before.

    `trainings` are those of one seed, by stage, as `estimate_trainings` gives them.
    """
    crop_size = config["features"]["crop_size"]
    extraction = amounts.frames * Rates.extract_features.value / sizes.shards
    return {
        "data": _data(sizes, amounts),
        "features": [
            same("list_clips", sizes.shards, Rates.list_clips.value),
            same("extract_features", sizes.shards, extraction,
                 memory=Memory.extract_features, disk=amounts.shard_bytes(crop_size)),
            same("collect_clips, split_clips, fit_emotion_judges", 3, None),
        ],
        "training": [
            *_weights(config),
            *(_training(config, stage, cost, sizes, amounts, machine)
              for stage, costs in trainings.items() for cost in costs),
        ],
        **_methods(sizes, amounts, crop_size, trainings["translator"]),
        "report": [
            same("report_*", REPORTS + REPORTS_OF_REFERENCE * sizes.references,
                 Rates.report.value, memory=Memory.report)
        ],
    }  # fmt: skip


def _data(sizes: Sizes, amounts: Amounts) -> list[Work]:
    if sizes.source == "mini":
        seconds = amounts.frames * Rates.make_mini.value / sizes.speakers
        return [same("make_mini", sizes.speakers, seconds, memory=Memory.make_mini)]
    if sizes.source == "archives":
        # As fast as the line and the disk are.
        return [
            same("fetch_archive", 2 * sizes.speakers, None),
            same("unpack_archives", sizes.speakers, None),
        ]
    return []


def _weights(config: Mapping[str, Any]) -> list[Work]:
    losses = [o["loss"] for o in needed_models(config, "translator").values()]
    fetched = any(loss["perceptual"] and loss["vgg_weights"] == "imagenet" for loss in losses)
    return [same("fetch_vgg_weights", 1, None, disk=VGG_BYTES)] if fetched else []


def _training(
    config: Mapping[str, Any],
    stage: str,
    cost: TrainingCost,
    sizes: Sizes,
    amounts: Amounts,
    machine: Machine,
) -> Work:
    """Of one model, all seeds. Several devices are taken to be as many times as fast."""
    options = needed_models(config, stage)[cost.name]
    train, device = Recipe(**options["train"]), Runtime(**options["runtime"]).device
    on_gpu = device == "cuda" or (device == "auto" and machine.gpus > 0)
    cores = min(train.threads, machine.cores)
    if on_gpu:
        rate = machine.tflops * 1e12 * train.devices
    else:
        rate = getattr(Rates, f"train_{stage}").value * 1e9 * cores
    memory = getattr(Memory, f"train_{stage}") + cost.weight_bytes / MIB
    if stage == "landmarks":
        memory += amounts.feature_bytes / MIB
    else:
        images = amounts.image_bytes(config["features"]["crop_size"])
        memory += (images if images < MEMORY_LIMIT else 0) / MIB
    if not on_gpu:
        memory += cost.activation_bytes / MIB
    return Work(
        f"train_{stage}, {cost.name}",
        (cost.hours(rate),) * sizes.seeds,
        sizes.seeds,
        cores=cores,
        gpus=train.devices if on_gpu else 0,
        memory=memory,
        disk=4 * cost.step.parameters * sizes.seeds,
    )


def _methods(
    sizes: Sizes, amounts: Amounts, crop_size: int, translators: Sequence[TrainingCost]
) -> dict[str, list[Work]]:
    """Rendering and scoring of the test part: a job is a run of a method."""
    frames = amounts.frames - amounts.train_frames
    scale = (crop_size / FRAME_SIZE) ** 2
    writing = frames * scale * Rates.write_frames.value
    forward = mean(cost.step.forward for cost in translators) if translators else 0
    rendering = frames * forward / (Rates.render.value * 1e9)
    leaves = frames * crop_size**2 * Rates.rendered.value
    copies = sizes.copied_runs + sizes.imported_runs
    memory = scale * Memory.synthesize
    return {
        "methods": [
            same("synthesize", sizes.rendered_runs, rendering + writing,
                 memory=memory, disk=leaves * sizes.rendered_runs),
            same("synthesize, import_videos: no model", copies, writing,
                 memory=memory, disk=leaves * copies),
        ],
        "landmarks found again": [
            same("redetect_landmarks", sizes.runs, frames * scale * Rates.redetect_landmarks.value,
                 memory=scale * Memory.redetect_landmarks),
        ],
        "metrics": [
            same("evaluate_method", sizes.runs, frames * scale * Rates.evaluate_method.value,
                 memory=scale * Memory.evaluate_method),
            *([same("evaluate_networks", sizes.runs, None)] if sizes.networks else []),
        ],
    }  # fmt: skip


def phase_hours(phase: Sequence[Work], machine: Machine, nodes: int) -> float:
    """From the first job's start to the last one's end, on equal machines that do nothing else.

    The longest first, each to what is free first; jobs on GPUs beside those on cores alone.
    ValueError where a machine has too little for a job.
    """
    longest = 0.0
    for on_gpus in (True, False):
        work = [w for w in phase if bool(w.gpus) == on_gpus and w.jobs]
        if not work:
            continue
        had, needed = (
            (machine.gpus, max(w.gpus for w in work)) if on_gpus
            else (machine.cores, max(w.cores for w in work))
        )  # fmt: skip
        if needed > had:
            names = ", ".join(w.rule for w in work)
            raise ValueError(
                f"{names}: needs {needed} {'GPUs' if on_gpus else 'cores'}, a machine has {had}"
            )
        ends = [0.0] * (nodes * (had // needed))
        for hours in sorted((h for w in work for h in w.hours or ()), reverse=True):
            first = min(range(len(ends)), key=ends.__getitem__)
            ends[first] += hours
        longest = max(longest, *ends)
    return longest
