"""The options of the translators and of their loss, with the paper's values as defaults."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from emohead.options import Count, Natural, NotNegative, Options

DRAWING_CHANNELS = {"drawing": 3, "areas": 7, "edges": 15}  # see `drawing.py`, `edges.py`
ATTENDED_MAPS = 4  # "the initial four layers of the encoder and decoder"

#: VGG-19's, by Simonyan and Zisserman's names.
Relu = Literal[
    "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3", "relu3_4",
    "relu4_1", "relu4_2", "relu4_3", "relu4_4", "relu5_1", "relu5_2", "relu5_3", "relu5_4",
]  # fmt: skip
MEASURED_RELUS: tuple[Relu, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


@dataclass(frozen=True)
class TranslatorOptions(Options):
    """What a translator is made of; the defaults are the paper's AATU."""

    widths: Annotated[tuple[Count, ...], ("minItems", 2)] = (64, 128, 256, 512, 512, 512)
    """The paper's: 64, 128, 256, 512, 512, 512.

    Channels of the encoder's maps, each half the size of the one before.
    """
    residual_blocks: Natural = 2
    """In each step down and up; 2 in MakeItTalk."""
    attention: Literal["none", "cbam", "channel", "spatial"] = "cbam"
    """What follows the maps that are attended to.

    cbam: both of CBAM's gates, AATU; channel, spatial: one of them; none: MakeItTalk's U-Net.
    """
    placement: Literal["shallow", "execution_order"] = "execution_order"
    """Which four maps of the decoder are attended to.

    Of the encoder it is always the first four. execution_order: the first that it computes ("the
    initial four layers of the encoder and decoder", says the paper); shallow: its shallowest,
    mirroring the encoder's.
    """
    reduction: Count = 16
    """Of the channel gate's hidden layer."""
    inputs: Literal["drawing", "areas", "edges"] = "drawing"
    """What stands for the landmarks: MakeItTalk's drawing, or EVP's edges.

    areas: the drawing, and the areas of face, eyes and open mouth, which are not in the paper.
    """
    warp: bool = False
    """Start from the reference face warped to the landmarks, which is not in the paper.

    The net is shown that face, too, and decides by masks where it stays as it is, and where it is
    painted.
    """

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Fewer maps than are to be attended to."""
        if self.attention != "none" and len(self.widths) <= ATTENDED_MAPS:
            yield (
                "widths",
                f"has {len(self.widths)} entries, and attention needs {ATTENDED_MAPS} decoder "
                f"maps: give {ATTENDED_MAPS + 1} or more widths, or attention: none",
            )

    @property
    def input_channels(self) -> int:
        """Channels of the images that the net is given."""
        return self.drawn_channels + (3 if self.warp else 0)

    @property
    def drawn_channels(self) -> int:
        """Channels of what stands for the landmarks, and of the reference face behind them."""
        return DRAWING_CHANNELS[self.inputs] + 3


@dataclass(frozen=True)
class TranslatorLossOptions(Options):
    """The weights of eqs. (5), L_1, and (6), L_per, and which VGG-19 eq. (6) uses.

    The paper gives neither the sum of the two nor weights. 1 to 1 is MakeItTalk's, which adds a
    third term, the style loss (Gram matrices), that the paper doesn't have, nor we.
    """

    l1: NotNegative = 1.0
    perceptual: NotNegative = 1.0
    """1 in MakeItTalk; 0 leaves the VGG-19 out."""
    details: NotNegative = 1.0
    """Of a net with warp: of the L1 about eyes and mouth."""
    choices: NotNegative = 1.0
    """Of a net with warp: of what tells its masks which picture is nearer."""
    vgg_layers: Annotated[tuple[Relu, ...], ("minItems", 1), ("uniqueItems", True)] = MEASURED_RELUS
    """Whose features are compared, of relu1_1 to relu5_4."""
    vgg_average: bool = False
    """true: averaged over layers, as eq. (6) is printed; false: summed, as in MakeItTalk.

    The average is the same as `perceptual` divided by the number of layers.
    """
    vgg_weights: str = "random"
    """random; imagenet: torchvision's, fetched once; or a file with its state dict of VGG-19."""
    vgg_width: Annotated[float, ("exclusiveMinimum", 0), ("maximum", 1)] = 1.0
    """Of the random VGG-19; 1 is the whole network."""
    vgg_seed: Natural = 0

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """A loss of nothing."""
        if self.l1 == self.perceptual == 0:
            yield "l1", "and perceptual are both 0: one of them must be more"

    @property
    def weights_file(self) -> Path | None:
        """The file of VGG-19's weights, where this loss reads one."""
        if self.perceptual == 0 or self.vgg_weights == "random":
            return None
        return Path(self.vgg_weights)
