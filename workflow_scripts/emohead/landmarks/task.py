"""Training of a landmark model, for `emohead.training.loop.fit`."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from emohead.landmarks.data import LandmarkBatch
from emohead.landmarks.losses import emotion_accuracy, joint_loss, landmark_losses
from emohead.landmarks.model import LandmarkModel, frame_mask
from emohead.training.task import TrainingTask


class LandmarkTask(TrainingTask):
    """`landmark_losses` of `model`: `loss`, each of its terms, and the classifier's `accuracy`."""

    unit = "clips"

    def __init__(self, model: LandmarkModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: LandmarkBatch) -> dict[str, Tensor]:
        """The joint loss of a batch, and its parts."""
        prediction = self.model(batch.mfcc, batch.reference, batch.lengths)
        figures = landmark_losses(
            self.model.options,
            coefficients=prediction.coefficients,
            true_coefficients=self.model.project(batch.landmarks, batch.reference),
            landmarks=prediction.landmarks,
            true_landmarks=batch.landmarks,
            mask=frame_mask(batch.lengths, batch.mfcc.shape[1]),
            emotion_logits=prediction.emotion_logits,
            emotion=batch.emotion,
        )
        if prediction.emotion_logits is not None:
            figures["accuracy"] = emotion_accuracy(prediction.emotion_logits, batch.emotion)
        return figures

    def count(self, figure: str, batch: LandmarkBatch) -> int:
        """See `TrainingTask.count`: clips for the classifier's figures, else true frames."""
        of_clips = figure in ("L_ec", "accuracy")
        return len(batch.lengths) if of_clips else int(batch.lengths.sum())

    def loss_of(self, means: Mapping[str, float]) -> float:
        """Eq. (4) of its terms' means, which are over clips or over frames."""
        return joint_loss(self.model.options.loss, means)
