"""Checks of a config: its JSON schema, and contradictions between allowed values."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from emohead.config import GIVEN, model_options
from emohead.data.mead import EMOTIONS
from emohead.disentangler.numbers import SentenceNumbers
from emohead.disentangler.options import DisentanglerOptions
from emohead.features.options import FeatureOptions
from emohead.landmarks.options import LandmarkModelOptions, LossWeights
from emohead.methods.options import RenderingOptions
from emohead.motion.audio_options import MotionAudioLossOptions, MotionAudioOptions
from emohead.motion.options import MotionFieldLossOptions, MotionFieldOptions
from emohead.options import OptionError, Options, json_schema
from emohead.training.options import Recipe, Runtime
from emohead.translator.options import TranslatorLossOptions, TranslatorOptions

#: The options of each stage's models, by their key in the config.
STAGE_OPTIONS: Mapping[str, Mapping[str, type[Options]]] = {
    "disentangler": {"options": DisentanglerOptions},
    "landmarks": {"options": LandmarkModelOptions, "loss": LossWeights},
    "translator": {"options": TranslatorOptions, "loss": TranslatorLossOptions},
    "motion_field": {"options": MotionFieldOptions, "loss": MotionFieldLossOptions},
    "motion_audio": {"options": MotionAudioOptions, "loss": MotionAudioLossOptions},
}
#: Fields of `Recipe` that a stage's trainings don't read.
UNREAD: Mapping[str, tuple[str, ...]] = {
    # It holds sentences back, and stops and keeps by no validation.
    "disentangler": (
        "validation", "patience", "keep", "frames_per_clip", "augment", "mfcc_offset",
    ),
    "landmarks": ("frames_per_clip", "augment"),
    "translator": ("mfcc_offset",),
    "motion_field": ("mfcc_offset", "augment"),
    "motion_audio": ("frames_per_clip", "augment"),
}  # fmt: skip


def read_yaml(path: Path) -> Any:
    """A YAML file, read by libyaml where that is there: every start of Snakemake waits for it."""
    return yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def config_schema(path: Path) -> dict[str, Any]:
    """The JSON schema in a file, with the definitions that stand in the library.

    For each stage `<stage>_options`, `_loss`, `_train`, and `_model`, which is all of them.
    """
    schema = read_yaml(path)
    definitions = schema["$defs"]
    for stage, parts in STAGE_OPTIONS.items():
        train = json_schema(Recipe)
        train["properties"] |= json_schema(Runtime)["properties"]
        for name in UNREAD.get(stage, ()):
            del train["properties"][name]
        made = {part: json_schema(options) for part, options in parts.items()} | {"train": train}
        made["options"]["properties"].pop("loss", None)
        others = {part: made[part] for part in made if part != "options"}
        properties = made["options"]["properties"] | others
        made["model"] = {**made["options"], "properties": properties}
        definitions |= {f"{stage}_{part}": each for part, each in made.items()}
    # The pretraining leaves weights out, which several devices can't.
    definitions["disentangler_train"]["properties"]["devices"] = {"const": 1}
    for name, options in {"features": FeatureOptions, "rendering": RenderingOptions}.items():
        definitions[name] = json_schema(options)
        definitions[name]["required"] = list(definitions[name]["properties"])
    definitions["emotion"] = {"enum": list(EMOTIONS)}
    definitions["given"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {key: {"enum": list(values)} for key, values in GIVEN.items()},
    }
    return schema


def model_mistakes(config: Mapping[str, Any], stage: str, name: str) -> Iterator[tuple[str, str]]:
    """What can't be of one model, in values that are allowed each: (key, what is wrong).

    Training would refuse it, but only after the clips have been extracted.
    """
    given = model_options(config, stage, name)
    for part, options in {**STAGE_OPTIONS[stage], "train": Recipe}.items():
        try:
            options(**given["model" if part == "options" else part])
        except OptionError as error:
            yield f"{stage}.{part}.{error.option}", f"{error.problem} ({name})"
    model = given["model"]
    if stage == "landmarks":
        yield from _evp_mistakes(config, name, model)
        if model.get("c0") and not config["features"]["c0"]:
            yield "features.c0", f"is false, and landmarks.options.c0 hears the loudness ({name})"
        data = config["data"]
        has_neutral = data["source"] == "footage" or "neutral" in data["emotions"]
        if model["reference"] == "neutral" and not has_neutral:
            yield (
                "landmarks.options.reference",
                f"is neutral, and data.emotions has no neutral clips ({name})",
            )
    crop_size = config["features"]["crop_size"]
    if stage == "translator":
        depth = len(model["widths"])
        if crop_size % 2**depth:
            yield (
                "translator.options.widths",
                f"{depth} of them want features.crop_size to be a multiple of {2**depth}, not "
                f"{crop_size} ({name})",
            )
    if stage == "motion_field":
        for key in ("keypoint_grid", "dense_grid"):
            if crop_size % model[key] or model[key] % 2 ** model["levels"]:
                yield (
                    f"motion_field.options.{key}",
                    f"is {model[key]}: it must divide features.crop_size, {crop_size}, and be a "
                    f"multiple of 2^levels, {2 ** model['levels']} ({name})",
                )
        if given["train"]["validation"] == 0:
            yield (
                "motion_field.train.validation",
                f"is 0, and its gates are tried on the clips that it holds out ({name})",
            )
    if stage == "motion_audio":
        yield from _sound_mistakes(config, name, given)


def _sound_mistakes(
    config: Mapping[str, Any], name: str, given: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """What can't be of networks of sound: their field, their pictures, their offsets."""
    model, fields = given["model"], config["motion_field"]["models"]
    if model["field"] not in fields:
        known = ", ".join(fields) or "none"
        yield (
            "motion_audio.options.field",
            f"there is no model {model['field']!r} (known: {known}; {name})",
        )
    crop_size, grid = config["features"]["crop_size"], model.get("hourglass_grid", 64)
    if model.get("network") == "hourglass" and crop_size % grid:
        yield (
            "motion_audio.options.hourglass_grid",
            f"is {grid}: it must divide features.crop_size, {crop_size} ({name})",
        )
    if model.get("sound") == "mfcc_fbank_f0" and given["train"]["mfcc_offset"]:
        yield (
            "motion_audio.train.mfcc_offset",
            f"is {given['train']['mfcc_offset']}: it is of MFCC; with sound: mfcc_fbank_f0 it must "
            f"be 0 ({name})",
        )


