"""What is checked of a device, by benchmarks/gpu.py and by tests/test_cuda.py.

Forward and backward passes are held against the same in float64 on the CPU; those of EVP's and
Audio2Head's other nets, whole trainings and renderings against those of the CPU in float32.
Deviations are relative, ||a - b|| / ||b||, and infinite where something isn't finite.
"""

import copy
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np
import pandas as pd
import torch
from gpu_samples import draw_faces, face_landmarks, mfcc_windows, mouth_opening
from torch import Tensor, nn

from emohead.disentangler.data import CrossSample, EmotionSample
from emohead.disentangler.nets import Disentangler
from emohead.disentangler.options import DisentanglerOptions
from emohead.disentangler.task import DisentanglerTask
from emohead.features.store import StoredClip
from emohead.generate.stages import predict_stream, translate_stream
from emohead.landmarks.basis import fit_basis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.data import ClipSample, LandmarkBatch, collate_clips
from emohead.landmarks.fit import train_landmark_model
from emohead.landmarks.model import LandmarkModel, MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions, LossWeights
from emohead.landmarks.predict import predict_landmarks
from emohead.landmarks.task import LandmarkTask
from emohead.motion.audio import POSE, Scale
from emohead.motion.audio_data import MotionBatch
from emohead.motion.audio_fit import MotionAudioTask, train_motion_audio
from emohead.motion.audio_options import MotionAudioLossOptions, MotionAudioOptions
from emohead.motion.field import build_field
from emohead.motion.load import build_motion_audio
from emohead.motion.options import KEYPOINTS, MotionFieldLossOptions, MotionFieldOptions
from emohead.motion.task import MotionFieldTask
from emohead.training.batches import EpochLoader
from emohead.training.gpus import RESERVED, gpu_names, reserved_gpus
from emohead.training.hardware import can_compile
from emohead.training.loop import fit
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime
from emohead.training.task import TrainingTask
from emohead.translator.data import RandomPairs, TranslatorSamples, collate_images, training_loader
from emohead.translator.fit import train_translator
from emohead.translator.inference import for_inference
from emohead.translator.inputs import draw_input
from emohead.translator.options import TranslatorLossOptions, TranslatorOptions
from emohead.translator.render import translate
from emohead.translator.task import TranslatorTask
from emohead.translator.unet import UNet, build_translator
from emohead.translator.warp import with_warped

# At the size that is quick on a CPU.
SIZE = 64
WIDTHS = (8, 12, 16, 16, 16)
LOSS = TranslatorLossOptions(perceptual=0.3, vgg_width=0.0625)
SMALL_WIDTHS = {
    "audio_width": 32, "emotion_width": 32, "memory_slots": 16, "reference_width": 48,
    "hidden_width": 48, "conv_width": 4, "lstm_width": 32, "lstm_layers": 2, "components": 8,
    "loss": LossWeights(unit=100),
}  # fmt: skip

