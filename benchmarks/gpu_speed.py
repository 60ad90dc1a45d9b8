"""What benchmarks/gpu.py times, on a GPU at the paper's size, on a CPU small.

Every time is the median of several rounds after a warm-up, with the device waited for before and
after each round. Functions yield (what, value, unit) as they go, so that what was measured stays
when their time runs out.
"""

import copy
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from gpu_checks import (
    LOSS,
    SIZE,
    SMALL_WIDTHS,
    WIDTHS,
    made_images,
    made_translator,
    on_device,
)  # fmt: skip
from gpu_samples import draw_faces, face_landmarks, mfcc_windows, mouth_opening
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from emohead.evaluation.picture_metrics import boxes_of, picture_values
from emohead.features.store import ShardWriter, StoredClip
from emohead.generate.stages import predict_stream, translate_stream
from emohead.landmarks.basis import fit_basis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.data import LandmarkClips, collate_clips, fit_training_statistics
from emohead.landmarks.model import LandmarkModel, MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions
from emohead.landmarks.task import LandmarkTask
from emohead.training.batches import EpochLoader, SeededShuffle
from emohead.training.checks import gradient_norm
from emohead.training.hardware import bf16_is_fast
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime
from emohead.training.progress import Waiting
from emohead.training.task import TrainingTask
from emohead.translator.data import RandomPairs, TranslatorSamples, collate_images
from emohead.translator.inference import for_inference
from emohead.translator.options import TranslatorLossOptions, TranslatorOptions
from emohead.translator.render import translate
from emohead.translator.task import TranslatorTask

Figures = Iterator[tuple[str, float, str]]


@dataclass(frozen=True)
class Scale:
    """How large everything is that is timed.

    `landmarks` are LandmarkModelOptions that aren't the paper's. `clips` of `frames` frames are a
    speaker's; there are two speakers.
    """

    crop: int
    translator: TranslatorOptions
    loss: TranslatorLossOptions
    landmarks: dict[str, Any]
    batches: tuple[int, ...]
    batch: int
    clips: int
    frames: int
    round_seconds: float
    rounds: int
    product: int


PAPER = Scale(
    256, TranslatorOptions(), TranslatorLossOptions(), {}, (16, 32, 64), 32,
    clips=8, frames=250, round_seconds=0.3, rounds=7, product=8192,
)  # fmt: skip
SMALL = Scale(
    SIZE, TranslatorOptions(WIDTHS, 1), LOSS, SMALL_WIDTHS, (4,), 4,
    clips=4, frames=16, round_seconds=0.05, rounds=3, product=512,
)  # fmt: skip


def wait(device: str) -> None:
    """Until the device has done all that it was given."""
    if device == "cuda":
        torch.cuda.synchronize()


def seconds_for(run: Callable[[], object], device: str, scale: Scale) -> float:
    """Seconds of one `run`: the median of `scale.rounds`, each of as many as fill its seconds."""
    for _ in range(2):
        run()
    wait(device)
    start = time.perf_counter()
    run()
    wait(device)
    once = time.perf_counter() - start
    repeats = max(1, min(200, int(scale.round_seconds / once)))
    rounds = []
    for _ in range(scale.rounds):
        wait(device)
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        wait(device)
        rounds.append((time.perf_counter() - start) / repeats)
    return statistics.median(rounds)


