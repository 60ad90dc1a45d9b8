import numpy as np
import pytest

from emohead.methods import Method, predict_clip, read_method
from emohead.store import Shard, ShardWriter


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


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.pt"):
        read_method("ours", str(tmp_path / "nothing.pt"), "truth")
