"""Training of a translator, for `emohead.training.fit`."""

import torch
from torch import Tensor

from emohead.training.task import TrainingTask
from emohead.translator.data import TranslatorBatch
from emohead.translator.losses import TranslatorLoss, TranslatorLossOptions
from emohead.translator.unet import TranslatorOptions, build_translator


class TranslatorTask(TrainingTask):
    """A translator and its loss, eqs. (5) and (6): `loss`, `l1` and `perceptual`.

    `seed` is of the translator's first weights. The VGG-19 of the loss has no parameters.
    """

    unit = "images"

    def __init__(
        self, options: TranslatorOptions, loss_options: TranslatorLossOptions, *, seed: int
    ) -> None:
        super().__init__()
        self.model = build_translator(options, seed=seed)
        self.loss = TranslatorLoss(loss_options).to(memory_format=torch.channels_last)

    def forward(self, batch: TranslatorBatch) -> dict[str, Tensor]:
        """The loss of a batch, and its two terms."""
        inputs, true = (
            images.to(torch.float32, memory_format=torch.channels_last) / 255 for images in batch
        )
        return self.loss(self.model(inputs), true)
