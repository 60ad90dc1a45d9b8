"""The jobs of a config's run: how many, how long each, and what they need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from emohead.motion.sound_shape import NUMBERS, STEPS
from emohead.plan.amounts import Amounts
from emohead.plan.rates import (
    FRAME_SIZE,
    PAPER_GFLOP,
    Memory,
    Rates,
    cores_for,
    hourglass_gflop,
)
from emohead.plan.sizes import Sizes, needed_models
from emohead.plan.trainings import TrainingCost
from emohead.training.options import Recipe, Runtime
from emohead.translator.data import MEMORY_LIMIT

#: Rules of the report that run once, and once for each kind of reference face.
REPORTS, REPORTS_OF_REFERENCE = 7, 3
MIB = 2**20
VGG_BYTES = 548e6  # torchvision's file
SOUND_BYTES = 4 * STEPS * NUMBERS  # of a frame


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
    peak in MiB, `disk` the bytes that all of them leave, `passing` those that a job leaves until
    the one that reads them has ended.
    """

    rule: str
    hours: tuple[float, ...] | None
    jobs: int
    cores: int = 1
    gpus: int = 0
    memory: float | None = None
    disk: float = 0
    passing: float = 0

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
            *_sound(config, sizes, amounts),
        ],
        "training": [
            *_weights(config),
            *_disentanglers(config, sizes, amounts, machine),
            *_motion(config, sizes, amounts, machine),
            *(_training(config, stage, cost, sizes, amounts, machine)
              for stage, costs in trainings.items() for cost in costs),
        ],
        "rendering and scoring": [
            *_rendering(config, sizes, amounts, trainings["translator"], machine),
            *_scoring(config, sizes, amounts, machine),
        ],
        "report": [_reports(sizes, amounts)],
    }  # fmt: skip


def _data(sizes: Sizes, amounts: Amounts) -> list[Work]:
    if sizes.source == "mini":
        seconds = amounts.frames * Rates.make_mini.value / sizes.speakers
        return [same("make_mini", sizes.speakers, seconds, memory=Memory.make_mini)]
    if sizes.source == "archives":
        # Takes as long as the line and the disk need.
        return [
            same("fetch_archive", 2 * sizes.speakers, None),
            same("unpack_archives", sizes.speakers, None),
        ]
    return []


def _sound(config: Mapping[str, Any], sizes: Sizes, amounts: Amounts) -> list[Work]:
    """What Audio2Head hears, where a model does."""
    models = needed_models(config, "motion_audio").values()
    if not any(options["model"].get("sound") == "mfcc_fbank_f0" for options in models):
        return []
    seconds = amounts.frames * Rates.extract_sound.value / sizes.shards
    return [same("extract_sound", sizes.shards, seconds, disk=amounts.frames * SOUND_BYTES)]


def _weights(config: Mapping[str, Any]) -> list[Work]:
    losses = [
        options["loss"]
        for stage in ("translator", "motion_field")
        for options in needed_models(config, stage).values()
    ]
    fetched = any(loss["perceptual"] and loss["vgg_weights"] == "imagenet" for loss in losses)
    return [same("fetch_vgg_weights", 1, None, disk=VGG_BYTES)] if fetched else []


def _disentanglers(
    config: Mapping[str, Any], sizes: Sizes, amounts: Amounts, machine: Machine
) -> list[Work]:
    """What is trained before the landmark models that ask for it; on a GPU it takes no longer."""
    models = needed_models(config, "disentangler")
    work = [same("pair_sentences", 1, None)] if models else []
    for name, options in models.items():
        model, train = options["model"], options["train"]
        gflop = Rates.disentangler_step.value * (model["conv_width"] / 64) ** 2
        samples = train["epochs"] * model["samples_per_epoch"]
        cores = min(train["threads"], machine.cores)
        rate = Rates.train_landmarks.value * cores
        work.append(
            same(f"train_disentangler, {name}", sizes.seeds, samples * gflop / rate,
                 cores=cores,
                 memory=Memory.train_landmarks + amounts.feature_bytes / MIB)
        )  # fmt: skip
    return work