def forget_peak(device: str) -> None:
    """Begin to look for the greatest memory that a GPU needs."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def memory_peak(device: str, what: str) -> Figures:
    """What a GPU has needed since `forget_peak`."""
    if device == "cuda":
        yield f"{what}: memory", torch.cuda.max_memory_allocated() / 2**30, "GiB"


def ceilings(device: str, scale: Scale) -> Figures:
    """What the device itself reaches: a product of large matrices, and a copy."""
    size = scale.product
    torch.manual_seed(0)
    for name, dtype, tf32 in (
        ("bf16", torch.bfloat16, False),
        ("TF32", torch.float32, True),
        ("float32", torch.float32, False),
    ):
        if tf32 and device == "cpu":
            continue
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        taken = seconds_for(lambda a=a, b=b: a @ b, device, scale)
        yield f"product of matrices, {size} wide, {name}", 2 * size**3 / taken / 1e12, "TFLOP/s"
    torch.backends.cuda.matmul.allow_tf32 = False
    block = torch.randn(size * size * 8, device=device)
    other = torch.empty_like(block)
    taken = seconds_for(lambda: other.copy_(block), device, scale)
    yield "copy, read and written", 2 * block.nbytes / taken / 1e9, "GB/s"


class TrainingStep:
    """A step as `emohead.training.loop` does it, on batches that are on the device already."""

    def __init__(
        self,
        task: TrainingTask,
        device: str,
        *,
        bf16: bool,
        compiled: bool | str = False,
        fused: bool = False,
    ):
        self.task, self.device, self.bf16 = task.to(device).train(), device, bf16
        self.run = task
        if compiled:
            self.run = torch.compile(task, mode=None if compiled is True else compiled)
        self.adam = torch.optim.Adam(task.parameters(), lr=1e-4, fused=fused or None)

    def __call__(self, batch: tuple[Tensor, ...]) -> Tensor:
        with torch.autocast(
            self.device, torch.bfloat16, enabled=self.bf16, cache_enabled=False
        ):  # fmt: skip
            loss = self.run(batch)["loss"]
        loss.backward()
        gradient_norm(self.task.parameters())
        self.adam.step()
        self.adam.zero_grad()
        return loss


def images(scale: Scale, count: int, device: str) -> tuple[Tensor, ...]:
    """`count` different images, repeated from 8, laid out as the loader does."""
    few = made_images(scale.crop, min(count, 8))[:2]
    return tuple(
        each.repeat(-(-count // len(each)), 1, 1, 1)[:count]
        .contiguous(memory_format=torch.channels_last)
        .to(device)
        for each in few
    )


def translator_task(scale: Scale, *, perceptual: bool = True, **options: object) -> TranslatorTask:
    loss = scale.loss if perceptual else TranslatorLossOptions(perceptual=0)
    return TranslatorTask(replace(scale.translator, **options), loss, seed=0)


class InPlanes(TranslatorTask):
    """The task without its channels-last layout."""

    def forward(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        inputs, true = (each.float() / 255 for each in batch)
        return self.loss(self.model(inputs).float(), true)


def operations(step: TrainingStep, batch: tuple[Tensor, ...]) -> float:
    """Floating-point operations of a step for one image; products and convolutions alone count."""
    with FlopCounterMode(display=False) as counter:
        step(batch)
    return counter.get_total_flops() / len(batch[0])


def training(device: str, scale: Scale, *, compiled: bool, peak: float | None) -> Figures:
    """Images a second of AATU's training steps, from batches on the device; of `peak` FLOP/s."""
    bf16 = bf16_is_fast(device)
    way = f"{'bf16' if bf16 else 'float32'}, {'compiled' if compiled else 'eager'}"
    for perceptual in (True, False):
        loss = "L1 and VGG-19" if perceptual else "L1 alone"
        eager = TrainingStep(translator_task(scale, perceptual=perceptual), device, bf16=bf16)
        counted = operations(eager, images(scale, scale.batches[0], device))
        del eager  # or its weights and Adam's would count as needed below
        yield f"operations of a training step, {loss}", counted / 1e9, "GFLOP an image"
        # The middle one first: it is the one that the variants are held against.
        for count in sorted(scale.batches, key=lambda b: b != scale.batch):
            step = batch = None
            forget_peak(device)
            torch._dynamo.reset()
            step = TrainingStep(
                translator_task(scale, perceptual=perceptual), device, bf16=bf16, compiled=compiled
            )
            batch = images(scale, count, device)
            start = time.perf_counter()
            step(batch)
            wait(device)
            first = time.perf_counter() - start
            rate = count / seconds_for(lambda s=step, b=batch: s(b), device, scale)
            what = f"training, {loss}, {way}, batch {count}"
            yield what, rate, "images/s"
            if peak:
                yield f"{what}: of the measured peak", 100 * rate * counted / peak, "%"
            yield from memory_peak(device, what)
            if compiled:
                yield f"{what}: first step", first, "s"


