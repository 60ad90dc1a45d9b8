"""The translator's loss, eqs. (5) and (6)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from emohead.translator.perceptual import MEASURED_RELUS, RELUS, PerceptualLoss


@dataclass(frozen=True)
class TranslatorLossOptions:
    """The weights of eqs. (5), L_1, and (6), L_per, and which VGG-19 eq. (6) uses.

    The paper gives neither the sum of the two nor weights. 1 to 1 is MakeItTalk's, which adds a
    third term, the style loss (Gram matrices), that the paper doesn't have, nor we.

    `vgg_layers` are those whose features are compared; their differences are summed, as MakeItTalk
    does, or with `vgg_average` averaged, as eq. (6) is printed: the same as `perceptual` divided by
    their number. `vgg_weights` is a file with torchvision's
    ImageNet state dict, or "random", with `vgg_width` and `vgg_seed`; see PerceptualLoss.

    A perceptual weight of 0 leaves the VGG-19 out. Raises ValueError for negative weights and for
    unknown layers.
    """

    l1: float = 1.0
    perceptual: float = 1.0
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
        if self.l1 < 0 or self.perceptual < 0 or self.l1 + self.perceptual == 0:
            raise ValueError(
                "the translator's loss weights must be 0 or more and not both 0, got "
                f"l1 {self.l1}, perceptual {self.perceptual}"
            )

    @property
    def weights_file(self) -> Path | None:
        """The file of VGG-19's weights, where this loss reads one."""
        if self.perceptual == 0 or self.vgg_weights == "random":
            return None
        return Path(self.vgg_weights)


class TranslatorLoss(nn.Module):
    """L = l1 * L_1 + perceptual * L_per, of eqs. (5) and (6), and both terms by name."""

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
        l1 = functional.l1_loss(made, true)
        terms = {"loss": self.options.l1 * l1, "l1": l1}
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(made, true)
            terms["loss"] = terms["loss"] + self.options.perceptual * terms["perceptual"]
        return terms
