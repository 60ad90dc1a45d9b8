"""Every alternative that the config offers is built, trained, saved and loaded again."""

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from choices import alternatives
from presets import ROOT
from snakemake.utils import update_config

from emohead.config import NOT_STATED, given_to, model_options
from emohead.config_checks import model_mistakes
from emohead.landmarks.fit import train_landmark_model
from emohead.landmarks.load import restore_landmark_model
from emohead.landmarks.options import LandmarkModelOptions, LossWeights
from emohead.landmarks.predict import predict_landmarks
from emohead.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from emohead.training.options import Recipe, Runtime
from emohead.translator.fit import train_translator
from emohead.translator.load import restore_translator
from emohead.translator.losses import TranslatorLossOptions
from emohead.translator.render import translate
from emohead.translator.unet import TranslatorOptions, build_translator

SIZE = 32
TRAIN = Recipe(epochs=1, batch_size=4), Runtime(device="cpu")

LANDMARKS = LandmarkModelOptions(
    components=4, audio_width=8, emotion_width=8, memory_slots=4, reference_width=8,
    hidden_width=8, conv_width=2, lstm_width=8, lstm_layers=1,
)  # fmt: skip
LANDMARK_ALTERNATIVES = {
    "default": {},
    **alternatives(LandmarkModelOptions),
    **{f"loss.{name}": {"loss": loss} for name, loss in alternatives(LossWeights).items()},
    "architecture: evp": {"architecture": "evp", "emotion": "none", "loss": {"beta": 0}},
    "loss.unit: 100": {"loss": {"unit": 100}},
    "components: 1": {"components": 1},
    "lstm_layers, dropout": {"lstm_layers": 2, "dropout": 0.5},
    "at_net, absolute": {"architecture": "at_net", "target": "absolute"},
    "at_net as in ATVG": {
        "architecture": "at_net",
        "target": "absolute",
        "reference_input": "components",
    },
    "at_net, c0": {"architecture": "at_net", "c0": True},
}

TRANSLATOR = {"widths": [4, 4, 4, 4, 4], "residual_blocks": 1}
TRANSLATOR_ALTERNATIVES = {
    "default": {},
    **alternatives(TranslatorOptions),
    "reduction: 1": {"reduction": 1},
    "residual_blocks: 0": {"residual_blocks": 0},
    "warp, attention: none": {"warp": True, "attention": "none"},
}


def small_landmark_options(changes: dict[str, Any]) -> LandmarkModelOptions:
    return LandmarkModelOptions(**{**asdict(LANDMARKS), **changes})


MISTAKES = {
    "widths": ("translator", {"widths": [4] * 4, "attention": "spatial"}),
    "loss": ("translator", {"loss": {"l1": 0, "perceptual": 0}}),
    "keep": ("translator", {"train": {"validation": 0, "keep": "best"}}),
    "patience": ("landmarks", {"train": {"validation": 0, "patience": 5}}),
    "devices": ("landmarks", {"train": {"batch_size": 8, "devices": 3}}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_training_refuses_is_found_in_the_config(mistake: str) -> None:
    stage, changes = MISTAKES[mistake]
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    for name in config[stage]["models"]:
        assert not list(model_mistakes(config, stage, name))
    config[stage]["models"]["mine"] = {**next(iter(config[stage]["models"].values())), **changes}
    ((key, problem),) = model_mistakes(config, stage, "mine")
    assert key.startswith(f"{stage}.") and problem.endswith(("(mine)", "multiple"))
    options = model_options(config, stage, "mine")
    with pytest.raises(ValueError, match=r"attention|both 0|validation|batch_size"):
        Recipe(**options["train"])
        TranslatorOptions(**options["model"])
        TranslatorLossOptions(**options["loss"])


@pytest.mark.parametrize("depth", [5, 6, 7, 8])
def test_a_net_that_is_too_deep_for_the_crop_is_found_in_the_config(depth: int) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["features"]["crop_size"] = 64
    config["translator"]["options"]["widths"] = [4] * depth
    found = [key for key, _ in model_mistakes(config, "translator", "unet")]
    assert found == ["translator.options.widths"] * (depth > 6)
    options = TranslatorOptions(**model_options(config, "translator", "unet")["model"])
    with pytest.raises(ValueError, match="multiple of") if found else nullcontext():
        build_translator(options).eval()(torch.zeros(1, 6, 64, 64))


def test_what_a_method_is_given_follows_from_its_parts() -> None:
    ours = {"landmarks": "audio2lm_msef", "translator": "aatu"}
    given = {"frames": "upper_face", "pose": "truth", "emotion": "video", "speakers": "unseen"}
    assert given_to(ours) == "one, own, voice, seen"
    assert given_to({**ours, "landmarks": "truth"}) == "one, truth, video, seen"
    assert given_to({**ours, "target": "neutral_video"}) == "video, other, voice, seen"
    assert given_to({**ours, "emotion": "label"}) == "one, own, label, seen"
    assert given_to({**ours, "given": {"emotion": "label"}}) == "one, own, label, seen"
    assert given_to({"videos": "wav2lip", "given": given}) == "upper_face, truth, video, unseen"
    del given["pose"]
    assert given_to({"videos": "wav2lip", "given": given}) == NOT_STATED


EVP_MISTAKES = {
    "none": ({"architecture": "at_net"}, {}, "disentangler"),
    "unknown": ({"disentangler": "other"}, {}, "no model 'other' (known: evp_codes)"),
    "widths": ({"conv_width": 8}, {}, "is 8, and conv_width of the disentangler evp_codes is 4"),
    "c0": ({"c0": True}, {"features": {"c0": True}}, "loudness"),
    "footage": ({}, {"data": {"source": "footage"}}, "no sentence numbers"),
    "held_back": ({}, {"disentangler": {"pairs": {"held_back": [9]}}}, "held_back must have"),
}


@pytest.mark.parametrize("mistake", EVP_MISTAKES)
def test_what_evp_cant_be_made_of_is_found_in_the_config(mistake: str) -> None:
    changes, others, words = EVP_MISTAKES[mistake]
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / "config/comparators.yaml").read_text()))
    assert not list(model_mistakes(config, "landmarks", "evp"))
    config["landmarks"]["models"]["evp"] |= changes
    update_config(config, others)
    (text,) = (" ".join(each) for each in model_mistakes(config, "landmarks", "evp"))
    assert words in text


