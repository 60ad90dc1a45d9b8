"""Operations and memory of a training step: counted, not timed."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from emohead.plan.steps import Step, landmark_step, perceptual_step, translator_step
from emohead.training.options import Recipe

COUNTED_BATCHES = (2, 4)  # what doesn't grow with the batch falls out of the difference
COUNTED_FRAMES = 10  # of a clip; what a landmark model costs grows with them


@dataclass(frozen=True)
class StepCost:
    """What a model costs: its parameters, and the rest for one sample (an image, or a frame).

    `forward` and `training` are floating-point operations of the model alone, and of the model,
    its loss and the way back; a multiplication and the addition that follows are two. Matrix
    products and convolutions count alone, as in torch.utils.flop_counter. `activations` are the
    bytes that are kept for the way back.
    """

    parameters: int
    forward: float
    training: float
    activations: float


def count_translator(options: Mapping[str, Any], crop_size: int) -> StepCost:
    """The cost of an image, counted on torch's fake tensors, which only have shapes.

    Activations are of float32 with `train.precision` 32-true, else (with auto, too) of bf16.
    """
    with FakeTensorMode():
        return count_step(translator_step(options, crop_size), bf16=_bf16(options))


def count_perceptual_loss(options: Mapping[str, Any], crop_size: int) -> float:
    """The floating-point operations that it adds to the training with an image."""
    with FakeTensorMode():
        return count_step(perceptual_step(options, crop_size)).training


def count_landmark_model(options: Mapping[str, Any]) -> StepCost:
    """The cost of a frame, computed on the processor."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "TF32")  # as switching oneDNN off complains
        # oneDNN's LSTM is one operation, whose inside isn't counted.
        with torch.backends.mkldnn.flags(enabled=False):
            step = landmark_step(options, COUNTED_FRAMES)
            return count_step(step, bf16=_bf16(options), frames=COUNTED_FRAMES)


def _bf16(options: Mapping[str, Any]) -> bool:
    return Recipe(**options["train"]).precision != "32-true"


def count_step(step: Step, *, bf16: bool = False, frames: int = 1) -> StepCost:
    """The cost of any step for each of the `frames` in a sample."""
    low, high = COUNTED_BATCHES
    samples = (high - low) * frames
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        small, large = _measure(step, low), _measure(step, high)
    return StepCost(
        sum(parameter.numel() for parameter in step.model.parameters()),
        *((b - a) / samples for a, b in zip(small, large, strict=True)),
    )


def _measure(step: Step, batch: int) -> tuple[int, int, int]:
    """FLOPs of the forward pass and of the whole step, and bytes kept between its two ways."""
    with FlopCounterMode(display=False) as flops, _SavedBytes() as saved:
        made = step.forward(batch)
        forward = flops.get_total_flops()
        step.loss(made).backward()
    return forward, flops.get_total_flops(), saved.total


class _SavedBytes(saved_tensors_hooks):
    """Counts what autograd keeps, each storage once."""

    def __init__(self) -> None:
        super().__init__(self._keep, lambda tensor: tensor)
        self._kept: dict[int, Tensor] = {}  # alive, so that no two storages share an address

    def __enter__(self) -> "_SavedBytes":
        super().__enter__()
        return self

    def _keep(self, tensor: Tensor) -> Tensor:
        self._kept[tensor.untyped_storage()._cdata] = tensor
        return tensor

    @property
    def total(self) -> int:
        return sum(tensor.untyped_storage().nbytes() for tensor in self._kept.values())
