"""The translator's loss, eqs. (5) and (6)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from emohead.translator.perceptual import MEASURED_RELUS, RELUS, PerceptualLoss

# Five grey levels: what a warp that is right may be off.
_RIGHT = 0.02


@dataclass(frozen=True)
class TranslatorLossOptions:
    """The weights of eqs. (5), L_1, and (6), L_per, and which VGG-19 eq. (6) uses.

    The paper gives neither the sum of the two nor weights. 1 to 1 is MakeItTalk's, which adds a
    third term, the style loss (Gram matrices), that the paper doesn't have, nor we.

    `vgg_layers` are those whose features are compared; their differences are summed, as MakeItTalk
    does, or with `vgg_average` averaged, as eq. (6) is printed: the same as `perceptual` divided by
    their number. `vgg_weights` is a file with torchvision's
    ImageNet state dict, or "random", with `vgg_width` and `vgg_seed`; see PerceptualLoss.

    `mask` is the weight of a warping net's mask, where the warped reference face is right; it has
    no equation in the paper, nor do other nets have one.

    A perceptual weight of 0 leaves the VGG-19 out. Raises ValueError for negative weights and for
    unknown layers.
    """

    l1: float = 1.0
    perceptual: float = 1.0
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
        if min(self.l1, self.perceptual, self.mask) < 0 or self.l1 + self.perceptual == 0:
            raise ValueError(
                "the translator's loss weights must be 0 or more, l1 and perceptual not both 0; "
                f"got l1 {self.l1}, perceptual {self.perceptual}, mask {self.mask}"
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

    def forward(
        self, made: Tensor, true: Tensor, mask: Tensor | None = None, warped: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Scalars `loss`, `l1` and `perceptual` of frames [B, 3, S, S] in [0, 1].

        Of a net with warp also `mask`: the mean of its mask [B, 1, S, S], times exp(-d / 0.02) for
        a pixel at which the warped reference face [B, 3, S, S] differs from the frame by d, the
        mean over its colours. Painting costs something where the warp is right already.
        """
        l1 = functional.l1_loss(made, true)
        terms = {"loss": self.options.l1 * l1, "l1": l1}
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(made, true)
            terms["loss"] = terms["loss"] + self.options.perceptual * terms["perceptual"]
        if mask is not None:
            difference = (warped - true).abs().mean(dim=1, keepdim=True)
            terms["mask"] = (mask.float() * (-difference / _RIGHT).exp()).mean()
            terms["loss"] = terms["loss"] + self.options.mask * terms["mask"]
        return terms
