"""The options of the landmark models, with the paper's values as defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args, get_type_hints

from emohead.features.mfcc_shape import COEFFICIENTS, WINDOW_FRAMES


def _check_choices(kind: str, options: object) -> None:
    """Raise ValueError where a field has none of the values that its Literal allows."""
    for name, hint in get_type_hints(type(options)).items():
        allowed = get_args(hint)
        if allowed and getattr(options, name) not in allowed:
            raise ValueError(f"{kind} {name} is {getattr(options, name)!r}: choose from {allowed}")


@dataclass(frozen=True)
class LossWeights:
    """The joint loss, eq. (4): L_pca + alpha L_landmark + beta L_lip + gamma L_ec.

    `unit` is what landmarks in [0, 1] are multiplied by before the three landmark losses. The paper
    gives alpha = beta = gamma = 10 but no unit, and the balance hangs on it: L_ec starts at
    8 ln 2 = 5.5 whatever the unit, the landmark losses near .001 with `unit=1` and near 10 with
    `unit=100` (per cent of the crop), which keeps the two of one order. `emotion` chooses eq. (2)
    as printed ("binary": eight sigmoids, summed over the emotions), their mean, an eighth of that
    ("binary_mean": what PyTorch's BCELoss makes of it), or cross-entropy over the eight emotions
    ("softmax").
    """

    alpha: float = 10.0
    beta: float = 10.0
    gamma: float = 10.0
    unit: float = 1.0
    emotion: Literal["binary", "binary_mean", "softmax"] = "binary"

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "gamma"):
            if getattr(self, name) < 0:
                raise ValueError(f"loss weight {name} is {getattr(self, name)}: choose 0 or more")
        if self.unit <= 0:
            raise ValueError(f"loss unit is {self.unit}: it must be positive")
        _check_choices("loss option", self)


@dataclass(frozen=True)
class LandmarkModelOptions:
    """What a landmark model consists of; `LandmarkModelOptions()` is the paper's Audio2Lm + MSEF.

    - `architecture`: "audio2lm" (the paper), "at_net" (its baseline, ATVG), which uses neither the
      emotion extractor nor the joint loss, or "evp" (Ji et al. 2021), whose two encoders go on from
      those of the `disentangler` of that name.
    - `emotion`: "msef" feeds the emotion feature f_e to the LSTM; "none" leaves it out (the
      `audio2lm_plain` row).
    - `memory`: how MSEF reads its memory of `memory_slots`, see `msef.py`; `classifier`: whether
      L_ec trains it.
    - `target`: "offset" predicts the difference from the reference landmarks (as EVP does),
      "absolute" the landmarks themselves (as ATVG does).
    - `reference`: the reference face at training: the clip's "first" frame, as in the evaluation,
      a "random" one, or the first frame of one of the speaker's "neutral" training clips, as under
      the evaluation's neutral protocol. A random one mostly shows the full expression already, and
      the model doesn't learn to put it onto a calm face.
    - `reference_input`: what E_Lm is given of the reference face: its "points", 136 numbers, or
      their "components" in the PCA basis (as ATVG's generator), which must be one of faces:
      `target="absolute"`.
    - `components`: size of the PCA basis, of what `target` names.
    - `c0`: whether the first MFCC, the loudness, is heard, too; the features must have it
      (`features.c0`).
    - widths: `audio_width` is E_A's output (128 in the paper; 256 in AT-net), `emotion_width` that
      of f, `reference_width` E_Lm's, `hidden_width` the hidden layer of the MLPs, `conv_width` the
      first convolution of AT-net and EVP, from which their other widths follow. EVP's two codes
      have `audio_width` and `emotion_width`.
    - `dropout` acts on the LSTM's input and between its layers.
    """

    architecture: Literal["audio2lm", "at_net", "evp"] = "audio2lm"
    disentangler: str = ""
    emotion: Literal["msef", "none"] = "msef"
    memory: Literal["double", "slots", "none"] = "double"
    classifier: bool = True
    target: Literal["offset", "absolute"] = "offset"
    reference: Literal["first", "random", "neutral"] = "random"
    reference_input: Literal["points", "components"] = "points"
    components: int = 16
    c0: bool = False
    audio_width: int = 128
    emotion_width: int = 128
    memory_slots: int = 64
    reference_width: int = 512
    hidden_width: int = 256
    conv_width: int = 64
    lstm_width: int = 256
    lstm_layers: int = 3
    dropout: float = 0.0
    loss: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        _check_choices("landmark option", self)
        for name, hint in get_type_hints(type(self)).items():
            if hint is int and getattr(self, name) < 1:
                raise ValueError(f"landmark option {name} is {getattr(self, name)}: at least 1")
        if self.reference_input == "components" and self.target != "absolute":
            raise ValueError(
                "landmark option reference_input is 'components', and those of the offsets can't "
                "tell a face: choose points, or target='absolute'"
            )
        if self.memory != "none" and self.memory_slots < 2:
            raise ValueError(
                "landmark option memory_slots is 1: a memory of one slot tells every frame the "
                "same; give 2 or more, or leave the memory out with memory='none'"
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