#: Every kind of translator, by name. Without residual blocks where the gradient is looked at: in
#: the first maps of a new net with two on each map, normalisation after normalisation makes of
#: bf16's rounding a gradient that has nothing in common with float64's.
TRANSLATORS = {
    "U-Net": TranslatorOptions(WIDTHS, 0, attention="none"),
    "U-Net, residual blocks": TranslatorOptions(WIDTHS[:3], 1, attention="none"),
    "AATU": TranslatorOptions(WIDTHS, 0),
    "AATU, shallow": TranslatorOptions((*WIDTHS, 16), 0, placement="shallow"),
    "channel gate": TranslatorOptions(WIDTHS, 0, attention="channel"),
    "spatial gate": TranslatorOptions(WIDTHS, 0, attention="spatial"),
    "AATU with warp": TranslatorOptions(WIDTHS, 0, inputs="areas", warp=True),
    "EVP's translator": TranslatorOptions(WIDTHS, 0, attention="none", inputs="edges"),
}
#: What is rendered with.
DEEP = TranslatorOptions(WIDTHS)
#: And of landmark model.
LANDMARK_MODELS = {
    "AT-net": LandmarkModelOptions(architecture="at_net", **SMALL_WIDTHS),
    "MSEF": LandmarkModelOptions(**SMALL_WIDTHS),
    "MSEF, slots": LandmarkModelOptions(memory="slots", target="absolute", **SMALL_WIDTHS),
    "MSEF, no memory": LandmarkModelOptions(memory="none", dropout=0.0, **SMALL_WIDTHS),
    "MSEF, no classifier": LandmarkModelOptions(classifier=False, **SMALL_WIDTHS),
    "Audio2Lm": LandmarkModelOptions(emotion="none", **SMALL_WIDTHS),
    "EVP": LandmarkModelOptions(architecture="evp", **SMALL_WIDTHS),
}
STATISTICS = MfccStatistics(np.zeros(12, np.float32), np.full(12, 15, np.float32))
FIELD = MotionFieldOptions(
    keypoint_grid=16, keypoint_width=8, dense_grid=16, dense_width=8, max_width=16, levels=2,
    generator_widths=(8, 16), residual_blocks=1,
)  # fmt: skip
HEARD = {"hidden_width": 48, "audio_width": 32, "pose_width": 16, "lstm_width": 32}
HOURGLASS = {"hourglass_grid": 16, "hourglass_width": 8, "hourglass_max": 16,
             "hourglass_levels": 2, "window": 8}  # fmt: skip


@dataclass(frozen=True)
class Agreement:
    """Relative deviations of a training step from the same in float64."""

    loss: float
    gradient: float

    def within(self, limits: "Agreement") -> bool:
        return self.loss <= limits.loss and self.gradient <= limits.gradient


#: What is allowed: float32 without TF32, and bf16 autocast, whose numbers have 8 bits. Gradients of
#: ReLUs and maxima jump where rounding changes which side or which one it is.
FLOAT32 = Agreement(loss=1e-5, gradient=3e-2)
BF16 = Agreement(loss=2e-2, gradient=6e-1)


def deviation(found: Tensor, true: Tensor) -> float:
    """||found - true|| / ||true||, infinite where `found` isn't finite."""
    found, true = found.detach().double().cpu(), true.detach().double().cpu()
    if not found.isfinite().all():
        return float("inf")
    return float((found - true).norm() / true.norm().clamp_min(1e-300))


@contextmanager
def whole_float32() -> Iterator[None]:
    """Convolutions and LSTMs on a GPU round their factors to TF32 unless they are told not to."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        yield


def on_device(batch: Sequence[Tensor], device: str) -> tuple[Tensor, ...]:
    moved = (each.to(device, non_blocking=True) for each in batch)
    return type(batch)(*moved) if hasattr(batch, "_fields") else tuple(moved)


def made_images(size: int, count: int, inputs: str = "drawing") -> tuple[Tensor, Tensor, Tensor]:
    """A batch as the translator's loader makes it: uint8 [count, C, S, S] and [count, 3, S, S].

    C is that of the option `inputs`, and the landmarks of both pictures are float32
    [count, 2, 68, 2]. Every image is of another person: normalisation would blow up the differences
    of equal ones.
    """
    images, true, points = [], [], []
    for number in range(count):
        random = np.random.default_rng(number)
        landmarks = face_landmarks(mouth_opening(6, random), number % 8, random) * size
        reference, *_, frame = draw_faces(landmarks, size, random)
        drawing = draw_input(inputs, landmarks[-1], frame)
        images.append(np.concatenate([drawing, reference], axis=2))
        true.append(frame)
        points.append(np.stack([landmarks[-1], landmarks[0]]).astype(np.float32))
    pictures = (torch.from_numpy(np.stack(each)).permute(0, 3, 1, 2) for each in (images, true))
    return (*pictures, torch.from_numpy(np.stack(points)))


def translator_agreement(
    options: TranslatorOptions,
    loss_options: TranslatorLossOptions,
    *,
    size: int,
    device: str,
    bf16: bool = False,
    compiled: bool = False,
) -> Agreement:
    """A training step of a translator on a device, from the task's first weights."""
    inputs, true, points = made_images(size, 4, options.inputs)
    batch = (inputs, true, points) if options.warp else (inputs, true)
    task = TranslatorTask(options, loss_options, seed=0)
    twin = copy.deepcopy(task).double()
    inputs, true = inputs.double() / 255, true.double() / 255
    if options.warp:
        target, reference = points.unbind(1)
        inputs = with_warped(inputs, target, reference)
        figures = twin.loss.of_painting(twin.model.paint(inputs), inputs, true, target)
    else:
        figures = twin.loss(twin.model(inputs), true)
    figures["loss"].backward()
    return _agreement(
        task, batch, figures["loss"], twin, device=device, bf16=bf16, compiled=compiled
    )


