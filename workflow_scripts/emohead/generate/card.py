"""The model card: what a trained method is, what it was trained on, what it may be used for."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from emohead.config import model_options, origin_note, without_runtime

USE = (
    "Animate only people who have agreed, and say that the video is synthetic. MEAD's terms, and "
    "those of the 68-point landmark model, allow non-commercial research alone."
)


def make_card(config: Mapping[str, Any], method: str, seed: int) -> dict[str, Any]:
    """The card of a method of a config (as in config.yaml), in plain values.

    `config_hash` is of all that the models were made from. Raises ValueError for a method that the
    config hasn't got, or that has a stand-in in place of a model.
    """
    landmarks, translator = method_models(config, method)
    config = without_runtime(config)
    data = config["data"]
    made_from = {
        "features": config["features"],
        "split": config["split"],
        "data": {key: data[key] for key in _data_keys(data["source"])},
        "landmarks": _of_model(config["landmarks"], landmarks),
        "translator": _of_model(config["translator"], translator),
        "seed": seed,
    }
    if name := model_options(config, "landmarks", landmarks)["model"].get("disentangler"):
        stage = config["disentangler"]
        made_from["disentangler"] = _of_model(stage, name) | {"pairs": stage["pairs"]}
    notes = origin_note(config), config.get("report", {}).get("note")
    text = json.dumps(made_from, sort_keys=True)
    return {
        "method": method,
        "label": config["methods"][method].get("label", method),
        "seed": seed,
        "landmark_model": landmarks,
        "translator": translator,
        "note": " ".join(filter(None, notes)) or None,
        "use": USE,
        "config_hash": hashlib.sha256(text.encode()).hexdigest()[:12],
        "config": made_from,
    }


def method_models(config: Mapping[str, Any], method: str) -> tuple[str, str]:
    """The names of a method's landmark model and translator; errors as `make_card`."""
    methods = config["methods"]
    if method not in methods:
        raise ValueError(
            f"the config has no method {method!r}; it has {', '.join(methods) or 'none'}"
        )
    if "motion" in methods[method]:
        raise ValueError(
            f"method {method!r} can't be used for other sound: a motion field goes into no bundle"
        )
    names = tuple(methods[method].get(part) for part in ("landmarks", "translator"))
    for part, name in zip(("landmarks", "translator"), names, strict=True):
        if name not in config[part]["models"]:
            raise ValueError(
                f"method {method!r} can't be used for other sound: its {part} part is {name!r}, "
                "which is no trained model"
            )
    inputs = model_options(config, "translator", names[1])["model"].get("inputs")
    if inputs == "edges" or methods[method].get("target") == "neutral_video":
        raise ValueError(
            f"method {method!r} can't be used for other sound: it wants a target video"
        )
    return names


def _data_keys(source: str) -> tuple[str, ...]:
    """The keys that choose the clips; with footage the table does, and they don't count."""
    if source == "footage":
        return ("source",)
    return "source", "speakers", "view", "emotions", "levels"


def _of_model(stage: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The training options of a stage's model: the stage's, then its own."""
    own = stage["models"][name]
    common = {part: stage[part] for part in ("options", "loss", "train") if part in stage}
    return common | {"model": {name: own}}
