"""The interface of what the trainer trains: a model and its loss."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn


class TrainingTask(nn.Module):
    """A model and its loss.

    `unit` is what a batch counts, for people ("images"). `model` is what to keep: its state dict
    is the trained model. All parameters of the task are trained; where some losses don't depend on
    all of them, `uses_all_parameters` is False, and several devices find out which.
    """

    unit: ClassVar[str]
    uses_all_parameters: ClassVar[bool] = True
    model: nn.Module

    def set_step(self, step: int) -> None:
        """Choose the training step, from 0, whose `forward` is next; the loop calls it."""

    @abstractmethod
    def forward(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Scalars by name for a batch: `loss`, to be minimised, and others to be watched.

        All are means over the batch, whose tensors begin with the same dimension.
        """

    def count(self, figure: str, batch: tuple[Tensor, ...]) -> int:
        """How many values a figure of `forward` averages: by default the batch's samples."""
        return len(batch[0])

    def loss_of(self, means: Mapping[str, float]) -> float:
        """The loss of an epoch from the means of its figures, each by its own `count`."""
        return means["loss"]