def made_clips(lengths: tuple[int, ...]) -> LandmarkBatch:
    """A batch of clips of these lengths as the landmark models' loader makes it."""
    samples = []
    for number, length in enumerate(lengths):
        random = np.random.default_rng(number)
        opening = mouth_opening(length, random)
        landmarks = torch.from_numpy(face_landmarks(opening, number, random))
        mfcc = torch.from_numpy(mfcc_windows(opening, number, random).copy())
        samples.append(ClipSample(mfcc, landmarks, landmarks[0], number))
    return collate_clips(samples)


def made_landmark_model(options: LandmarkModelOptions) -> LandmarkModel:
    """Random weights, and an output that isn't zero, as it is before training."""
    random = np.random.default_rng(3)
    faces = np.concatenate([face_landmarks(mouth_opening(40, random), e, random) for e in range(8)])
    torch.manual_seed(0)
    model = build_landmark_model(options, fit_basis(faces, options.components), STATISTICS)
    nn.init.normal_(model.fc.weight, std=2)
    return model


def landmark_agreement(
    options: LandmarkModelOptions,
    *,
    device: str,
    bf16: bool = False,
    compiled: bool = False,
    lengths: tuple[int, ...] = (21, 12, 17),
) -> Agreement:
    """A training step of a landmark model on clips of several lengths."""
    batch = made_clips(lengths)
    task = LandmarkTask(made_landmark_model(options))
    twin = copy.deepcopy(task).double()
    loss = twin(
        LandmarkBatch(*(t.double() if t.is_floating_point() else t for t in batch))
    )["loss"]  # fmt: skip
    loss.backward()
    return _agreement(task, batch, loss, twin, device=device, bf16=bf16, compiled=compiled)


def _made_disentangler(*, pretraining: bool) -> tuple[TrainingTask, tuple[Tensor, ...]]:
    heard = made_clips((12,) * 4).mfcc  # [B, T, 28, 12]
    emotion = torch.tensor([[0, 1], [2, 3], [4, 5], [6, 7]])
    batch = CrossSample(heard[:, :2], heard[:, 5:7], emotion)
    if pretraining:
        batch = EmotionSample(batch.emotional[:, 0], emotion[:, 0])
    return DisentanglerTask(Disentangler(DisentanglerOptions(4, 32, 32, 4), STATISTICS)), batch


def _made_field() -> tuple[TrainingTask, tuple[Tensor, ...]]:
    loss = MotionFieldLossOptions(sizes=2, warm_start=10, vgg_width=0.0625)
    return MotionFieldTask(FIELD, loss, seed=0), made_images(SIZE, 4)


