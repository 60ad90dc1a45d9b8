"""A training step of each stage on made-up samples, to be counted and timed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from emohead.features.mfcc_shape import WINDOW_FRAMES
from emohead.features.points import POINTS
from emohead.landmarks.basis import LandmarkBasis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.losses import landmark_losses
from emohead.landmarks.model import LandmarkPrediction, MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions
from emohead.translator.losses import TranslatorLoss
from emohead.translator.options import TranslatorLossOptions, TranslatorOptions
from emohead.translator.unet import UNet
from emohead.translator.warp import with_warped


@dataclass(frozen=True)
class Step:
    """A model, its output for so many samples, and the loss of that output.

    A sample is an image for a translator and a clip for a landmark model.
    """

    model: nn.Module
    forward: Callable[[int], Any]
    loss: Callable[[Any], Tensor]


def translator_step(options: Mapping[str, Any], crop_size: int, *, device: str = "cpu") -> Step:
    """A translator with its `model` and `loss` options, as train_translator gets them."""
    with torch.device(device):
        model = UNet(TranslatorOptions(**options["model"]))
    loss = _translator_loss(options, device)

    def forward(images: int) -> Tensor:
        size = (images, model.options.drawn_channels, crop_size, crop_size)
        given = torch.zeros(size, device=device)
        if model.options.warp:
            points = torch.rand(images, POINTS, 2, device=device) * crop_size
            given = with_warped(given, points, points)
        return model(given.contiguous(memory_format=torch.channels_last)).float()

    return Step(model, forward, loss)


def perceptual_step(options: Mapping[str, Any], crop_size: int) -> Step:
    """A translator's loss alone, of frames that no model made."""

    def forward(images: int) -> Tensor:
        return torch.zeros(images, 3, crop_size, crop_size, requires_grad=True)

    return Step(nn.Identity(), forward, _translator_loss(options, "cpu"))


def _translator_loss(options: Mapping[str, Any], device: str) -> Callable[[Tensor], Tensor]:
    """VGG-19's weights are random: they cost what ImageNet's do."""
    loss_options = TranslatorLossOptions(**{**options["loss"], "vgg_weights": "random"})
    loss = TranslatorLoss(loss_options).to(device, memory_format=torch.channels_last)
    return lambda made: loss(made, torch.zeros_like(made))["loss"]


def landmark_step(options: Mapping[str, Any], frames: int, *, device: str = "cpu") -> Step:
    """A landmark model with its `model` and `loss` options, on clips of so many frames."""
    model_options = LandmarkModelOptions(**options["model"], loss=options["loss"])
    k = model_options.components
    basis = LandmarkBasis.from_arrays(
        {
            "mean": np.full(2 * POINTS, 0.5),
            "components": np.eye(k, 2 * POINTS),
            "deviations": np.ones(k),
            "spread": np.ones(()),
        }
    )
    statistics = MfccStatistics.from_arrays(
        {
            "mean": np.zeros(model_options.coefficients),
            "deviation": np.ones(model_options.coefficients),
        }
    )
    model = build_landmark_model(model_options, basis, statistics).to(device)

    def forward(clips: int) -> LandmarkPrediction:
        return model(
            torch.zeros(clips, frames, WINDOW_FRAMES, model_options.coefficients, device=device),
            torch.zeros(clips, POINTS, 2, device=device),
            torch.full((clips,), frames, device=device),
        )

    def loss(predicted: LandmarkPrediction) -> Tensor:
        clips = len(predicted.landmarks)
        return landmark_losses(
            model_options,
            coefficients=predicted.coefficients,
            true_coefficients=torch.zeros_like(predicted.coefficients),
            landmarks=predicted.landmarks,
            true_landmarks=torch.zeros_like(predicted.landmarks),
            mask=torch.ones(clips, frames, dtype=torch.bool, device=device),
            emotion_logits=predicted.emotion_logits,
            emotion=torch.zeros(clips, dtype=torch.long, device=device),
        )["loss"]

    return Step(model, forward, loss)
