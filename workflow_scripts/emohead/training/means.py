"""Means of a training's figures over an epoch; a checkpoint inside the epoch keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class EpochMeans:
    """Sums of each figure times the number of values that it was a mean of, in float64.

    They stay on the device until they are read, so that a GPU needn't wait.
    """

    def __init__(self, sums: Mapping[str, Tensor] | None = None):
        self._sums = dict(sums or {})

    def add(self, figures: Mapping[str, Tensor], counts: Mapping[str, int]) -> None:
        """Take in the figures of a batch, each a mean of so many values."""
        for name, value in figures.items():
            value, count = value.detach().double(), counts[name]
            # Figures need not come with every batch: each is counted for itself.
            self._sums[name] = self._sums.get(name, 0) + torch.stack(
                [value * count, torch.full_like(value, count)]
            )

    def total(self, fabric: Fabric) -> Self:
        """The same of all processes together; every process has to ask."""
        none = torch.zeros(2, dtype=torch.float64, device=fabric.device)
        # The first process's names: another may not have had a batch yet.
        return type(self)(
            {
                name: fabric.all_reduce(self._sums.get(name, none).clone(), reduce_op="sum")
                for name in fabric.broadcast(sorted(self._sums))
            }
        )

    def state(self) -> dict[str, Tensor]:
        """What a checkpoint keeps: [sum, count] by name."""
        return {name: pair.cpu() for name, pair in self._sums.items()}

    def values(self) -> dict[str, float]:
        """The means by name, sorted."""
        means = {}
        for name, pair in sorted(self._sums.items()):
            total, count = pair.tolist()
            means[name] = total / count
        return means
