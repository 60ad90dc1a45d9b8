"""The translator's loss, eqs. (5) and (6)."""

import torch
from torch import Tensor, nn

from emohead.translator.options import TranslatorLossOptions
from emohead.translator.perceptual import PerceptualLoss, mean_difference
from emohead.translator.unet import Painting

# Two and a half grey levels: a painted pixel must be nearer to the truth than the found one by this
# much.
_MARGIN = 0.01
# Eyes and mouth as points, and the widths of the bells about them, in parts of the picture.
_DETAILS = ((slice(36, 42), 0.05), (slice(42, 48), 0.05), (slice(48, 68), 0.09))
# What the rest counts beside a bell's middle, and the middle of a further bell, as large as the
# opening between the lips: few pixels of few frames, all of which a warp gets wrong.
_ELSEWHERE, _OPENING = 0.1, 8.0
_INNER_LIPS = slice(60, 68)


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

    def of_painting(
        self, made: Painting, images: Tensor, true: Tensor, landmarks: Tensor
    ) -> dict[str, Tensor]:
        """The same of a net with warp that was given `images`; landmarks [B, 68, 2] in pixels.

        And `details`, L1, mostly about eyes and mouth, of the frame and of what was painted, be it
        shown or not, so that the net learns to paint what a warp can't open or close. And
        `choices`: each mask is told, pixel by pixel, which of its two pictures is nearer to the
        true frame, by the cross-entropy times the difference of their distances (the mean over
        colours). Unlike the frame's own gradient this one doesn't end where a mask is shut.
        """
        terms = self(made.frame, true)
        weights = _about_eyes_and_mouth(landmarks, true.shape[-1])
        both = (made.frame - true).abs() + (made.painted - true).abs()
        terms["details"] = (weights * both).sum() / both.numel()  # as in `mean_difference`
        with torch.no_grad():
            pictures = images[:, -3:], images[:, -6:-3], made.found, made.painted
            off = [(each - true).abs().mean(dim=1, keepdim=True) for each in pictures]
            still_by, painted_by = off[0] - off[1], off[2] - off[3] - _MARGIN
        terms["choices"] = _choice(made.still, still_by) + _choice(made.mask, painted_by)
        for name in ("details", "choices"):
            terms["loss"] = terms["loss"] + getattr(self.options, name) * terms[name]
        return terms


def _choice(mask: Tensor, nearer_by: Tensor) -> Tensor:
    """Cross-entropy of a mask and the sign of `nearer_by`, weighted by its size; [B, 1, S, S]."""
    right = torch.where(nearer_by > 0, mask, 1 - mask)
    return (nearer_by.abs() * -right.clamp(min=1e-6).log()).sum() / mask.numel()


def _about_eyes_and_mouth(landmarks: Tensor, size: int) -> Tensor:
    """Weights [B, 1, S, S] with a mean of 1: bells about the middles of eyes, mouth and opening."""
    inner = landmarks[:, _INNER_LIPS]
    weights = _ELSEWHERE + _OPENING * _bell(inner, inner.std(dim=1).clamp(min=0.5), size)
    for points, width in _DETAILS:
        weights = weights + _bell(landmarks[:, points], inner.new_full((2,), width * size), size)
    return (weights / weights.mean(dim=(1, 2), keepdim=True))[:, None]


def _bell(points: Tensor, width: Tensor, size: int) -> Tensor:
    """A bell [B, S, S] about the middle of points [B, N, 2]; `width`, pixels, is [2] or [B, 2]."""
    offset = torch.arange(size, device=points.device) - points.mean(dim=1)[..., None]  # [B, 2, S]
    across, down = (-(offset / width[..., None]).square() / 2).exp().unbind(1)
    return down[:, :, None] * across[:, None]
