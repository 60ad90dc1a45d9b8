"""Training of a translator, for `emohead.training.loop.fit`."""

import torch
from torch import Tensor

from emohead.training.task import TrainingTask
from emohead.translator.data import TranslatorBatch
from emohead.translator.losses import TranslatorLoss
from emohead.translator.options import TranslatorLossOptions, TranslatorOptions
from emohead.translator.unet import build_translator
from emohead.translator.warp import with_warped


class TranslatorTask(TrainingTask):
    """A translator and its loss, eqs. (5) and (6): `loss`, `l1` and `perceptual`; with warp also
    `details` and `choices`.

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
        """The loss of a batch, and its terms."""
        inputs, true, *points = batch
        images, true = (
            each.to(torch.float32, memory_format=torch.channels_last) / 255
            for each in (inputs, true)
        )
        if not self.model.options.warp:
            return self.loss(self.model(images), true)
        (points,) = points
        target, reference = points.unbind(1)
        images = with_warped(images, target, reference)
        return self.loss.of_painting(self.model.paint(images), images, true, target)