def _made_motion_audio(options: MotionAudioOptions) -> tuple[TrainingTask, tuple[Tensor, ...]]:
    lengths = torch.tensor([14, 9, 11])
    draw = torch.Generator().manual_seed(0)
    count, frames = len(lengths), int(lengths.max())
    pictures = torch.empty(count, 0, dtype=torch.uint8)
    if options.network == "hourglass":
        pictures = made_images(SIZE, count)[1].permute(0, 2, 3, 1)
    batch = MotionBatch(
        torch.randn(count, frames, *options.heard, generator=draw),
        torch.randn(count, frames, POSE, generator=draw),
        torch.rand(count, frames, 6 * KEYPOINTS, generator=draw) - 0.5,
        torch.tensor([3, 0, 10]), lengths, pictures, torch.tensor([2, 0, 5]),
    )  # fmt: skip
    scales = (Scale(torch.zeros(n), torch.ones(n)) for n in (options.heard[1], POSE))
    return MotionAudioTask(build_motion_audio(options, *scales), MotionAudioLossOptions()), batch


#: What else EVP and Audio2Head train: a task with its first weights, and a batch.
COMPARATORS: dict[str, Callable[[], tuple[TrainingTask, tuple[Tensor, ...]]]] = {
    "EVP's emotion encoder": partial(_made_disentangler, pretraining=True),
    "EVP's disentangler": partial(_made_disentangler, pretraining=False),
    "First Order Motion": _made_field,
    "Audio2Head, recurrent": partial(_made_motion_audio, MotionAudioOptions(**HEARD)),
    "Audio2Head": partial(
        _made_motion_audio,
        MotionAudioOptions(sound="mfcc_fbank_f0", network="hourglass", **HEARD, **HOURGLASS),
    ),
}


def comparator_agreement(name: str, *, device: str, bf16: bool = False) -> Agreement:
    """A training step of one of COMPARATORS beside the CPU's in float32."""
    torch.manual_seed(0)  # of the first weights
    task, batch = COMPARATORS[name]()
    twin = copy.deepcopy(task)
    torch.manual_seed(1)  # of a field's random warps
    loss = twin(batch)["loss"]
    loss.backward()
    torch.manual_seed(1)
    return _agreement(task, batch, loss, twin, device=device, bf16=bf16, compiled=False)


def _agreement(
    task: TrainingTask,
    batch: tuple[Tensor, ...],
    true_loss: Tensor,
    twin: nn.Module,
    *,
    device: str,
    bf16: bool,
    compiled: bool,
) -> Agreement:
    task.to(device)
    run = torch.compile(task) if compiled else task
    batch = on_device(batch, device)
    with (
        whole_float32(),
        torch.autocast(device, torch.bfloat16, enabled=bf16, cache_enabled=False),
    ):
        loss = run(batch)["loss"]
    with whole_float32():
        loss.backward()
    gradients, true_gradients = (
        torch.cat(
            [p.grad.double().cpu().flatten() for p in module.parameters() if p.grad is not None]
        )
        for module in (task, twin)
    )
    return Agreement(deviation(loss, true_loss), deviation(gradients, true_gradients))


def recipe_and_runtime(
    *,
    device: str,
    compile: bool = False,
    workers: int = 0,
    checkpoint_minutes: float = 5.0,
    **recipe: Any,
) -> tuple[Recipe, Runtime]:
    """How and on what a small training is done."""
    runtime = Runtime(device, compile, workers, checkpoint_minutes)
    return Recipe(learning_rate=recipe.pop("learning_rate", 1e-3), **recipe), runtime


#: Figures of every epoch, [epochs, figures].
Curves = np.ndarray


def translator_curves(clips: Mapping[str, StoredClip], folder: Path, **machine: object) -> Curves:
    """The losses of a short training of AATU; `machine` is for recipe_and_runtime."""
    checkpoint = train_translator(
        clips, TRANSLATORS["AATU"], LOSS,
        *recipe_and_runtime(
            epochs=3, batch_size=4, validation=0.25, frames_per_clip=4, **machine
        ),
        seed=0, state=_new(folder),
    )  # fmt: skip
    return _losses(checkpoint.history)


