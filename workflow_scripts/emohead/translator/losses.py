"""The translator's loss, eqs. (5) and (6)."""

import torch
from torch import Tensor, nn

from emohead.translator.options import TranslatorLossOptions
from emohead.translator.perceptual import PerceptualLoss, mean_difference
from emohead.translator.unet import Painting

# Five grey levels: what a warp that is right may be off.
_RIGHT = 0.02
# Eyes and mouth as points, and the widths of the bells about them, in parts of the picture.
_DETAILS = ((slice(36, 42), 0.05), (slice(42, 48), 0.05), (slice(48, 68), 0.09))


class TranslatorLoss(nn.Module):
    """L = l1 * L_1 + perceptual * L_per, of eqs. (5) and (6), and its terms by name."""

    def __init__(self, options: TranslatorLossOptions) -> None:
        super().__init__()
        self.options = options
        self.perceptual = None
        if options.perceptual:
            self.perceptual = PerceptualLoss(
                options.weights_file,
                measured=options.vgg_layers,
                average=options.vgg_average,
                width=options.vgg_width,
                seed=options.vgg_seed,
            )

    def forward(self, made: Tensor, true: Tensor) -> dict[str, Tensor]:
        """Scalars `loss`, `l1` and `perceptual` of frames [B, 3, S, S] in [0, 1]."""
        l1 = mean_difference(made, true)
        terms = {"loss": self.options.l1 * l1, "l1": l1}
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(made, true)
            terms["loss"] = terms["loss"] + self.options.perceptual * terms["perceptual"]
        return terms

    def of_painting(self, made: Painting, true: Tensor, landmarks: Tensor) -> dict[str, Tensor]:
        """The same of the frames of a net with warp, whose landmarks [B, 68, 2] are in pixels.

        And `details`, L1 about eyes and mouth of the frame and of what was painted, be it shown or
        not, so that the net learns to paint what a warp can't open or close. And `mask`, its mean,
        times exp(-d / 0.02) for a pixel at which the warped face differs from the frame by d, the
        mean over its colours: painting costs something where the warp is right already.
        """
        terms = self(made.frame, true)
        weights = _about_eyes_and_mouth(landmarks, true.shape[-1])
        both = (made.frame - true).abs() + (made.painted - true).abs()
        terms["details"] = (weights * both.mean(dim=1, keepdim=True)).mean()
        difference = (made.warped - true).abs().mean(dim=1, keepdim=True)
        terms["mask"] = (made.mask * (-difference / _RIGHT).exp()).mean()
        for name in ("details", "mask"):
            terms["loss"] = terms["loss"] + getattr(self.options, name) * terms[name]
        return terms


def _about_eyes_and_mouth(landmarks: Tensor, size: int) -> Tensor:
    """Weights [B, 1, S, S] with a mean of 1: bells about the middles of eyes and mouth."""
    pixels = torch.arange(size, device=landmarks.device)
    weights = 0
    for points, width in _DETAILS:
        middle = landmarks[:, points].mean(dim=1)[..., None]  # [B, 2, 1]
        across, down = (-((pixels - middle) / (width * size)).square() / 2).exp().unbind(1)
        weights = weights + down[:, :, None] * across[:, None]
    return (weights / weights.mean(dim=(1, 2), keepdim=True))[:, None]