def variants(device: str, scale: Scale) -> Figures:
    """The step of `training`, eager, with one thing changed at a time."""
    bf16 = bf16_is_fast(device)
    batch = images(scale, scale.batch, device)

    def rate(step: TrainingStep, given: tuple[Tensor, ...] = batch) -> float:
        return scale.batch / seconds_for(lambda: step(given), device, scale)

    def name(what: str) -> str:
        return f"variant, batch {scale.batch}: {what}"

    yield (
        name("as it is"),
        rate(TrainingStep(translator_task(scale), device, bf16=bf16)),
        "images/s",
    )
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    step = TrainingStep(translator_task(scale), device, bf16=bf16)
    yield name("deterministic, as the trainer sets it"), rate(step), "images/s"
    torch.use_deterministic_algorithms(False)
    task = InPlanes(scale.translator, scale.loss, seed=0)
    step = TrainingStep(task.to(memory_format=torch.contiguous_format), device, bf16=bf16)
    planes = tuple(each.contiguous() for each in batch)
    yield name("not channels last"), rate(step, planes), "images/s"
    step = TrainingStep(translator_task(scale), device, bf16=not bf16)
    yield name("float32, TF32 allowed" if bf16 else "bf16"), rate(step), "images/s"
    for attention in ("none", "channel", "spatial"):
        step = TrainingStep(translator_task(scale, attention=attention), device, bf16=bf16)
        yield name(f"attention: {attention}"), rate(step), "images/s"
    if device == "cuda":
        torch.backends.cudnn.benchmark = True
        step = TrainingStep(translator_task(scale), device, bf16=bf16)
        yield name("cuDNN's benchmark mode"), rate(step), "images/s"
        step = TrainingStep(translator_task(scale), device, bf16=bf16, fused=True)
        yield name("cuDNN's benchmark mode, fused Adam"), rate(step), "images/s"


def graphs(device: str, scale: Scale) -> Figures:
    """CUDA graphs, by torch.compile, in cuDNN's benchmark mode."""
    if device != "cuda":
        return
    torch.backends.cudnn.benchmark = True
    bf16, batch = bf16_is_fast(device), images(scale, scale.batch, device)
    for mode in (True, "reduce-overhead"):
        torch._dynamo.reset()
        step = TrainingStep(translator_task(scale), device, bf16=bf16, compiled=mode, fused=True)
        taken = seconds_for(lambda s=step: s(batch), device, scale)
        what = "compiled" if mode is True else "compiled, CUDA graphs"
        yield (
            f"variant, batch {scale.batch}: {what}, cuDNN's benchmark mode, fused Adam",
            scale.batch / taken,
            "images/s",
        )


def profile(device: str, scale: Scale) -> Figures:
    """Where the time of an eager training step goes: the shares of the longest kernels."""
    from torch.profiler import ProfilerActivity

    step = TrainingStep(translator_task(scale), device, bf16=bf16_is_fast(device))
    batch = images(scale, scale.batch, device)
    for _ in range(3):
        step(batch)
    wait(device)
    activities = [ProfilerActivity.CPU]
    if device == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as profiled:
        for _ in range(3):
            step(batch)
        wait(device)
    times = {
        event.key: event.self_device_time_total
        if device == "cuda"
        else event.self_cpu_time_total
        for event in profiled.key_averages()
    }  # fmt: skip
    total = sum(times.values())
    for key in sorted(times, key=times.get, reverse=True)[:8]:
        short = key if len(key) <= 60 else f"{key[:57]}..."
        yield f"share of a training step: `{short}`", 100 * times[key] / total, "%"


