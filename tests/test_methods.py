import json

import numpy as np
import pandas as pd
import pytest
import torch

from emohead.data.clip_tables import CLIP_COLUMNS
from emohead.features.store import ShardWriter, open_clips
from emohead.landmarks.basis import fit_basis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.model import MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions, LossWeights
from emohead.landmarks.predict import predict_landmarks
from emohead.media.reading import read_audio, read_video
from emohead.media.writing import write_audio, write_video
from emohead.methods import method as methods
from emohead.methods.method import Method, predict_clip, read_method, synthesize_clips
from emohead.methods.rendered import sound_of

SAD, NEUTRAL = "W901-front-sad-3-001", "W901-front-neutral-1-002"


@pytest.fixture
def clips(tmp_path):
    """A sad clip and a neutral one, 5 frames each; nothing in them is the same."""
    draw = np.random.default_rng(0)
    with ShardWriter(tmp_path / "s.h5", codec="png") as writer:
        for clip_id in (SAD, NEUTRAL):
            writer.add(
                clip_id,
                landmarks=draw.uniform(20, 100, (5, 68, 2)),
                frames=draw.integers(0, 255, (5, 64, 64, 3), np.uint8),
                mfcc=draw.normal(0, 1, (5, 28, 12)),
            )
    return open_clips([tmp_path / "s.h5"])


@pytest.fixture
def clip(clips):
    return clips[SAD]


@pytest.fixture
def take(tmp_path):
    """clips.csv of the two clips, whose sound and picture are one file."""
    write_video(
        tmp_path / "take.mp4", np.zeros((5, 64, 64, 3), np.uint8), audio=np.zeros(3200, np.float32)
    )
    paths = (tmp_path / "take.mp4", tmp_path / "take.mp4")
    rows = [(SAD, "W901", "front", "sad", 3, 1, *paths)]
    rows.append((NEUTRAL, "W901", "front", "neutral", 1, 2, *paths))
    table = tmp_path / "clips.csv"
    pd.DataFrame(rows, columns=list(CLIP_COLUMNS)).to_csv(table, index=False)
    return table


def landmark_model(**options):
    """Untrained, so that it predicts the reference landmarks as they are."""
    draw = np.random.default_rng(1)
    faces = draw.uniform(0.2, 0.8, (50, 68, 2)).astype(np.float32)
    statistics = MfccStatistics(np.zeros(12, np.float32), np.ones(12, np.float32))
    torch.manual_seed(0)
    chosen = LandmarkModelOptions(
        components=4, audio_width=8, emotion_width=8, memory_slots=4, reference_width=8,
        hidden_width=8, lstm_width=8, lstm_layers=1, **options,
    )  # fmt: skip
    return build_landmark_model(chosen, fit_basis(faces, 4), statistics)


def synthesize(method, clips, take, tmp_path, reference):
    synthesize_clips(
        method, clips, reference=reference, clip_table=take, shard=tmp_path / "made.h5",
        videos=tmp_path / "videos", threads=1,
    )  # fmt: skip
    return open_clips([tmp_path / "made.h5"])


def test_truth_gives_the_clip_itself(clips):
    method = read_method("ground_truth", "truth", "truth")
    made = predict_clip(method, clips[SAD], clips[NEUTRAL])
    np.testing.assert_array_equal(made.landmarks, clips[SAD].landmarks)
    np.testing.assert_array_equal(made.frames, clips[SAD].frames())
    assert made.emotion_probabilities is None


@pytest.mark.parametrize("reference", [SAD, NEUTRAL])
def test_reference_repeats_the_first_frame_of_the_reference_clip(clips, reference):
    method = read_method("copy", "reference", "reference")
    made = predict_clip(method, clips[SAD], clips[reference])
    assert (made.landmarks == clips[reference].landmarks[0]).all()
    assert (made.frames == clips[reference].frame(0)).all()
    assert len(made.landmarks) == len(made.frames) == 5


def test_parts_can_be_mixed(clip):
    made = predict_clip(Method("mixed", "truth", "reference"), clip, clip)
    np.testing.assert_array_equal(made.landmarks, clip.landmarks)
    assert (made.frames == clip.frame(0)).all()


@pytest.mark.parametrize(
    ("reference", "chosen"), [("same_emotion", SAD), ("neutral", NEUTRAL)]
)  # fmt: skip
def test_both_models_are_given_the_protocols_reference_face(
    clips, take, tmp_path, monkeypatch, reference, chosen
):
    faces = []

    def translate(model, landmarks, reference_face):
        faces.append(reference_face)
        return np.repeat(reference_face[None], len(landmarks), axis=0)

    monkeypatch.setattr(methods, "translate", translate)
    method = Method("ours", landmark_model(), "a translator")
    made = synthesize(method, clips, take, tmp_path, reference)[SAD]
    np.testing.assert_allclose(
        made.landmarks, np.repeat(clips[chosen].landmarks[:1], 5, axis=0), atol=1e-4
    )
    np.testing.assert_array_equal(faces[list(clips).index(SAD)], clips[chosen].frame(0))
    assert made.attributes["reference_clip"] == chosen


