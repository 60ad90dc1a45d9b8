"""Training of a translator, as Lightning runs it."""

from typing import Any

import lightning
import torch
from torch import Tensor

from emohead.training import TrainOptions, adam_with_exponential_decay
from emohead.translator.losses import TranslatorLoss, TranslatorLossOptions
from emohead.translator.unet import TranslatorOptions, build_translator

Batch = tuple[Tensor, Tensor]  # uint8: drawing ++ reference [B, 6, S, S], frame [B, 3, S, S]


class TranslatorTask(lightning.LightningModule):
    """A translator and its loss, eq. (5); logs `loss`, `l1`, `perceptual` (validation: `val_*`).

    `model` is what to keep: its state dict is the trained translator. `seed` is of its first
    weights.
    """

    def __init__(
        self,
        options: TranslatorOptions,
        loss_options: TranslatorLossOptions,
        train_options: TrainOptions,
        *,
        seed: int,
    ) -> None:
        super().__init__()
        self.model = build_translator(options, seed=seed)
        self.loss = TranslatorLoss(loss_options).to(memory_format=torch.channels_last)
        self.train_options = train_options

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch, to be minimised."""
        return self._step(batch, prefix="")

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of a batch, to be watched."""
        return self._step(batch, prefix="val_")

    def configure_optimizers(self) -> dict[str, Any]:
        """Adam for the translator alone; the VGG-19 has no parameters."""
        return adam_with_exponential_decay(self.model.parameters(), self.train_options)

    def _step(self, batch: Batch, prefix: str) -> Tensor:
        inputs, true = (
            images.to(torch.float32, memory_format=torch.channels_last) / 255 for images in batch
        )
        made = self.model(inputs).float()  # under autocast, eq. (5) is still summed in float32
        terms = self.loss(made, true)
        self.log_dict(
            {prefix + name: term for name, term in terms.items()},
            on_step=False,
            on_epoch=True,
            batch_size=len(true),
        )
        return terms["loss"]