def data(device: str, scale: Scale, clips: dict[str, StoredClip], shards: list[Path]) -> Figures:
    """The way of the frames from the shards to the device, beside the steps that they wait for."""
    machine = choose_machine(Recipe(epochs=1, batch_size=scale.batch), Runtime(device=device))
    workers = machine.workers
    yield "processes that prepare batches", workers, ""
    shm = os.statvfs("/dev/shm")
    yield "shared memory for them", shm.f_frsize * shm.f_bavail / 2**30, "GiB free"
    bf16 = bf16_is_fast(device)
    resident = images(scale, scale.batch, device)
    step = TrainingStep(translator_task(scale), device, bf16=bf16)
    best = scale.batch / seconds_for(lambda: step(resident), device, scale)
    yield f"training from one batch on the device, batch {scale.batch}", best, "images/s"
    for where, limit in (("on disk", 0), ("in memory", 8 * 2**30)):
        if not limit:
            forget_files(shards)
        loader = disk_loader(clips, scale.batch, workers, limit)
        loader.pin_memory = device == "cuda"
        rate, waiting = trained_from(loader, step, device, scale)
        what = f"training from shards {where}"
        yield what, rate, "images/s"
        yield f"{what}: the loop waits for data", 100 * waiting, "%"
        yield f"{what}: lost against one batch on the device", 100 * (1 - rate / best), "%"
        alone = loader_rate(loader, scale)
        yield f"loader alone, shards {where}", alone, "images/s"
    yield from decoders(device, scale, clips)


def forget_files(paths: list[Path]) -> None:
    """Out of the page cache, so that they are read from the disk."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def disk_loader(
    clips: dict[str, StoredClip], batch_size: int, workers: int, memory_limit: int
) -> EpochLoader:
    pairs = RandomPairs({clip_id: clip.length for clip_id, clip in clips.items()}, seed=0)
    return EpochLoader(
        TranslatorSamples(clips, memory_limit=memory_limit), pairs, batch_size,
        drop_last=True, workers=workers, collate=collate_images,
    )  # fmt: skip


def trained_from(
    loader: EpochLoader, step: TrainingStep, device: str, scale: Scale
) -> tuple[float, float]:
    """Images a second of an epoch, and the share of it that the loop waits; the start left out."""
    waiting, start, seen = Waiting(), 0.0, 0
    warm = min(10, len(loader) // 4)
    for number, batch in enumerate(waiting.of(loader)):
        if number == warm:
            wait(device)
            start, waiting.seconds, seen = time.perf_counter(), 0.0, 0
        step(on_device(batch, device))
        seen += len(batch[0])
    wait(device)
    taken = time.perf_counter() - start
    return seen / taken, waiting.seconds / taken


def loader_rate(loader: EpochLoader, scale: Scale) -> float:
    """Images a second of an epoch that nobody uses."""
    start, seen, warm = 0.0, 0, min(10, len(loader) // 4)
    for number, batch in enumerate(loader):
        if number == warm:
            start, seen = time.perf_counter(), 0
        seen += len(batch[0])
    return seen / (time.perf_counter() - start)


def decoders(device: str, scale: Scale, clips: dict[str, StoredClip]) -> Figures:
    """A core's decoder of the shards' JPEGs beside the GPU's own."""
    clip = next(iter(clips.values()))
    files = [np.array(clip.group["frames"][t]) for t in range(min(64, clip.length))]
    taken = seconds_for(
        lambda: [cv2.imdecode(each, cv2.IMREAD_COLOR_RGB) for each in files], "cpu", scale
    )
    yield "JPEGs decoded on a core, OpenCV", len(files) / taken, "frames/s"
    if device != "cuda":
        return
    from torchvision.io import ImageReadMode, decode_jpeg

    tensors = [torch.from_numpy(each) for each in files]

    def on_gpu() -> list[Tensor]:
        return decode_jpeg(tensors, mode=ImageReadMode.RGB, device=device)

    true = torch.from_numpy(np.stack([cv2.imdecode(f, cv2.IMREAD_COLOR_RGB) for f in files]))
    made = torch.stack(on_gpu()).permute(0, 2, 3, 1).cpu()
    yield (
        "JPEGs decoded on the GPU, torchvision",
        len(files) / seconds_for(on_gpu, device, scale),
        "frames/s",
    )
    yield (
        "the same: mean distance from OpenCV's pixels",
        float((made.int() - true.int()).abs().float().mean()),
        "levels",
    )


