"""Random warps of a picture, by which keypoints are held to what they are of.

First Order Motion (modules/model.py, Transform): an affine map and a thin-plate spline of the
radius |dx| + |dy|, the same displacement for x and y.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from emohead.motion.grids import grid, sample, turned

_POINTS = 5  # along a side


class Warp(NamedTuple):
    """`affine` [B, 2, 3] and `weights` [B, 25] of the spline's points."""

    affine: Tensor
    weights: Tensor

    @classmethod
    def draw(
        cls, batch: int, *, affine: float, tps: float, generator: torch.Generator | None = None
    ) -> Self:
        """Warps near the identity, with these standard deviations, on the CPU."""
        noise = torch.randn(batch, 2, 3, generator=generator)
        weights = torch.randn(batch, _POINTS**2, generator=generator)
        return cls(torch.eye(2, 3) + affine * noise, tps * weights)

    def to(self, device: torch.device) -> Self:
        """The same on a device; the CPU doesn't wait for a GPU's."""
        return type(self)(*(each.to(device, non_blocking=True) for each in self))

    def at(self, places: Tensor) -> Tensor:
        """Where places [B, N, 2] go."""
        linear, shift = self.affine[:, :, :2], self.affine[:, None, :, 2]
        distance = self._away(places).abs().sum(-1)  # [B, N, P]
        bent = distance.square() * (distance + 1e-6).log()
        return (
            turned(linear[:, None], places)
            + shift
            + (bent * self.weights[:, None]).sum(-1, keepdim=True)
        )

    def jacobian(self, places: Tensor) -> Tensor:
        """The derivatives there, [B, N, 2, 2]: row i has those of coordinate i."""
        away = self._away(places)
        distance = away.abs().sum(-1)
        slope = 2 * distance * (distance + 1e-6).log() + distance.square() / (distance + 1e-6)
        gradient = ((slope * self.weights[:, None])[..., None] * away.sign()).sum(-2)  # [B, N, 2]
        return self.affine[:, None, :, :2] + gradient[:, :, None]

    def of(self, images: Tensor) -> Tensor:
        """Images [B, 3, S, S]; the warped one shows at z what the image shows at `at(z)`."""
        size = images.shape[-1]
        places = grid(size, size, images).flatten(0, 1).expand(len(images), -1, -1)
        return sample(images, self.at(places).unflatten(1, (size, size)), "reflection")

    def _away(self, places: Tensor) -> Tensor:
        points = grid(_POINTS, _POINTS, places).flatten(0, 1)
        return places[:, :, None] - points