def landmark_curves(
    clips: Mapping[str, StoredClip], name: str, folder: Path, **machine: object
) -> Curves:
    """The same of a landmark model of LANDMARK_MODELS."""
    checkpoint = train_landmark_model(
        clips, LANDMARK_MODELS[name],
        *recipe_and_runtime(
            epochs=6, batch_size=4, learning_rate=3e-3, validation=0.25, **machine
        ),
        seed=0, state=_new(folder),
    )  # fmt: skip
    return _losses(checkpoint.history)


def motion_audio_curves(clips: Mapping[str, StoredClip], folder: Path, **machine: object) -> Curves:
    """The same of Audio2Head's recurrent networks, whose targets a new field finds there."""
    checkpoint = train_motion_audio(
        clips, build_field(FIELD).eval(), MotionAudioOptions(**HEARD), MotionAudioLossOptions(),
        *recipe_and_runtime(
            epochs=6, batch_size=4, learning_rate=3e-3, validation=0.25, **machine
        ),
        seed=0, state=_new(folder),
    )  # fmt: skip
    return _losses(checkpoint.history)


def _losses(history: pd.DataFrame) -> Curves:
    return history.filter(regex="L_|l1|loss|perceptual").to_numpy()


def curve_deviation(found: Curves, true: Curves) -> float:
    """The largest relative deviation of one figure in one epoch."""
    apart = np.abs(found - true) / np.abs(true)
    return float(np.where(np.isfinite(apart), apart, np.inf).max())


def can_compile_on(device: str) -> bool:
    """Whether torch.compile finds what it needs here."""
    if device == "cuda":
        return can_compile()
    return shutil.which(os.environ.get("CXX", "g++")) is not None


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


class Killed(Exception):
    """Stands for a process that ends in the middle of an epoch."""


class _DyingLoader(EpochLoader):
    """Raises Killed in place of its batch `dies_at`."""

    dies_at: int | None = None

    def __iter__(self):
        for number, batch in enumerate(super().__iter__()):
            if number == self.dies_at:
                raise Killed
            yield batch


def _batches(device: str) -> int:
    """Of an epoch: a GPU's state is saved every 20 steps, a CPU's here after every one."""
    return 24 if device == "cuda" else 5


@dataclass(frozen=True)
class Repeated:
    """How far the weights of the same training are apart, 0 being the same to the bit.

    When it is done `twice`, and when it is killed inside an epoch and then `resumed`.
    """

    twice: float
    resumed: float


def repeated(
    clips: Mapping[str, StoredClip], folder: Path, *, device: str, **machine: object
) -> Repeated:
    """A short training of AATU, done three times, once of them in two parts."""
    first, second, killed = (_new(folder / name) for name in ("first", "second", "killed"))
    once = _trained(clips, first, None, device, **machine)
    twice = _trained(clips, second, None, device, **machine)
    try:
        _trained(clips, killed, _batches(device) - 1, device, **machine)
    except Killed:
        pass
    else:
        raise AssertionError("the training that was to be killed came to its end")
    if not any(killed.iterdir()):
        raise AssertionError("the training that was killed inside an epoch has saved no state")
    resumed = _trained(clips, killed, None, device, **machine)
    return Repeated(deviation(twice, once), deviation(resumed, once))


def _trained(
    clips: Mapping[str, StoredClip],
    state: Path,
    dies_at: int | None,
    device: str,
    **machine: object,
) -> Tensor:
    pairs = RandomPairs({i: c.length for i, c in clips.items()}, seed=0, frames_per_clip=6)
    chosen = list(pairs)[: 2 * _batches(device)]
    data = _DyingLoader(TranslatorSamples(clips), chosen, 2, collate=collate_images)
    data.dies_at = dies_at
    task = TranslatorTask(TRANSLATORS["AATU"], LOSS, seed=0)
    options = recipe_and_runtime(
        epochs=2, batch_size=2, checkpoint_minutes=0, device=device, **machine
    )
    fit(task, data, None, *options, seed=0, state=state)
    return torch.cat([p.detach().double().cpu().flatten() for p in task.model.parameters()])


