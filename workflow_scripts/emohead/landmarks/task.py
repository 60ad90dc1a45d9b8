"""Training of a landmark model, for `emohead.training.fit`."""

from __future__ import annotations

from typing import Any

import lightning
from torch import Tensor

from emohead.landmarks.data import LandmarkBatch
from emohead.landmarks.losses import emotion_accuracy, landmark_losses
from emohead.landmarks.model import LandmarkModel, frame_mask
from emohead.training import TrainOptions, adam_with_exponential_decay


class LandmarkTask(lightning.LightningModule):
    """Minimises `landmark_losses` of `model`; logs every part and the classifier's accuracy.

    Validation figures carry the prefix `val_`. The training data is a `LandmarkClips`, whose
    reference frames change with the epoch.
    """

    def __init__(self, model: LandmarkModel, train_options: TrainOptions) -> None:
        super().__init__()
        self.model = model
        self.train_options = train_options

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's reference frames."""
        self.trainer.train_dataloader.dataset.set_epoch(self.current_epoch)

    def training_step(self, batch: LandmarkBatch) -> Tensor:
        """Return the joint loss of a batch."""
        return self._losses(batch, prefix="")

    def validation_step(self, batch: LandmarkBatch) -> None:
        """Log the losses of a batch."""
        self._losses(batch, prefix="val_")

    def configure_optimizers(self) -> dict[str, Any]:
        """Adam with exponential decay (paper section 3.1)."""
        return adam_with_exponential_decay(self.parameters(), self.train_options)

    def _losses(self, batch: LandmarkBatch, prefix: str) -> Tensor:
        prediction = self.model(batch.mfcc, batch.reference, batch.lengths)
        losses = landmark_losses(
            self.model.options,
            coefficients=prediction.coefficients,
            true_coefficients=self.model.project(batch.landmarks, batch.reference),
            landmarks=prediction.landmarks,
            true_landmarks=batch.landmarks,
            mask=frame_mask(batch.lengths, batch.mfcc.shape[1]),
            emotion_logits=prediction.emotion_logits,
            emotion=batch.emotion,
        )
        logged = dict(losses)
        if prediction.emotion_logits is not None:
            logged["accuracy"] = emotion_accuracy(prediction.emotion_logits, batch.emotion)
        self.log_dict(
            {prefix + name: value.detach() for name, value in logged.items()},
            on_step=False,
            on_epoch=True,
            batch_size=len(batch.emotion),
        )
        return losses["loss"]