@pytest.mark.parametrize("emotion", ["binary", "softmax"])
def test_the_classifiers_belief_goes_with_the_clip(clips, take, tmp_path, emotion):
    model = landmark_model(loss=LossWeights(emotion=emotion))
    made = synthesize(Method("ours", model, "reference"), clips, take, tmp_path, "same_emotion")
    for clip_id, clip in clips.items():
        told = json.loads(made[clip_id].attributes["emotion_probabilities"])
        _, expected = predict_landmarks(model, clip.mfcc, clip.landmarks[0], 64)
        assert len(told) == 8
        assert told == pytest.approx(expected.tolist(), abs=1e-6)
        assert all(value == round(value, 6) for value in told)


def test_without_a_classifier_there_is_no_belief(clips, take, tmp_path):
    method = Method("ours", landmark_model(classifier=False), "reference")
    made = synthesize(method, clips, take, tmp_path, "same_emotion")
    assert set(made[SAD].attributes) == {"reference_clip"}


def test_a_speaker_without_neutral_clips_stops_before_anything_is_rendered(clips, take, tmp_path):
    with pytest.raises(ValueError, match="speaker W901 has no neutral test clip"):
        synthesize(Method("copy", "reference", "reference"), {SAD: clips[SAD]}, take, tmp_path,
                   "neutral")  # fmt: skip
    assert not (tmp_path / "made.h5").exists()


def test_sound_is_that_of_the_frames(clip):
    samples = np.arange(5 * 640, dtype=np.float32)
    cut = clip.cut(range(2, 4))
    np.testing.assert_array_equal(sound_of(clip, samples), samples)
    np.testing.assert_array_equal(sound_of(cut, samples), samples[1280:2560])
    np.testing.assert_array_equal(
        sound_of(cut, samples[:1300]), np.append(samples[1280:1300], np.zeros(1260))
    )
    assert not sound_of(cut, samples[:900]).any()
    assert len(sound_of(cut, samples[:900])) == 1280


def test_a_rendered_part_has_its_own_piece_of_the_sound(tmp_path):
    """The sound goes from 300 to 1200 Hz at 1.2 s; the test part starts at 1 s, with frame 25."""
    clip_id = "W901-front-sad-3-001"
    seconds = np.arange(2 * 16_000) / 16_000
    pitch = np.where(seconds < 1.2, 300, 1200)
    sound = 0.5 * np.sin(2 * np.pi * np.cumsum(pitch) / 16_000)
    write_audio(tmp_path / "001.m4a", sound.astype(np.float32), 16_000)
    greys = np.arange(50, dtype=np.uint8)[:, None, None, None] * 5
    write_video(tmp_path / "001.mp4", np.broadcast_to(greys, (50, 64, 64, 3)))
    take = (clip_id, "W901", "front", "sad", 3, 1, tmp_path / "001.mp4", tmp_path / "001.m4a")
    table = pd.DataFrame([take], columns=list(CLIP_COLUMNS))
    table.to_csv(tmp_path / "clips.csv", index=False)
    with ShardWriter(tmp_path / "s.h5", codec="png") as writer:
        writer.add(
            clip_id,
            landmarks=np.zeros((50, 68, 2)),
            frames=np.broadcast_to(greys, (50, 64, 64, 3)),
            mfcc=np.zeros((50, 28, 12)),
        )
    synthesize_clips(
        Method("ground_truth", "truth", "truth"),
        open_clips([tmp_path / "s.h5"], {clip_id: range(25, 50)}),
        reference="same_emotion",
        clip_table=tmp_path / "clips.csv",
        shard=tmp_path / "made.h5",
        videos=tmp_path / "videos",
        threads=1,
    )
    video = tmp_path / "videos" / f"{clip_id}.mp4"
    shown = read_video(video).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(shown, greys[25:].ravel(), atol=3)
    heard = read_audio(video)
    assert len(heard) == pytest.approx(16_000, abs=1024)  # whole blocks of AAC
    spectra = np.abs(np.fft.rfft(heard[: 98 * 160].reshape(-1, 160)))  # bins of 100 Hz
    pitches = spectra.argmax(axis=1) * 100
    change = int(np.flatnonzero(pitches == 1200)[0])
    assert change / 100 == pytest.approx(0.2, abs=0.02)
    assert set(pitches[1 : change - 1]) == {300}
    assert set(pitches[change + 1 : -1]) == {1200}
    assert open_clips([tmp_path / "made.h5"])[clip_id].span == range(25)


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.pt"):
        read_method("ours", str(tmp_path / "nothing.pt"), "truth")
