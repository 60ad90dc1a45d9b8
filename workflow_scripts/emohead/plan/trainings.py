"""The costs of a config's trainings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emohead.plan.amounts import Amounts
from emohead.plan.counting import (
    StepCost,
    count_landmark_model,
    count_perceptual_loss,
    count_translator,
)
from emohead.plan.measuring import measure_landmark_model, measure_translator
from emohead.training.options import Recipe


@dataclass(frozen=True)
class TrainingCost:
    """A training's cost.

    `step` is of one sample (an image, or a frame of a clip); `perceptual`, where the stage has
    such a loss, what that takes of the step's operations; `samples_per_batch` and
    `samples_per_epoch` count in the same unit; `measured_seconds` is the time of a sample's
    training on this machine, where it was measured.
    """

    name: str
    sample: str
    step: StepCost
    perceptual: float | None
    epochs: int
    samples_per_batch: int
    samples_per_epoch: int
    measured_seconds: float | None

    @property
    def operations(self) -> float:
        """FLOPs of the whole training, without validation: those of a sample x samples x epochs."""
        return self.step.training * self.samples_per_epoch * self.epochs

    @property
    def weight_bytes(self) -> int:
        """Weights, gradients and Adam's two moments, in float32."""
        return 16 * self.step.parameters

    @property
    def activation_bytes(self) -> float:
        """Bytes that a batch keeps for the backward pass."""
        return self.step.activations * self.samples_per_batch

    def hours(self, rate: float) -> float:
        """Hours at `rate` FLOP/s, sustained."""
        return self.operations / rate / 3600

    @property
    def measured_hours(self) -> float | None:
        """Hours at the measured speed; None where it wasn't."""
        if self.measured_seconds is None:
            return None
        return self.measured_seconds * self.samples_per_epoch * self.epochs / 3600

    @property
    def measured_rate(self) -> float | None:
        """The sustained FLOP/s that was measured."""
        return None if self.measured_seconds is None else self.step.training / self.measured_seconds


def estimate_trainings(
    landmarks: Mapping[str, Mapping[str, Any]],
    translators: Mapping[str, Mapping[str, Any]],
    crop_size: int,
    amounts: Amounts,
    *,
    measure: bool = False,
) -> list[TrainingCost]:
    """The trainings of models with these options, as `model_options` has them, by name.

    With `measure` each is timed on this machine for a few seconds.
    """
    return [
        *(_of_landmark_model(n, o, amounts, measure) for n, o in landmarks.items()),
        *(_of_translator(n, o, crop_size, amounts, measure) for n, o in translators.items()),
    ]


def _of_translator(
    name: str, options: Mapping[str, Any], crop_size: int, amounts: Amounts, measure: bool
) -> TrainingCost:
    train = Recipe(**options["train"])
    return TrainingCost(
        name=name,
        sample="image",
        step=count_translator(options, crop_size),
        perceptual=count_perceptual_loss(options, crop_size),
        epochs=train.epochs,
        samples_per_batch=train.batch_size,
        samples_per_epoch=amounts.frames_per_epoch(train.frames_per_clip, train.validation),
        measured_seconds=measure_translator(options, crop_size) if measure else None,
    )


def _of_landmark_model(
    name: str, options: Mapping[str, Any], amounts: Amounts, measure: bool
) -> TrainingCost:
    train = Recipe(**options["train"])
    return TrainingCost(
        name=name,
        sample="frame",
        step=count_landmark_model(options),
        perceptual=None,
        epochs=train.epochs,
        samples_per_batch=train.batch_size * amounts.mean_length,
        samples_per_epoch=amounts.frames_per_epoch(None, train.validation),
        measured_seconds=measure_landmark_model(options, amounts.mean_length) if measure else None,
    )
