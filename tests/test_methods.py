import numpy as np
import pandas as pd
import pytest

from emohead.clip_tables import CLIP_COLUMNS
from emohead.encoding import write_audio, write_video
from emohead.media import read_audio, read_video
from emohead.methods import Method, predict_clip, read_method, sound_of, synthesize_clips
from emohead.store import Shard, ShardWriter, open_clips


@pytest.fixture
def clip(tmp_path):
    draw = np.random.default_rng(0)
    with ShardWriter(tmp_path / "s.h5", codec="png") as writer:
        writer.add(
            "W901-front-sad-3-001",
            landmarks=draw.uniform(20, 100, (5, 68, 2)),
            frames=draw.integers(0, 255, (5, 64, 64, 3), np.uint8),
            mfcc=draw.normal(0, 1, (5, 28, 12)),
        )
    return Shard(tmp_path / "s.h5")["W901-front-sad-3-001"]


def test_truth_gives_the_clip_itself(clip):
    landmarks, frames = predict_clip(read_method("ground_truth", "truth", "truth"), clip)
    np.testing.assert_array_equal(landmarks, clip.landmarks)
    np.testing.assert_array_equal(frames, clip.frames())


def test_reference_repeats_the_first_frame(clip):
    landmarks, frames = predict_clip(read_method("copy", "reference", "reference"), clip)
    assert (landmarks == clip.landmarks[0]).all()
    assert (frames == clip.frame(0)).all()
    assert len(landmarks) == len(frames) == 5


def test_parts_can_be_mixed(clip):
    landmarks, frames = predict_clip(Method("mixed", "truth", "reference"), clip)
    np.testing.assert_array_equal(landmarks, clip.landmarks)
    assert (frames == clip.frame(0)).all()


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
