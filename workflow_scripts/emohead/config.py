"""Reads models and data from a complete config. Needs nothing but Python itself."""

import math
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from typing import Any

#: The mini set's; `emohead.mini.portraits` draws them.
MINI_SPEAKERS = ("W901", "W902")

#: MEAD's clips of an emotion at one level, and of neutral, which has only one.
MEAD_CLIPS, MEAD_NEUTRAL_CLIPS = 30, 40

#: The keys of `train` that decide a training's speed and not its weights: the fields of
#: `emohead.training.options.Runtime`.
RUNTIME = ("device", "compile", "workers", "checkpoint_minutes", "checkpoint_storage")

#: The stages that train models, each after those that it starts from.
STAGES = ("disentangler", "landmarks", "translator", "motion_field", "motion_audio")

#: Modules that a stage imports for some models alone: whether one with these options is such.
PARTS: Mapping[str, Mapping[str, Callable[[Mapping[str, Any]], bool]]] = {
    "landmarks": {
        "emohead.landmarks.at_net": lambda model: model["architecture"] in ("at_net", "evp"),
        "emohead.landmarks.evp": lambda model: model["architecture"] == "evp",
        "emohead.landmarks.emotion_encoder": lambda model: model["architecture"] == "evp",
        "emohead.landmarks.audio2lm": lambda model: model["architecture"] == "audio2lm",
        "emohead.landmarks.msef": lambda model: (
            model["architecture"] == "audio2lm" and model.get("emotion", "msef") == "msef"
        ),
    },
    "translator": {
        "emohead.translator.cbam": lambda model: model["attention"] != "none",
        "emohead.translator.warp": lambda model: bool(model.get("warp")),
        "emohead.translator.edges": lambda model: model.get("inputs") == "edges",
    },
}

#: What a method may be given beside the sound, the first of each what our methods are: which frames
#: (one face, a video, the clip's own upper face), whose head pose, what tells the emotion, and
#: whether it was trained on the speakers.
GIVEN: Mapping[str, tuple[str, ...]] = {
    "frames": ("one", "video", "upper_face"),
    "pose": ("own", "truth", "other"),
    "emotion": ("voice", "label", "video"),
    "speakers": ("seen", "unseen"),
}
#: What is said of somebody else's method that doesn't say what it is given.
NOT_STATED = "not stated"

#: The paper's models: E_Lm's width, and the sum of the widths of the translator's maps.
_PAPERS_REFERENCE_WIDTH, _PAPERS_MAPS = 512, 64 + 128 + 256 + 3 * 512


def model_options(config: Mapping[str, Any], stage: str, name: str) -> dict[str, dict[str, Any]]:
    """`model`, `loss`, `train` and `runtime` options of one model: its stage's, then its own.

    `train` are the config's keys of that name that decide the weights, `runtime` the others.
    """
    common, own = config[stage], dict(config[stage]["models"][name])
    loss, train = own.pop("loss", {}), {**common["train"], **own.pop("train", {})}
    return {
        "model": {**common["options"], **own},
        "loss": {**common.get("loss", {}), **loss},
        "train": {key: value for key, value in train.items() if key not in RUNTIME},
        "runtime": {key: value for key, value in train.items() if key in RUNTIME},
    }


def leave_out_methods(config: dict[str, Any]) -> list[str]:
    """Take the methods out that a config laid over another has set to null; return their names."""
    methods = config.get("methods")
    if not isinstance(methods, dict):
        return []  # a mistake, which the schema names
    left_out = [name for name, method in methods.items() if method is None]
    for name in left_out:
        del methods[name]
    study = config.get("study")
    if isinstance(study, dict) and isinstance(study.get("methods"), list):
        study["methods"] = [name for name in study["methods"] if name not in left_out]
    return left_out


def origin_note(config: Mapping[str, Any]) -> str | None:
    """What a report has to say of its data and of the sizes of its models; None for nothing."""
    sizes = {
        "landmarks": lambda model: model.get("reference_width", math.inf) < _PAPERS_REFERENCE_WIDTH,
        "translator": lambda model: sum(model.get("widths", [math.inf])) < _PAPERS_MAPS,
    }
    is_small = any(
        is_less(model_options(config, stage, name)["model"])
        for stage, is_less in sizes.items()
        for name in config[stage]["models"]
    )
    if config["data"]["source"] != "mini":
        small = "Small models: these numbers can't be compared with the paper's."
        return small if is_small else None
    preset, small = ("Mini preset", ", small models") if is_small else ("Mini data set", "")
    return (
        f"{preset}: two animated portraits with a synthetic voice{small}. These numbers are not "
        "MEAD numbers and can't be compared with the paper's."
    )


def given_to(method: Mapping[str, Any], sounds: Collection[str] = ()) -> str:
    """What a method of the config is given, in the order of GIVEN: `one, own, voice, seen`.

    Of our methods it follows from their parts, unless `given` says otherwise; somebody else's, of
    which `given` doesn't say all, is NOT_STATED. `sounds` are the models of `motion` that hear; any
    other one sees the clip itself.
    """
    found: dict[str, str] = {}
    if "videos" not in method:
        found = {key: values[0] for key, values in GIVEN.items()}
        if method.get("target") == "neutral_video":
            found |= {"frames": "video", "pose": "other"}
        if method.get("emotion") == "label":
            found |= {"emotion": "label"}
        motion = method.get("motion")
        sees_truth = motion is not None and motion not in sounds
        if sees_truth or method["landmarks"] == "truth":
            found |= {"pose": "truth", "emotion": "video"}
        if motion and method.get("pose") == "truth":
            found |= {"pose": "truth"}
        if sees_truth or method["translator"] == "truth":
            found |= {"frames": "video"}
    found |= method.get("given", {})
    return ", ".join(found[key] for key in GIVEN) if len(found) == len(GIVEN) else NOT_STATED


def without_runtime(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the config without what only says how models are trained and clips rendered."""
    kept = deepcopy(dict(config))
    for key in ("device", "batch_size"):
        kept.get("rendering", {}).pop(key, None)
    for stage in filter(kept.get, STAGES):
        for part in (kept[stage], *kept[stage]["models"].values()):
            for key in RUNTIME:
                part.get("train", {}).pop(key, None)
    return kept


def unused_modules(stage: str, model: Mapping[str, Any] | None) -> set[str]:
    """The modules of PARTS that a model with these options isn't made of; None is no model at all.

    An edit of one of them is no reason to train or render again (`emohead.code_digest`).
    """
    return {part for part, is_of in PARTS[stage].items() if model is None or not is_of(model)}


def clips_of(data: Mapping[str, Any], emotion: str) -> int:
    """The clips of one speaker and emotion, if none is missing; not of data.source: footage."""
    if data["source"] == "mini":
        return data["mini"]["sentences"] * (1 if emotion == "neutral" else len(data["levels"]))
    return MEAD_NEUTRAL_CLIPS if emotion == "neutral" else MEAD_CLIPS * len(data["levels"])