def trainers(
    device: str, scale: Scale, clips: dict[str, StoredClip], folder: Path
) -> Figures:  # fmt: skip
    """The trainer itself, Lightning Fabric and all, in memory: the second epoch's speed."""
    from emohead.landmarks.fit import train_landmark_model
    from emohead.translator.fit import train_translator

    for compiled in (False, True) if device == "cuda" else (False,):
        torch._dynamo.reset()
        recipe = Recipe(epochs=2, batch_size=scale.batch, precision="auto")
        runtime = Runtime(device=device, compile=compiled)
        state = folder / f"translator-{compiled}"
        state.mkdir()
        history = train_translator(
            clips, scale.translator, scale.loss, recipe, runtime, seed=0, state=state
        ).history
        rate = _second_epoch(history, scale.batch)
        way = "compiled" if compiled else "eager"
        yield f"train_translator, {way}, batch {scale.batch}", rate, "images/s"
    for architecture in ("audio2lm", "at_net"):
        recipe, runtime = Recipe(epochs=2, batch_size=4), Runtime(device=device, compile=False)
        state = folder / architecture
        state.mkdir()
        history = train_landmark_model(
            clips, LandmarkModelOptions(architecture, **scale.landmarks), recipe, runtime,
            seed=0, state=state,
        ).history  # fmt: skip
        rate = _second_epoch(history, 4)
        yield f"train_landmarks, {architecture}, float32, batch 4", rate, "clips/s"


def _second_epoch(history, batch: int) -> float:
    steps, seconds = history["step"].diff()[1], history["seconds"].diff()[1]
    return float(steps * batch / seconds)


def landmark_steps(device: str, scale: Scale, clips: dict[str, StoredClip]) -> Figures:
    """Steps of the landmark models at the paper's size, clips of one length on the device."""
    options = LandmarkModelOptions(**scale.landmarks)
    basis, statistics = fit_training_statistics(clips, scale.crop, options)
    samples = LandmarkClips(clips, scale.crop, seed=0)
    loader = EpochLoader(
        samples, SeededShuffle(len(samples), 0), len(samples), collate=collate_clips
    )
    batch = on_device(next(iter(loader)), device)
    for architecture in ("audio2lm", "at_net"):
        for bf16 in (False, True):
            torch.manual_seed(0)
            options = LandmarkModelOptions(architecture, **scale.landmarks)
            model = build_landmark_model(options, basis, statistics)
            step = TrainingStep(LandmarkTask(model), device, bf16=bf16)
            count = len(batch.mfcc)
            rate = count / seconds_for(lambda s=step: s(batch), device, scale)
            yield (
                f"landmark training, {architecture}, {'bf16' if bf16 else 'float32'}, "
                f"batch {count} of {scale.frames} frames", rate, "clips/s",
            )  # fmt: skip


def rendering(device: str, scale: Scale, folder: Path) -> Figures:
    """Frames a second from landmarks on the CPU to frames on the CPU."""
    random = np.random.default_rng(0)
    count = 128 if device == "cuda" else 8
    landmarks = face_landmarks(mouth_opening(count, random), 4, random) * scale.crop
    face = draw_faces(landmarks[:1], scale.crop, random)[0]
    model = made_translator(scale.translator, scale.crop).to(device)
    frames = None
    for bf16 in (False, True):
        fast = for_inference(model, bf16=bf16)
        for batch_size in (16, 64):

            def film(fast=fast, size=batch_size) -> list[np.ndarray]:
                return list(translate(fast, landmarks, face, batch_size=size))

            forget_peak(device)
            taken = seconds_for(film, device, scale)
            name = f"rendering a method, {'bf16' if bf16 else 'float32'}, batch {batch_size}"
            yield name, count / taken, "frames/s"
            yield from memory_peak(device, name)

        def run(fast=fast) -> np.ndarray:
            return np.concatenate(list(translate_stream(fast, [landmarks], face)))

        taken = seconds_for(run, device, scale)
        numbers = "bf16" if bf16 else "float32"
        yield f"rendering for inference, {numbers}", count / taken, "frames/s"
        frames = run()
    path = folder / "rendered.h5"

    def write() -> None:
        with ShardWriter(path, codec="png") as shard:
            shard.add("M901-front-angry-1-001", landmarks=landmarks, frames=frames)

    yield (
        "writing rendered frames as PNG, one core",
        count / seconds_for(write, "cpu", scale),
        "frames/s",
    )