def _motion(
    config: Mapping[str, Any], sizes: Sizes, amounts: Amounts, machine: Machine
) -> list[Work]:
    """Motion fields, whose work grows with the square of the generator's width, and their gates;
    and the networks of sound, of which only the hourglass is faster on a GPU.
    """
    work = []
    for name, options in needed_models(config, "motion_field").items():
        train, width = options["train"], options["model"]["generator_widths"][0]
        on_gpu = _on_gpu(options["runtime"]["device"], machine)
        cores = min(train["threads"], machine.cores)
        rate = machine.tflops * 1e3 if on_gpu else Rates.train_motion_field.value * cores
        gflop = Rates.motion_step.value * _area(config) * (width / 64) ** 2
        pairs = amounts.frames_per_epoch(train["frames_per_clip"], train["validation"])
        held_out = train["validation"] * amounts.train_frames
        trying = held_out * _area(config) * (Rates.render_float32.value + 2 * Rates.redetect.value)
        work += [
            same(f"train_motion_field, {name}", sizes.seeds, train["epochs"] * pairs * gflop / rate,
                 cores=cores, gpus=int(on_gpu), memory=Memory.train_translator),
            same(f"try_motion_field, {name}", sizes.seeds, trying,
                 gpus=int(_renders_on_gpu(config, machine)), memory=Memory.render_clips),
        ]  # fmt: skip
    for name, options in needed_models(config, "motion_audio").items():
        train, on_gpu = options["train"], _on_gpu(options["runtime"]["device"], machine)
        cores = min(train["threads"], machine.cores)
        rate = machine.tflops * 1e3 if on_gpu else Rates.train_landmarks.value * cores
        windows = len(amounts.train_lengths) * options["model"].get("window", 64)
        epoch = amounts.train_frames * Rates.train_motion_audio.value
        epoch += windows * hourglass_gflop(options["model"]) / rate
        work.append(
            same(f"train_motion_audio, {name}", sizes.seeds, train["epochs"] * epoch,
                 cores=cores, gpus=int(on_gpu), memory=Memory.train_landmarks)
        )  # fmt: skip
    return work


def _training(
    config: Mapping[str, Any],
    stage: str,
    cost: TrainingCost,
    sizes: Sizes,
    amounts: Amounts,
    machine: Machine,
) -> Work:
    """The trainings of one model, all seeds; n devices are taken to be n times as fast."""
    options = needed_models(config, stage)[cost.name]
    train = Recipe(**options["train"])
    on_gpu = _on_gpu(Runtime(**options["runtime"]).device, machine)
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


def _on_gpu(device: str, machine: Machine) -> bool:
    return device == "cuda" or (device == "auto" and machine.gpus > 0)


def _renders_on_gpu(config: Mapping[str, Any], machine: Machine) -> bool:
    return _on_gpu(config["rendering"]["device"], machine)


def _test_frames(sizes: Sizes, amounts: Amounts) -> float:
    """Of a speaker."""
    return amounts.test_frames / sizes.speakers


def _area(config: Mapping[str, Any]) -> float:
    """A frame's pixels in those that rates are of."""
    return (config["features"]["crop_size"] / FRAME_SIZE) ** 2


def _rendering(
    config: Mapping[str, Any],
    sizes: Sizes,
    amounts: Amounts,
    translators: Sequence[TrainingCost],
    machine: Machine,
) -> list[Work]:
    """A job is a speaker of a run that has a model. `auto` is taken to be bf16."""
    frames = _test_frames(sizes, amounts)
    forward = mean(cost.step.forward for cost in translators) if translators else 0
    writing = frames * _area(config) * Rates.write_frames.value
    if on_gpu := _renders_on_gpu(config, machine):
        translating, cores = frames * forward / (machine.tflops * 1e12), 1
    else:
        float32 = config["rendering"]["precision"] == "32-true"
        rate = Rates.render_float32 if float32 else Rates.render_bf16
        translating = frames * rate.value * forward / (PAPER_GFLOP * 1e9)
        cores = min(cores_for(writing + translating), machine.cores)
    needs = {
        "memory": Memory.render_clips,
        "passing": frames * 3 * config["features"]["crop_size"] ** 2,
    }
    return [
        same("render_clips", sizes.rendered_runs * sizes.speakers,
             Rates.start.value + writing + translating / cores,
             cores=cores, gpus=int(on_gpu), **needs),
        same("render_clips: landmarks alone", sizes.predicted_runs * sizes.speakers,
             Rates.start.value + writing, **needs),
    ]  # fmt: skip


