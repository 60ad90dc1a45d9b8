"""Training of the disentangler, for `emohead.training.loop.fit`."""

import torch.nn.functional as F
from torch import Tensor

from emohead.disentangler.data import CrossSample, EmotionSample
from emohead.disentangler.losses import cross_losses
from emohead.disentangler.nets import Disentangler
from emohead.training.task import TrainingTask


class DisentanglerTask(TrainingTask):
    """The losses of a batch: `L_cla` and `accuracy` in the pretraining, later the other four."""

    unit = "samples"
    uses_all_parameters = False  # in the pretraining

    def __init__(self, model: Disentangler) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: EmotionSample | CrossSample) -> dict[str, Tensor]:
        """The loss of a batch, and its parts."""
        if isinstance(batch, EmotionSample):
            logits = self.model.classifier(self.model.emotion(batch.windows))
            loss = F.cross_entropy(logits, batch.emotion)
            return {"L_cla": loss, "accuracy": _accuracy(logits, batch.emotion), "loss": loss}
        content, emotion = (
            encode(windows.flatten(0, 1)).unflatten(0, (-1, 2))
            for encode, windows in (
                (self.model.content, batch.content),
                (self.model.emotion, batch.emotional),
            )
        )
        # Every content with every emotion: [B, 2, 2, ...], content first.
        rebuilt = self.model.rebuild(
            content[:, :, None].expand(-1, -1, 2, -1).flatten(0, 2),
            emotion[:, None].expand(-1, 2, -1, -1).flatten(0, 2),
        ).unflatten(0, (-1, 2, 2))
        logits = self.model.classifier(emotion)
        losses = cross_losses(
            rebuilt=rebuilt, true=batch.content,
            content=content, logits=logits, emotion=batch.emotion,
        )  # fmt: skip
        return losses | {"accuracy": _accuracy(logits.flatten(0, 1), batch.emotion.flatten())}


def _accuracy(logits: Tensor, emotion: Tensor) -> Tensor:
    return (logits.argmax(dim=1) == emotion).float().mean()