class Clip(SimpleNamespace):
    """What the trainings read of a stored clip: random landmarks, sound and frames."""

    crop_size = SIZE

    def __init__(self, frames: int) -> None:
        draw = np.random.default_rng(frames)
        super().__init__(
            length=frames,
            landmarks=draw.uniform(2, SIZE - 2, (frames, 68, 2)).astype(np.float32),
            mfcc=draw.normal(5, 3, (frames, 28, 13)).astype(np.float32),  # with c0
            images=draw.integers(0, 256, (frames, SIZE, SIZE, 3), dtype=np.uint8),
        )

    def frame(self, t: int) -> np.ndarray:
        return self.images[t]

    def frames(self) -> np.ndarray:
        return self.images


def clips() -> dict[str, Clip]:
    """Two steps of a landmark model and of a translator, of different lengths."""
    names = ("angry-1-001", "neutral-1-001", "sad-1-001", "sad-2-001", "happy-1-001")
    return {f"W901-front-{name}": Clip(frames) for frames, name in enumerate(names, start=2)}


def saved_and_loaded(checkpoint: Checkpoint, path: Path) -> Checkpoint:
    save_checkpoint(path, checkpoint)
    return load_checkpoint(path, checkpoint.kind)


@pytest.mark.parametrize("alternative", LANDMARK_ALTERNATIVES)
def test_landmark_models(alternative: str, tmp_path: Path) -> None:
    options = small_landmark_options(LANDMARK_ALTERNATIVES[alternative])
    checkpoint = train_landmark_model(clips(), options, *TRAIN, seed=0, state=tmp_path / "state")
    (row,) = checkpoint.history.to_dict("records")
    assert row["step"] == 2
    assert np.isfinite(row["loss"])
    assert ("L_ec" in row) == ("accuracy" in row) == options.has_emotion_logits

    model = restore_landmark_model(checkpoint)
    again = restore_landmark_model(saved_and_loaded(checkpoint, tmp_path / "model.pt"))
    assert again.options == options
    clip = Clip(6)
    landmarks, emotions = predict_landmarks(model, clip.mfcc, clip.landmarks[0], SIZE)
    same_landmarks, same_emotions = predict_landmarks(again, clip.mfcc, clip.landmarks[0], SIZE)
    np.testing.assert_array_equal(same_landmarks, landmarks)
    assert np.abs(landmarks - landmarks[0]).max() > 0  # two steps have moved it off the reference
    if options.has_emotion_logits:
        np.testing.assert_array_equal(same_emotions, emotions)
        sum_to_one = np.isclose(emotions.sum(), 1, atol=1e-5)
        assert sum_to_one == (options.loss.emotion == "softmax")
    else:
        assert emotions is None


@pytest.mark.parametrize("alternative", TRANSLATOR_ALTERNATIVES)
def test_translators(alternative: str, tmp_path: Path) -> None:
    options = TranslatorOptions(**{**TRANSLATOR, **TRANSLATOR_ALTERNATIVES[alternative]})
    checkpoint = train_translator(
        {name: clip for name, clip in clips().items() if clip.length in (2, 6)},
        options,
        TranslatorLossOptions(perceptual=0.1, vgg_width=0.02),
        *TRAIN,
        seed=0,
        state=tmp_path / "state",
    )
    (row,) = checkpoint.history.to_dict("records")
    assert row["step"] == 2
    assert np.isfinite(row["loss"])

    model = restore_translator(checkpoint)
    again = restore_translator(saved_and_loaded(checkpoint, tmp_path / "model.pt"))
    assert again.options == options
    clip = Clip(3)
    frames, same = (
        list(translate(m, clip.landmarks, clip.frame(0), clip.landmarks[0])) for m in (model, again)
    )
    np.testing.assert_array_equal(same, frames)
    assert len({frame.tobytes() for frame in frames}) == 3


def test_no_two_alternatives_are_the_same_model(tmp_path: Path) -> None:
    """A key that is read nowhere would give its default's landmarks."""
    clip = Clip(6)
    # Long enough that a loss's weight tells: Adam's first steps are the same for any.
    recipe, runtime = Recipe(epochs=2, batch_size=4, learning_rate=0.01), Runtime(device="cpu")
    seen = set()
    for changes in LANDMARK_ALTERNATIVES.values():
        options = small_landmark_options(changes)
        state = tmp_path / str(len(seen))
        checkpoint = train_landmark_model(clips(), options, recipe, runtime, seed=0, state=state)
        landmarks, _ = predict_landmarks(
            restore_landmark_model(checkpoint), clip.mfcc, clip.landmarks[0], SIZE
        )
        seen.add(landmarks.tobytes())
    assert len(seen) == len(LANDMARK_ALTERNATIVES)
