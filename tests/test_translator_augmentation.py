"""Frames as other faces: picture and points alike, both frames alike, and seeded."""

import numpy as np
import pytest
from test_translator_data import FakeClip

from emohead.features.faces import _TEMPLATE
from emohead.translator.augmentation import MIRRORED, as_another_face, mirror
from emohead.translator.data import RandomPairs, TranslatorSamples

SIZE = 96
NAMES = ["W901-front-angry-3-001", "W901-front-sad-3-002", "W902-front-sad-3-002"]
LENGTHS = dict.fromkeys(NAMES, 40)


def dotted(points: np.ndarray) -> np.ndarray:
    """A picture with a soft bright dot at each point."""
    y, x = np.mgrid[:SIZE, :SIZE]
    dots = [np.exp(-((x - a) ** 2 + (y - b) ** 2) / 8) for a, b in points]
    return np.repeat(np.rint(255 * np.max(dots, 0))[..., None], 3, 2).astype(np.uint8)


def centre_near(picture: np.ndarray, point: np.ndarray) -> np.ndarray:
    """The centre of what is bright within six pixels of a point."""
    y, x = np.mgrid[:SIZE, :SIZE]
    near = (np.hypot(x - point[0], y - point[1]) < 6) * (picture.mean(-1) - picture.mean(-1).min())
    return np.array([(near * x).sum(), (near * y).sum()]) / near.sum()


def test_the_mirrors_table():
    """A symmetric face is its own mirror image; the mouth's points by what they are called."""
    face = np.zeros((68, 2))
    face[:47] = _TEMPLATE * 20 + 50
    names = {48: 54, 49: 53, 50: 52, 51: 51, 59: 55, 58: 56, 57: 57, 60: 64, 61: 63, 62: 62,
             67: 65, 66: 66, 47: 40, 46: 41}  # fmt: skip
    np.testing.assert_allclose(mirror(face, 101)[:40], face[:40], atol=1e-9)
    np.testing.assert_array_equal(MIRRORED[MIRRORED], np.arange(68))
    for point, other in names.items():
        assert MIRRORED[point] == other


@pytest.mark.parametrize("seed", range(6))
def test_points_go_where_the_picture_goes(seed):
    spread = np.array([(30, 30), (60, 32), (45, 48), (32, 66), (62, 64)], float)
    points = np.zeros((68, 2))
    points[:5] = spread
    points[5:] = spread[2]
    frames, (moved,) = as_another_face([dotted(spread)], [points], np.random.default_rng(seed))
    back = MIRRORED if abs(moved[0, 0] - moved[16, 0]) < 1e-6 else np.arange(68)
    for place in moved[np.isin(back, np.arange(5))]:
        assert np.abs(centre_near(frames[0], place) - place).max() < 1
    assert frames[0].shape == (SIZE, SIZE, 3) and frames[0].dtype == np.uint8


def test_both_frames_change_alike_and_every_seed_otherwise():
    random = np.random.default_rng(0)
    frame = random.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    points = random.uniform(20, 70, (68, 2))
    seen = set()
    for seed in range(8):
        (one, other), (its, others) = as_another_face(
            [frame, frame], [points, points], np.random.default_rng(seed)
        )
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(its, others)
        assert np.abs(its - points).max() > 0.2
        seen.add(one.tobytes())
    assert len(seen) == 8


def test_half_of_the_references_are_of_the_speakers_other_clips():
    plain = list(RandomPairs(LENGTHS, seed=3))
    sampler = RandomPairs(LENGTHS, seed=3, augment=True)
    pairs = list(sampler)
    assert {(p.clip_id, p.target) for p in pairs} == {(p.clip_id, p.target) for p in plain}
    others = [pair for pair in pairs if pair.reference_clip is not None]
    assert all(p.reference_clip != p.clip_id for p in others)
    assert all(p.reference_clip.startswith("W901") and p.clip_id.startswith("W901") for p in others)
    assert 25 < len(others) < 55  # of the 80 whose speaker has another clip
    faces = {pair.face for pair in pairs if pair.face is not None}
    assert len(faces) == sum(pair.face is not None for pair in pairs)
    assert 35 < len(faces) < 85  # of 120: the others are as they were filmed
    assert list(sampler) == pairs
    sampler.set_epoch(1)
    assert faces.isdisjoint(pair.face for pair in sampler)


def test_a_sample_of_another_clip_as_another_face():
    clips = {name: FakeClip(20) for name in NAMES[:2]}
    samples = TranslatorSamples(clips, points=True)
    pair = next(p for p in RandomPairs(dict.fromkeys(clips, 20), seed=0, augment=True)
                if p.reference_clip and p.face is not None)  # fmt: skip
    inputs, frame, points = samples[pair]
    again = samples[pair]
    assert all(bool((a == b).all()) for a, b in zip((inputs, frame, points), again, strict=True))
    plain = samples[pair._replace(face=None)]
    assert not bool((plain[2] == points).all())
    np.testing.assert_array_equal(plain[2][0], clips[pair.clip_id].landmarks[pair.target])
    np.testing.assert_array_equal(plain[2][1], clips[pair.reference_clip].landmarks[pair.reference])
    assert (plain[0][3:] == 10 * pair.reference).all()
    # A grey picture is grey afterwards, but for its colour temperature: one value a colour.
    assert all(len(channel.unique()) == 1 for channel in (*frame, *inputs[3:]))
