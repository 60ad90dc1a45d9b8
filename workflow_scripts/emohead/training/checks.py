"""Stops a training at the first value that isn't finite, and says where."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from emohead.training.options import Recipe

# The name of its norm among a step's figures.
GRADIENT = "the gradient's norm"


class Diverged(RuntimeError):
    """A loss or a gradient that is NaN or infinite."""


def gradient_norm(parameters: Iterable[nn.Parameter]) -> Tensor:
    """The norm of all gradients as one vector, a scalar."""
    return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])


class FiniteCheck:
    """Checks every step's losses and gradient, `every` so many steps at once.

    A check makes a GPU wait, so it takes several steps together there; `look` before weights are
    saved keeps the saved ones good.
    """

    def __init__(self, recipe: Recipe, precision: str, *, every: int):
        self._recipe, self._precision, self._every = recipe, precision, every
        self._waiting: list[tuple[int, int, dict[str, Tensor]]] = []

    def note(self, epoch: int, batch: int, figures: Mapping[str, Tensor]) -> None:
        """Remember a step, of epoch and batch counted from 0; Diverged when it's time and bad."""
        detached = {name: value.detach().float() for name, value in figures.items()}
        self._waiting.append((epoch, batch, detached))
        if len(self._waiting) >= self._every:
            self.look()

    def look(self) -> None:
        """Raise Diverged at the first remembered step with a figure that isn't finite."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        values = torch.stack([v for _, _, figures in waiting for v in figures.values()]).tolist()
        for epoch, batch, figures in waiting:
            here, values = values[: len(figures)], values[len(figures) :]
            bad = {n: v for n, v in zip(figures, here, strict=True) if not math.isfinite(v)}
            if bad:
                raise Diverged(self._sentence(f"epoch {epoch + 1}, step {batch + 1}", bad))

    def look_at_validation(self, epoch: int, means: Mapping[str, float]) -> None:
        """Raise Diverged when the validation of an epoch, counted from 0, isn't finite."""
        bad = {name: value for name, value in means.items() if not math.isfinite(value)}
        if bad:
            raise Diverged(self._sentence(f"validation of epoch {epoch + 1}", bad))

    def _sentence(self, where: str, bad: Mapping[str, float]) -> str:
        # A sum isn't named beside the term that broke it, nor the gradient beside a loss.
        losses = {name: value for name, value in bad.items() if name != GRADIENT} or bad
        terms = {name: value for name, value in losses.items() if not name.endswith("loss")}
        terms = terms or losses
        remedy = f"Lower train.learning_rate (it is {self._recipe.learning_rate:g})"
        if self._precision != "32-true":
            remedy += f", or set train.precision to 32-true (it is {self._precision})"
        return (
            f"{where}: {', '.join(f'{name} is {value}' for name, value in terms.items())}. "
            f"{remedy}. The state before it has been kept."
        )