def _scoring(
    config: Mapping[str, Any], sizes: Sizes, amounts: Amounts, machine: Machine
) -> list[Work]:
    """A job is a speaker of a run."""
    frames, area = _test_frames(sizes, amounts), _area(config)
    jobs = sizes.runs * sizes.speakers
    seconds = frames * area * (Rates.redetect.value + Rates.metrics.value)
    shown = 8 * amounts.mean_length * config["features"]["crop_size"] ** 2 * Rates.shown.value
    kept = sizes.speakers * frames * Rates.kept.value
    work = [
        same("score_clips", jobs, Rates.start.value + seconds,
             memory=area * Memory.score_clips, disk=sizes.runs * (kept + shown)),
        same("collect_scores", 1, _scores(sizes, amounts) / 1e6 * Rates.report_rows.value),
    ]  # fmt: skip
    if sizes.foreign_runs:
        work.append(same("collect_notes", sizes.foreign_runs, Rates.start.value))
    if sizes.networks:
        on_gpu = _renders_on_gpu(config, machine)
        seconds = frames * sum(
            getattr(Rates, name).value * (area if name == "lpips" else 1) for name in sizes.networks
        )
        cores = min(cores_for(seconds), machine.cores)
        work.append(
            same("score_networks", jobs, None if on_gpu else Rates.start.value + seconds / cores,
                 cores=1 if on_gpu else cores, gpus=int(on_gpu), memory=Memory.score_networks)
        )  # fmt: skip
    if {"fid", "fvd"} & set(sizes.networks):
        work.append(same("score_fid", sizes.runs, Rates.start.value))
    return work


def _scores(sizes: Sizes, amounts: Amounts) -> float:
    """Values of all runs' clips."""
    return sizes.runs * amounts.test_clips * Rates.scores.value


def _reports(sizes: Sizes, amounts: Amounts) -> Work:
    scores = _scores(sizes, amounts) / 1e6
    return same("report_*", REPORTS + REPORTS_OF_REFERENCE * sizes.references,
                Rates.report.value + scores * Rates.report_rows.value,
                memory=Memory.report + scores * Memory.report_rows)  # fmt: skip


def passing_bytes(phase: Sequence[Work], machine: Machine, nodes: int) -> float:
    """Disk of what a phase's jobs leave to be read once and removed, on the mean.

    It grows while a job runs and stays until those that read it have ended, which come before
    others are begun: what leaves an hour times the hours that it stays (Little's law).
    """
    hours = phase_hours(phase, machine, nodes)
    reading = max((h for w in phase if not w.passing for h in w.hours or ()), default=0)
    return sum(w.passing * (h / 2 + reading) / hours for w in phase if w.passing for h in w.hours)


def phase_hours(phase: Sequence[Work], machine: Machine, nodes: int) -> float:
    """From the first job's start to the last one's end, on equal machines that do nothing else.

    The longest first, each to what is free first; jobs on GPUs beside those on cores alone.
    ValueError where a machine has too little for a job.
    """
    longest = 0.0
    for kind, had in (("gpus", machine.gpus), ("cores", machine.cores)):
        work = [w for w in phase if bool(w.gpus) == (kind == "gpus") and w.jobs]
        if too_large := [w for w in work if getattr(w, kind) > had]:
            names = ", ".join(w.rule for w in too_large)
            needed = max(getattr(w, kind) for w in too_large)
            raise ValueError(
                f"{names}: needs {needed} {kind.replace('gpus', 'GPUs')}, a machine has {had}"
            )
        # When each core (or GPU) of each machine is free again.
        ends = [[0.0] * had for _ in range(nodes)]
        jobs = [(hours, getattr(w, kind)) for w in work for hours in w.hours or ()]
        for hours, needed in sorted(jobs, reverse=True):
            node = min(ends, key=lambda free, needed=needed: free[needed - 1])
            node[:needed] = [node[needed - 1] + hours] * needed
            node.sort()
        longest = max([longest, *(max(node) for node in ends if node)])
    return longest