def loaders_agree(clips: Mapping[str, StoredClip], workers: int, pin: bool) -> bool:
    """Whether workers and pinned memory change nothing of an epoch's batches and their layout."""
    plain, other = (
        training_loader(clips, batch_size=4, seed=0, frames_per_clip=4, workers=count)
        for count in (0, workers)
    )
    other.pin_memory = pin
    for loader in (plain, other):
        loader.go_to(1, 2)
    return all(
        torch.equal(a, b) and a.stride() == b.stride()
        for one, two in zip(plain, other, strict=True)
        for a, b in zip(one, two, strict=True)
    )


def made_translator(options: TranslatorOptions, size: int) -> UNet:
    """As if trained: statistics of some batches, and frames from black to white."""
    model = build_translator(options, seed=0)
    inputs = made_images(size, 6)[0].float() / 255
    with torch.no_grad():
        for _ in range(12):
            model(inputs)
        model.eval()
        model.to_frame[1].weight *= 3 / model.to_frame[:2](_before(model, inputs)).std()
    return model


def _before(model: UNet, inputs: Tensor) -> Tensor:
    """What reaches `to_frame`."""
    kept: list[Tensor] = []
    hook = model.to_frame.register_forward_pre_hook(lambda _module, given: kept.append(given[0]))
    model(inputs)
    hook.remove()
    return kept[0]


@dataclass(frozen=True)
class FrameDifference:
    """Between two renderings in levels of 255: the mean, and the share that is off by 2 or more."""

    mean: float
    far: float


def frame_difference(made: np.ndarray, true: np.ndarray) -> FrameDifference:
    levels = np.abs(made.astype(int) - true.astype(int))
    return FrameDifference(float(levels.mean()), float((levels >= 2).mean()))


def rendering_differences(device: str, size: int = SIZE) -> dict[str, FrameDifference]:
    """Frames by each way of rendering on a device, against `translate` in float32 on the CPU."""
    random = np.random.default_rng(8)
    landmarks = face_landmarks(mouth_opening(21, random), 4, random) * size
    face = draw_faces(landmarks[:1], size, random)[0]
    model = made_translator(DEEP, size)

    def whole(net: UNet) -> np.ndarray:
        return np.stack(list(translate(net, landmarks, face)))

    true = whole(model)
    there = copy.deepcopy(model).to(device)
    drawn = [landmarks[:8], landmarks[8:]]

    def streamed(bf16: bool) -> np.ndarray:
        fast = for_inference(there, bf16=bf16)
        return np.concatenate(list(translate_stream(fast, drawn, face)))

    with whole_float32():
        made = {"translate": whole(there), "for inference": streamed(False)}
    made["translate, TF32 allowed"] = whole(there)
    made["translate, bf16"] = whole(for_inference(there, bf16=True))
    made["for inference, bf16"] = streamed(True)
    return {name: frame_difference(frames, true) for name, frames in made.items()}


def predicted_deviations(device: str) -> dict[str, float]:
    """Largest distance in pixels of 256 from the CPU's prediction, whole and in windows."""
    found = {}
    mfcc = made_clips((40,)).mfcc[0].numpy()
    for name, options in LANDMARK_MODELS.items():
        model = made_landmark_model(options).eval()
        reference = face_landmarks(np.zeros(1), 3, np.random.default_rng(0))[0] * 256
        true, _ = predict_landmarks(model, mfcc, reference, 256)
        there = copy.deepcopy(model).to(device)
        with whole_float32():
            whole, _ = predict_landmarks(there, mfcc, reference, 256)
            windows = predict_stream(there, lambda: iter([mfcc[:25], mfcc[25:]]), reference, 256)
            parts = np.concatenate([window.landmarks for window in windows])
        moved = float(np.abs(true - reference).max())
        if moved < 1.5:
            raise AssertionError(f"{name}: the made-up model moves nothing: it shows nothing")
        found[name] = float(max(np.abs(whole - true).max(), np.abs(parts - true).max()))
    return found


