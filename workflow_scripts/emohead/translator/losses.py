"""The translator's loss, eqs. (5) and (6)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from emohead.translator.perceptual import MEASURED_RELUS, RELUS, PerceptualLoss, mean_difference
from emohead.translator.unet import Painting

# Five grey levels: what a warp that is right may be off.
_RIGHT = 0.02
# Eyes and mouth as points, and the widths of the bells about them, in parts of the picture.
_DETAILS = ((slice(36, 42), 0.05), (slice(42, 48), 0.05), (slice(48, 68), 0.09))


@dataclass(frozen=True)
class TranslatorLossOptions:
    """The weights of eqs. (5), L_1, and (6), L_per, and which VGG-19 eq. (6) uses.

    The paper gives neither the sum of the two nor weights. 1 to 1 is MakeItTalk's, which adds a
    third term, the style loss (Gram matrices), that the paper doesn't have, nor we.

    `vgg_layers` are those whose features are compared; their differences are summed, as MakeItTalk
    does, or with `vgg_average` averaged, as eq. (6) is printed: the same as `perceptual` divided by
    their number. `vgg_weights` is a file with torchvision's
    ImageNet state dict, or "random", with `vgg_width` and `vgg_seed`; see PerceptualLoss.

    `details` and `mask` are of a net with warp alone, which the paper doesn't have: the weights of
    the L1 about eyes and mouth, and of the mask where the warped reference face is right.

    A perceptual weight of 0 leaves the VGG-19 out. Raises ValueError for negative weights and for
    unknown layers.
    """

    l1: float = 1.0
    perceptual: float = 1.0
    details: float = 0.3
    mask: float = 0.03
    vgg_layers: tuple[str, ...] = MEASURED_RELUS
    vgg_average: bool = False
    vgg_weights: str | Literal["random"] = "random"
    vgg_width: float = 1.0
    vgg_seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "vgg_layers", tuple(self.vgg_layers))
        unknown = [name for name in self.vgg_layers if name not in RELUS]
        if unknown or not self.vgg_layers:
            raise ValueError(
                f"vgg_layers must be some of {', '.join(RELUS)}; got {', '.join(unknown) or 'none'}"
            )
        weights = {name: getattr(self, name) for name in ("l1", "perceptual", "details", "mask")}
        if min(weights.values()) < 0 or self.l1 + self.perceptual == 0:
            raise ValueError(
                "the translator's loss weights must be 0 or more, l1 and perceptual not both 0; "
                f"got {', '.join(f'{name} {value}' for name, value in weights.items())}"
            )

    @property
    def weights_file(self) -> Path | None:
        """The file of VGG-19's weights, where this loss reads one."""
        if self.perceptual == 0 or self.vgg_weights == "random":
            return None
        return Path(self.vgg_weights)


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
