"""A split inside the clips, from the table to trained models: nobody sees a frame too many."""

import numpy as np
import pandas as pd
import pytest
from method_factory import ON_CPU

from emohead.data.split import clips_of_part, split_clips
from emohead.features.store import ShardWriter, StoredClip, open_clips
from emohead.landmarks.data import LandmarkClips, fit_training_statistics
from emohead.landmarks.fit import train_landmark_model
from emohead.landmarks.load import restore_landmark_model
from emohead.landmarks.options import LandmarkModelOptions
from emohead.methods.method import Method, render_clip
from emohead.training.options import Recipe, Runtime
from emohead.translator.data import training_loader
from emohead.translator.fit import train_translator
from emohead.translator.load import restore_translator
from emohead.translator.losses import TranslatorLossOptions
from emohead.translator.unet import TranslatorOptions

FRAMES = 120
TRAINED_ON, TESTED_ON = range(0, 83), range(96, 120)  # a fifth, and 13 frames before it


@pytest.fixture
def parts(tmp_path):
    """`parts(clip ids, make)` writes clips of make(t) -> mfcc, landmarks, grey; opens both parts.

    Everything about frame t of 64 x 64 pixels: an MFCC window and landmarks, broadcast, and a grey.
    """

    def made(clip_ids: list[str], frame) -> dict[str, dict[str, StoredClip]]:
        mfcc, landmarks, grey = zip(*map(frame, range(FRAMES)), strict=True)
        with ShardWriter(tmp_path / "s.h5", codec="png") as writer:
            for clip_id in clip_ids:
                writer.add(
                    clip_id,
                    mfcc=np.stack([np.broadcast_to(m, (28, 12)) for m in mfcc]),
                    landmarks=np.stack([np.broadcast_to(p, (68, 2)) for p in landmarks]),
                    frames=[np.full((64, 64, 3), g, np.uint8) for g in grey],
                )
        clips = pd.DataFrame({"clip_id": clip_ids, "frames": FRAMES})
        split = tmp_path / "split.csv"
        split_clips(clips, unit="time", test_fraction=0.2, gap=0.5).to_csv(split, index=False)
        return {
            part: open_clips([tmp_path / "s.h5"], clips_of_part(split, part))
            for part in ("train", "test")
        }

    return made


@pytest.fixture
def numbered(parts):
    """Two clips in which everything about frame t is the number t."""
    return parts(["W901-front-angry-3-001", "W901-front-sad-3-001"], lambda t: (t, t, t))


def test_landmark_models_see_the_training_frames_alone(numbered):
    for reference in ("random", "first"):
        data = LandmarkClips(numbered["train"], 64, seed=0, reference=reference)
        assert len(data) == 2
        for epoch in range(20):
            data.set_epoch(epoch)
            for sample in (data[0], data[1]):
                assert (sample.landmarks[:, 0, 0] * 64).tolist() == list(TRAINED_ON)
                assert sample.mfcc[:, 0, 0].tolist() == list(TRAINED_ON)
                assert sample.reference[0, 0] * 64 in TRAINED_ON
    basis, statistics = fit_training_statistics(
        numbered["train"], 64, LandmarkModelOptions(components=1)
    )
    assert basis.mean * 64 == pytest.approx(np.full(136, np.mean(TRAINED_ON)))
    assert statistics.mean == pytest.approx(np.full(12, np.mean(TRAINED_ON)))


def test_translators_see_the_training_frames_alone(numbered):
    seen = set()
    loader = training_loader(numbered["train"], batch_size=2, seed=0)
    for inputs, frames in loader:
        for grey in (inputs[:, 3:], frames):
            seen |= set(grey.unique().tolist())
    assert seen == set(TRAINED_ON)


def test_methods_are_tested_on_the_end_with_its_own_first_frame_as_reference(numbered):
    for clip in numbered["test"].values():
        made = render_clip(Method("ground_truth", "truth", "truth", ON_CPU), clip, clip)
        assert made.landmarks[:, 0, 0].tolist() == list(TESTED_ON)
        assert [frame[0, 0, 0] for frame in made.frames] == list(TESTED_ON)
        made = render_clip(Method("copy", "reference", "reference", ON_CPU), clip, clip)
        frames = np.stack(list(made.frames))
        assert set(made.landmarks.ravel()) == set(frames.ravel()) == {96}
        assert len(made.landmarks) == len(frames) == 24


@pytest.mark.parametrize("architecture", ["at_net", "audio2lm"])
def test_one_clip_is_enough_to_train_on_and_to_test(parts, tmp_path, architecture):
    """One speaker, one emotion, nothing to validate on."""
    draw = np.random.default_rng(0)
    opened = parts(
        ["W901-front-happy-3-001"],
        lambda t: (draw.normal(0, 1, (28, 12)), draw.uniform(10, 50, (68, 2)), t),
    )
    train = (
        Recipe(epochs=1, batch_size=4, validation=0.06, frames_per_clip=8),
        Runtime(device="cpu"),
    )
    emotion = "msef" if architecture == "audio2lm" else "none"
    options = LandmarkModelOptions(
        architecture=architecture, emotion=emotion, components=8, conv_width=1, hidden_width=8,
        emotion_width=8, reference_width=8, audio_width=8, lstm_width=8, lstm_layers=1,
    )  # fmt: skip
    landmarks = train_landmark_model(
        opened["train"], options, *train, seed=0, state=tmp_path / "landmarks"
    )
    translator = train_translator(
        opened["train"], TranslatorOptions(widths=(8,) * 6, residual_blocks=0),
        TranslatorLossOptions(vgg_width=1 / 16), *train, seed=0, state=tmp_path / "translator",
    )  # fmt: skip
    for history in (landmarks.history, translator.history):
        assert len(history) == 1
        assert np.isfinite(history["loss"]).all()
        assert not [name for name in history if name.startswith("val_")]
    method = Method(
        "ours", restore_landmark_model(landmarks), restore_translator(translator), ON_CPU
    )
    clip = opened["test"]["W901-front-happy-3-001"]
    made = render_clip(method, clip, clip)
    assert made.landmarks.shape == (24, 68, 2)
    assert np.stack(list(made.frames)).shape == (24, 64, 64, 3)
    assert np.isfinite(made.landmarks).all()