def _evp_mistakes(
    config: Mapping[str, Any], name: str, model: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """What can't be of a landmark model for its disentangler."""
    key, wanted = f"landmarks.models.{name}", model.get("disentangler")
    if (model["architecture"] == "evp") != (wanted is not None):
        yield f"{key}.disentangler", "goes with architecture: evp, and that with it"
    elif wanted is None:
        return
    elif wanted not in config["disentangler"]["models"]:
        known = ", ".join(config["disentangler"]["models"])
        yield f"{key}.disentangler", f"there is no model {wanted!r} (known: {known})"
    else:
        given = model_options(config, "disentangler", wanted)["model"]
        widths = {"conv_width": "conv_width", "audio_width": "content_width",
                  "emotion_width": "emotion_width"}  # fmt: skip
        for own, other in widths.items():
            if model.get(own) != given[other]:
                yield (
                    f"{key}.{own}",
                    f"is {model.get(own)}, and {other} of the disentangler {wanted} is "
                    f"{given[other]}: its encoders go on from there",
                )
        try:
            SentenceNumbers(**config["disentangler"]["pairs"])
        except ValueError as error:
            yield "disentangler.pairs", str(error)
        if model.get("c0"):
            yield f"{key}.c0", "is true, and a disentangler doesn't hear the loudness"
        if config["data"]["source"] == "footage":
            yield (
                f"{key}.architecture",
                "is evp, which needs sentences that are said in several emotions, and "
                "data.source: footage has no sentence numbers",
            )
