"""A small untrained method for tests of generation, and something for it to say."""

import wave
import weakref
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from choices import SMALL
from numpy_layers import randomise_batch_norms

from emohead.landmarks.basis import fit_basis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.model import MfccStatistics
from emohead.methods.device import RenderingDevice
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.training.checkpoint import Checkpoint, save_checkpoint
from emohead.translator.unet import TranslatorOptions, build_translator

CROP_SIZE = 32
ON_CPU = RenderingDevice("cpu", "32-true", 16)
TRANSLATOR = TranslatorOptions((4, 4, 4, 4, 4), residual_blocks=1)
#: As config.yaml, with what `make_card` needs.
CONFIG: dict[str, Any] = {
    "data": {
        "source": "mini",
        "speakers": ["W901"],
        "view": "front",
        "emotions": ["happy", "sad"],
        "levels": [3],
    },
    "features": {"crop_size": CROP_SIZE},
    "split": {"unit": "clip"},
    "landmarks": {
        "options": {},
        "loss": {},
        "train": {"epochs": 1},
        "models": {"audio2lm_msef": {"emotion": "msef"}, "at_net": {"architecture": "at_net"}},
    },
    "translator": {"options": {}, "loss": {}, "train": {"epochs": 1}, "models": {"aatu": {}}},
    "methods": {
        "ours": {"label": "Ours", "landmarks": "audio2lm_msef", "translator": "aatu"},
        "ours_wo_msef": {"label": "w/o MSEF", "landmarks": "at_net", "translator": "aatu"},
        "copy": {"label": "Copy", "landmarks": "reference", "translator": "aatu"},
    },
    "report": {"note": "Not for comparison."},
}


def landmark_model(**options: Any):
    """With random weights, statistics and output: landmarks move by some pixels."""
    chosen = replace(SMALL, **options)
    generator = np.random.default_rng(0)
    faces = generator.normal(0.5, 0.02, (200, 68, 2)).astype(np.float32)
    statistics = MfccStatistics(
        generator.normal(0, 1, 12).astype(np.float32), np.full(12, 20, np.float32)
    )
    torch.manual_seed(0)
    model = build_landmark_model(chosen, fit_basis(faces, chosen.components), statistics)
    torch.nn.init.normal_(model.fc.weight)
    randomise_batch_norms(model)
    return model.eval()


def translator(**options: Any):
    """With random weights and statistics, and strong colours: frames differ by grey levels."""
    model = build_translator(replace(TRANSLATOR, **options), seed=0)
    randomise_batch_norms(model)
    with torch.no_grad():
        model.to_frame[1].weight *= 20
    return model.eval()


class Film:
    """`film()` gives frames of noise; `most` is how many of them were in memory at once."""

    def __init__(self, length: int, size: int):
        self.length, self.size, self.most, self._alive = length, size, 0, 0

    def __call__(self) -> Iterator[np.ndarray]:
        noise = np.random.default_rng(0).integers(0, 255, (self.size, self.size, 3), np.uint8)
        for t in range(self.length):
            frame = np.roll(noise, t, axis=1)
            weakref.finalize(frame, self._forget)
            self._alive += 1
            self.most = max(self.most, self._alive)
            yield frame

    def _forget(self) -> None:
        self._alive -= 1


def save_models(folder: Path, **options: Any) -> tuple[Path, Path]:
    """Checkpoints of a landmark model with these options, and of a translator."""
    model = landmark_model(**options)
    arrays = {
        "basis/mean": model.mean_face.numpy().ravel(),
        "basis/components": model.components.numpy(),
        "basis/deviations": model.deviations.numpy(),
        "basis/spread": model.spread.numpy(),
        "mfcc/mean": model.mfcc_mean.numpy(),
        "mfcc/deviation": model.mfcc_deviation.numpy(),
    }
    history = pd.DataFrame({"epoch": [0]})
    made = translator()
    paths = folder / "landmarks.pt", folder / "translator.pt"
    for path, kind, net, values in (
        (paths[0], "landmarks", model, arrays),
        (paths[1], "translator", made, {}),
    ):
        plain = asdict(net.options)
        save_checkpoint(path, Checkpoint(kind, plain, net.state_dict(), values, history))
    return paths


def write_voice(path: Path, seconds: float, rate: int = 16_000) -> Path:
    """A .wav of noise that comes and goes, a second at a time, so that it may be long."""
    generator = np.random.default_rng(0)
    time = np.arange(rate) / rate
    loudness = 3000 * (1 + np.sin(2 * np.pi * 3 * time))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        for start in range(0, round(seconds * rate), rate):
            samples = (generator.normal(0, 1, rate) * loudness)[: round(seconds * rate) - start]
            file.writeframes(samples.astype("<i2").tobytes())
    return path


def write_face(path: Path, faces: int = 1) -> Path:
    """A picture of the mini set's W901, beside herself, smaller each time."""
    face = Renderer(PORTRAITS["W901"]()).render(FacePose.at_rest(), 256)
    picture = np.full((256, 256 * faces, 3), 128, np.uint8)
    for i in range(faces):
        side = 256 - 48 * i
        picture[:side, 256 * i : 256 * i + side] = cv2.resize(face, (side, side))
    cv2.imwrite(str(path), picture[..., ::-1])
    return path
