"""Describes a bundle for people."""

from collections.abc import Mapping
from typing import Any

from emohead.generate.bundle import Bundle
from emohead.landmarks.options import LandmarkModelOptions


def describe(bundle: Bundle) -> str:
    """Some lines of text: the models and their sizes, what they were trained on, their use."""
    card = bundle.card
    landmarks, translator = bundle.landmarks.options, bundle.translator.options
    rows = {
        "method": f"{card['method']} ({card['label']}), seed {card['seed']}",
        "picture": f"{bundle.crop_size} x {bundle.crop_size} px, 25 frames a second",
        "landmark model": f"{card['landmark_model']}: {_landmark_model(landmarks)}, "
        f"{_parameters(bundle.landmarks)} parameters",
        "PCA basis": f"{landmarks.components} components",
        "translator": f"{card['translator']}: U-Net {'-'.join(map(str, translator.widths))}, "
        f"attention {translator.attention}"
        f"{', on the warped face' if translator.warp else ''}, "
        f"{_parameters(bundle.translator)} parameters",
        "trained on": _data(card["config"]["data"]),
        "config": card["config_hash"],
        "weights": bundle.fingerprint,
        "note": card["note"],
        "use": card["use"],
    }
    return "\n".join(f"{name:<15} {text}" for name, text in rows.items() if text)


def _data(data: Mapping[str, Any]) -> str:
    if "speakers" not in data:
        return "footage"
    return (
        f"data source {data['source']}, speakers {', '.join(data['speakers'] or ['all'])}, "
        f"{data['view']} view, emotions {', '.join(data['emotions'])}, "
        f"levels {', '.join(map(str, data['levels']))}"
    )


def _landmark_model(options: LandmarkModelOptions) -> str:
    if options.architecture == "at_net":
        return "AT-net"
    if options.architecture == "evp":
        return "EVP"
    if options.emotion == "none":
        return "Audio2Lm"
    return f"Audio2Lm with MSEF (memory {options.memory}, {options.memory_slots} slots)"


def _parameters(model) -> str:
    return f"{sum(parameter.numel() for parameter in model.parameters()):,}"
