"""The options of the landmark models, with the paper's values as defaults."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from emohead.features.mfcc_shape import COEFFICIENTS, WINDOW_FRAMES
from emohead.options import Count, NotNegative, Options, Positive


@dataclass(frozen=True)
class LossWeights(Options):
    """The joint loss, eq. (4): L_pca + alpha L_landmark + beta L_lip + gamma L_ec."""

    alpha: NotNegative = 10.0
    beta: NotNegative = 10.0
    gamma: NotNegative = 10.0
    unit: Positive = 1.0
    """Landmarks in this many parts of the crop, for L_pca, L_landmark and L_lip.

    The paper gives alpha = beta = gamma = 10 but no unit, and the balance hangs on it: L_ec starts
    at 8 ln 2 = 5.5 whatever the unit, the landmark losses near .001 with 1 and near 10 with 100,
    which keeps the two of one order.
    """
    emotion: Literal["binary", "binary_mean", "softmax"] = "binary"
    """How L_ec is taken, eq. (2).

    binary: eight sigmoids, summed over the emotions, as printed; binary_mean: their mean, an eighth
    of that (what PyTorch's BCELoss makes of it); softmax: cross-entropy over the eight emotions.
    """


@dataclass(frozen=True)
class LandmarkModelOptions(Options):
    """What a landmark model is made of; the defaults are the paper's Audio2Lm with MSEF."""

    architecture: Literal["audio2lm", "at_net", "evp"] = "audio2lm"
    """Which model.

    audio2lm: the paper's; at_net: its baseline's, ATVG's, which uses neither the emotion extractor
    nor the joint loss; evp: Ji et al. 2021, whose two encoders go on from those of `disentangler`.
    """
    disentangler: str = ""
    """The disentangler's name, of an evp."""
    emotion: Literal["msef", "none"] = "msef"
    """What tells the LSTM the emotion: MSEF's feature f_e, or none."""
    memory: Literal["double", "slots", "none"] = "double"
    """How MSEF reads its memory, eq. (1).

    double: softmax over frames, then L1 over slots, as external attention; slots: the one softmax,
    over slots, as printed; none: f_e = f. See `msef.py`.
    """
    classifier: bool = True
    """L_ec on MSEF's feature, eq. (2)."""
    target: Literal["offset", "absolute"] = "offset"
    """Offset from the reference landmarks (as EVP), or absolute (as ATVG)."""
    reference: Literal["first", "random", "neutral"] = "random"
    """The reference face at training; what evaluation gives is evaluation.references.

    first: the clip's first frame, as in the evaluation; random: any frame of it, which mostly shows
    the full expression already, so that the model doesn't learn to put it onto a calm face;
    neutral: the first frame of one of the speaker's neutral training clips, as under the
    evaluation's neutral protocol.
    """
    reference_input: Literal["points", "components"] = "points"
    """What E_Lm is given: all points, or their PCA components (ATVG), with target: absolute."""
    components: Annotated[int, ("minimum", 1), ("maximum", 136)] = 16
    """Of the PCA basis, of offsets or faces; the paper doesn't say, EVP has 16."""
    c0: bool = False
    """Hear the loudness (c0); wants features.c0."""
    audio_width: Count = 128
    """E_A; AT-net's audio encoder has 256."""
    emotion_width: Count = 128
    """Of f, MSEF's feature, or of EVP's emotion code."""
    memory_slots: Annotated[int, ("minimum", 2)] = 64
    """The paper doesn't say; EANet's.

    One slot would tell every frame the same.
    """
    reference_width: Count = 512
    """E_Lm; the paper's is 512."""
    hidden_width: Count = 256
    """Of the MLPs."""
    conv_width: Count = 64
    """Of AT-net's and EVP's first convolution, from which the others follow; ATVG's is 64."""
    lstm_width: Count = 256
    lstm_layers: Count = 3
    """The paper doesn't say; ATVG and EVP have 3."""
    dropout: Annotated[float, ("minimum", 0), ("exclusiveMaximum", 1)] = 0.0
    """On the LSTM's input and between its layers."""
    loss: LossWeights = field(default_factory=LossWeights)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """Components of what isn't a face."""
        if self.reference_input == "components" and self.target != "absolute":
            yield (
                "reference_input",
                "is components, and those of the offsets can't tell a face: choose points, or "
                "target: absolute",
            )

    @property
    def coefficients(self) -> int:
        """How many MFCC the model hears: 12, or 13 with c0."""
        return COEFFICIENTS + self.c0

    @property
    def mfcc_window(self) -> int:
        """The numbers of a video frame's MFCC window, flattened."""
        return WINDOW_FRAMES * self.coefficients

    @property
    def has_emotion_logits(self) -> bool:
        """Whether the model classifies the clip's emotion."""
        return self.architecture == "audio2lm" and self.emotion == "msef" and self.classifier
