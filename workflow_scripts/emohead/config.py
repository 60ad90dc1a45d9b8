"""What a config, merged and complete, says of models and data. Needs nothing but Python itself."""

from collections.abc import Mapping
from typing import Any

#: MEAD's clips of an emotion at one level, and of neutral, which has only one.
MEAD_CLIPS, MEAD_NEUTRAL_CLIPS = 30, 40


def model_options(config: Mapping[str, Any], stage: str, name: str) -> dict[str, dict[str, Any]]:
    """`model`, `loss` and `train` options of one model: its stage's, overridden by its own."""
    common, own = config[stage], dict(config[stage]["models"][name])
    loss, train = own.pop("loss", {}), own.pop("train", {})
    return {
        "model": {**common["options"], **own},
        "loss": {**common["loss"], **loss},
        "train": {**common["train"], **train},
    }


def clips_of(data: Mapping[str, Any], emotion: str) -> int:
    """The clips of one speaker and emotion, if none is missing; not of data.source: footage."""
    if data["source"] == "mini":
        return data["mini"]["sentences"] * (1 if emotion == "neutral" else len(data["levels"]))
    return MEAD_NEUTRAL_CLIPS if emotion == "neutral" else MEAD_CLIPS * len(data["levels"])