def network_deviations(device: str) -> dict[str, float]:
    """Relative deviations of the metrics' networks, with random weights, from the CPU's."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    from emohead.evaluation.networks.fid import FeatureSums, fid, inception_features
    from emohead.evaluation.networks.lpips import Lpips, lpips_distance
    from emohead.evaluation.networks.syncnet import SyncNet

    random = np.random.default_rng(2)
    frames = draw_faces(face_landmarks(mouth_opening(80, random), 1, random) * SIZE, SIZE, random)
    others = draw_faces(face_landmarks(mouth_opening(80, random), 6, random) * SIZE, SIZE, random)
    torch.manual_seed(0)
    lpips = Lpips(net="alex", pnet_rand=True).eval()
    syncnet = SyncNet().eval()
    faces, sounds = torch.rand(7, 3, 224, 224) * 255, torch.randn(6, 13, 20)

    def scores(where: str) -> dict[str, Tensor]:
        torch.manual_seed(0)
        metric = FrechetInceptionDistance(_Features(), normalize=False).to(where)
        made, real = (
            FeatureSums.of([inception_features(metric, film)], _Features.num_features)
            for film in (frames, others)
        )
        there = copy.deepcopy(syncnet).to(where)
        with torch.inference_mode():
            mouths, heard = there.mouths(faces.to(where)), there.sounds(sounds.to(where))
        return {
            "LPIPS": torch.tensor(lpips_distance(copy.deepcopy(lpips).to(where), frames, others)),
            "FID": torch.tensor(fid(made, real)),
            "SyncNet, mouths": mouths,
            "SyncNet, sounds": heard,
        }

    with whole_float32():
        found, true = scores(device), scores("cpu")
    return {name: deviation(found[name], true[name]) for name in true}


class _Features(nn.Module):
    """In Inception's place: 24 features of uint8 images [B, 3, S, S]."""

    num_features = 24

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, self.num_features, 5, stride=3)

    def forward(self, images: Tensor) -> Tensor:
        return self.convolution(images.float() / 255).relu().mean(dim=(2, 3))


_SECOND_TRAINING = """
import sys
from emohead.training.gpus import reserved_gpus
with reserved_gpus(1, sys.argv[1:]):
    print("has it", flush=True)
"""


def second_training_waits(device: str) -> list[str]:
    """What another process says that wants the GPU which this one has, and then gives back.

    AssertionError where it doesn't wait.
    """
    names = gpu_names()[:1] if device == "cuda" else [f"check-{os.getpid()}"]
    lines: Queue[str] = Queue()
    with reserved_gpus(1, names):
        environment = {key: value for key, value in os.environ.items() if key != RESERVED}
        environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
        other = subprocess.Popen(
            [sys.executable, "-c", _SECOND_TRAINING, *names],
            stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        threading.Thread(
            target=lambda: [lines.put(line.strip()) for line in other.stdout], daemon=True
        ).start()
        try:
            said = [lines.get(timeout=300)]
            with suppress(Empty):
                said.append(lines.get(timeout=2))
        except Empty:
            other.kill()
            raise AssertionError("the second training said nothing for five minutes") from None
    try:
        other.wait(300)
    finally:
        other.kill()
    if len(said) != 1 or "waiting" not in said[0]:
        raise AssertionError(f"the second training didn't wait for the first: it said {said}")
    said.append(lines.get(timeout=30))
    if said[-1] != "has it":
        raise AssertionError(f"the second training didn't get what was given back: {said}")
    return said


def too_many_devices(device: str) -> str:
    """The message for a training on one GPU more than there are, else AssertionError."""
    count = 1 + (torch.cuda.device_count() if device == "cuda" else 0)
    try:
        choose_machine(Recipe(epochs=1, batch_size=count, devices=count), Runtime(device="cuda"))
    except ValueError as error:
        return str(error)
    raise AssertionError(f"a training on {count} GPUs was not refused")