def scoring(device: str, scale: Scale) -> Figures:
    """Frames a second of the metrics: SSIM and PSNR on a core, LPIPS and SyncNet on the device."""
    random = np.random.default_rng(0)
    count = 64 if device == "cuda" else 12
    landmarks = face_landmarks(mouth_opening(count, random), 4, random) * scale.crop
    true = draw_faces(landmarks, scale.crop, random)
    made = np.clip(true + random.normal(0, 8, true.shape), 0, 255).astype(np.uint8)
    boxes = boxes_of(landmarks, scale.crop)
    taken = seconds_for(lambda: picture_values(zip(made, true, strict=True), boxes), "cpu", scale)
    yield "SSIM, PSNR, CPBD, one core", count / taken, "frames/s"
    from emohead.evaluation.networks.lpips import Lpips, lpips_distance
    from emohead.evaluation.networks.syncnet import SyncNet

    lpips = Lpips(net="alex", pnet_rand=True).eval().to(device)
    taken = seconds_for(lambda: lpips_distance(lpips, made, true), device, scale)
    yield "LPIPS", count / taken, "frames/s"
    syncnet, film = SyncNet().eval().to(device), torch.rand(20, 3, 224, 224)

    @torch.inference_mode()
    def mouths() -> Tensor:
        return syncnet.mouths(film.to(device)).cpu()

    yield "SyncNet, mouths", 16 / seconds_for(mouths, device, scale), "frames/s"


def paper_landmark_model() -> LandmarkModel:
    """The paper's Audio2Lm with MSEF, untrained; landmarks move."""
    random = np.random.default_rng(3)
    faces = np.concatenate([face_landmarks(mouth_opening(40, random), e, random) for e in range(8)])
    options = LandmarkModelOptions()
    statistics = MfccStatistics(np.zeros(12, np.float32), np.full(12, 15, np.float32))
    torch.manual_seed(0)
    model = build_landmark_model(options, fit_basis(faces, options.components), statistics)
    torch.nn.init.normal_(model.fc.weight, std=0.3)
    return model.eval()


def both_stages(device: str, scale: Scale) -> Figures:
    """`generate` without files: from MFCC to frames on the CPU, one clip."""
    random = np.random.default_rng(0)
    count = 500 if device == "cuda" else 25
    mfcc = mfcc_windows(mouth_opening(count, random), 2, random)
    landmarks = face_landmarks(np.zeros(1), 2, random)[0] * scale.crop
    face = draw_faces(landmarks[None], scale.crop, random)[0]
    model = paper_landmark_model().to(device)
    translator = for_inference(made_translator(scale.translator, scale.crop).to(device))

    def predict() -> list[np.ndarray]:
        windows = predict_stream(model, lambda: iter([mfcc]), landmarks, scale.crop)
        return [window.landmarks for window in windows]

    taken = seconds_for(predict, device, scale)
    yield "generate, landmarks alone", count / taken, "frames/s"

    def run() -> int:
        return sum(len(each) for each in translate_stream(translator, predict(), face))

    yield (
        "generate, both stages, without files",
        count / seconds_for(run, device, scale),
        "frames/s",
    )


def whole_generate(device: str, scale: Scale, folder: Path) -> Figures:
    """`emohead generate`, from a sound file and a picture to a video."""
    from generation import random_bundle, write_inputs

    from emohead.generate.generate import generate

    seconds = 20 if device == "cuda" else 1
    voice, face = write_inputs(folder, seconds)
    bundle = random_bundle(scale.translator, scale.crop).to(device)

    def run() -> None:
        generate(voice, face, folder / "talk.mp4", copy.copy(bundle), progress=False)

    run()
    start = time.perf_counter()
    run()
    yield (
        "generate, from files to a video",
        25 * seconds / (time.perf_counter() - start),
        "frames/s",
    )
