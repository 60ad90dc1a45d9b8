"""The ranges of a trained translator's maps on some images, for the scales of int8."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from emohead.training.hardware import bf16_is_fast
from emohead.translator.int8_convolution import LARGEST_BYTE, ByteMap
from emohead.translator.render import render
from emohead.translator.unet import UNet


@dataclass(frozen=True)
class Observation:
    """The greatest value of a map that has no negative ones, and its channels' means, [C]."""

    greatest: float
    means: Tensor

    @property
    def scale(self) -> float:
        """The step between bytes that reach up to the greatest value."""
        return max(self.greatest, 1e-6) / LARGEST_BYTE

    @property
    def as_bytes(self) -> ByteMap:
        """The map in bytes."""
        return ByteMap.of_one_scale(self.scale, self.means)


Observations = dict[nn.Module, Observation]


def observe(net: UNet, watched: Iterable[nn.Module], *given: np.ndarray | None) -> Observations:
    """The outputs of a net's `watched` modules on a CPU; `given` are the arguments of `render`."""
    seen: Observations = {}

    def keep(module: nn.Module) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], made: Tensor) -> None:
            seen[module] = Observation(float(made.max()), made.float().mean(dim=(0, 2, 3)))

        return hook

    hooks = [module.register_forward_hook(keep(module)) for module in watched]
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast("cpu")):
        render(net, *given)
    for hook in hooks:
        hook.remove()
    return seen
