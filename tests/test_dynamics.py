"""THEval's metrics that need no weights, and the head's motion, against the formulas."""

import itertools
import math
import statistics

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from emohead.evaluation import dynamics
from emohead.evaluation.catalogue import METRICS
from emohead.features.average_head import HEAD, RIGID
from emohead.media.librosa import librosa
from emohead.media.loudness import speech_frames

DRAW = np.random.default_rng(0)
FRAMES = 40
#: A face of 256 px that hardly holds still.
FACE = DRAW.uniform(60, 200, (68, 2)) + DRAW.normal(0, 1, (FRAMES, 68, 2))


def distance(one, other):
    return math.hypot(one[0] - other[0], one[1] - other[1])


def middle(points):
    return [statistics.fmean(axis) for axis in zip(*points, strict=True)]


def voice(*parts, rate=16_000):
    """Noise of these (seconds, amplitude)."""
    return np.concatenate([DRAW.normal(0, a, round(s * rate)) for s, a in parts]).astype(np.float32)


def test_lip_dynamics_is_the_mean_deviation_of_all_distances():
    deviations = [
        statistics.pstdev(distance(face[i], face[j]) for face in FACE)
        for i, j in itertools.combinations(range(48, 68), 2)
    ]
    assert dynamics.lip_dynamics(FACE) == pytest.approx(statistics.fmean(deviations))


def test_brow_dynamics_is_the_mean_step_of_both_sides():
    steps = []
    for brow, eye in ((range(17, 22), range(36, 42)), (range(22, 27), range(42, 48))):
        heights = [
            distance(middle(face[list(brow)]), middle(face[list(eye)]))
            / distance(middle(face[36:42]), middle(face[42:48]))
            for face in FACE
        ]
        steps += [abs(b - a) for a, b in itertools.pairwise(heights)]
    assert dynamics.brow_dynamics(FACE) == pytest.approx(statistics.fmean(steps))


def test_the_heads_angles_are_those_that_it_was_turned_by():
    """The average head itself, seen from far away, in a picture whose y goes down."""
    angles = np.stack([20 * np.sin(np.linspace(k, 5 + k, FRAMES)) for k in range(3)], axis=1)
    turned = Rotation.from_euler("zyx", angles, degrees=True)
    landmarks = np.zeros((FRAMES, 68, 2))
    for t, rotation in enumerate(turned):
        seen = rotation.apply(HEAD)[:, :2] * [9, -9] + [t, 100]
        landmarks[t, list(RIGID)] = seen
    np.testing.assert_allclose(dynamics.head_angles(landmarks), angles, atol=1e-6)
    landmarks[3] = np.nan
    assert np.isnan(dynamics.head_angles(landmarks)).any(axis=1).nonzero()[0].tolist() == [3]


def test_head_dynamics_is_thevals_formula():
    angles = DRAW.normal(0, 3, (FRAMES, 3))
    spread = statistics.fmean(statistics.pstdev(axis) for axis in angles.T)
    steps = statistics.fmean(
        statistics.pvariance([b - a for a, b in itertools.pairwise(axis)]) for axis in angles.T
    )
    places = np.array([middle(face) for face in FACE]).T
    place = statistics.fmean(statistics.pvariance(axis) for axis in places)
    expected = math.sqrt(spread * steps + place)
    assert dynamics.head_dynamics(angles, FACE) == pytest.approx(expected)


def test_lips_in_silence():
    """Their median deviation from the mean, of the frames where nobody speaks."""
    speech = np.arange(FRAMES) < 30
    silent = [
        statistics.fmean(abs(face[a][1] - face[b][1]) for a, b in ((61, 67), (62, 66), (63, 65)))
        / distance(face[36], face[45])
        for face in FACE[30:]
    ]
    mean = statistics.fmean(silent)
    expected = statistics.median(abs(value - mean) for value in silent)
    assert dynamics.silent_lips(dynamics.lip_openings(FACE), speech) == pytest.approx(expected)
    assert math.isnan(dynamics.silent_lips(dynamics.lip_openings(FACE), np.ones(FRAMES, bool)))


def test_lips_and_loudness():
    """THEval's windows of loudness are librosa's."""
    samples = voice((0.5, 0.02), (0.6, 0.3), (0.5, 0.1))
    opening, speech = dynamics.lip_openings(FACE), np.arange(FRAMES) % 3 > 0
    rms = librosa.feature.rms(y=samples, frame_length=800, hop_length=800)[0]
    loud = np.interp(np.arange(FRAMES) / 25, np.arange(len(rms)) * 0.05, rms)[speech]
    wide = opening[speech]
    one, other = ((x - x.min()) / (x.max() - x.min()) for x in (wide, loud))
    expected = np.abs(one - other).mean()
    value = dynamics.lip_loudness(opening, speech, samples)
    assert value == pytest.approx(expected, rel=1e-4)
    assert math.isnan(dynamics.lip_loudness(opening, np.zeros(FRAMES, bool), samples))


def test_silence_is_soft_and_long():
    """A pause of .2 s belongs to the speech; .4 s in a room's noise don't."""
    samples = voice((0.4, 1e-3), (0.8, 0.2), (0.2, 1e-3), (0.6, 0.2), (0.4, 1e-3))
    expected = np.ones(60, bool)
    expected[:10] = expected[50:] = False
    np.testing.assert_array_equal(speech_frames(samples, 60), expected)


def test_a_head_that_turns_half_as_much_has_half_the_motion():
    angles = np.stack(
        [10 * np.sin(np.linspace(0, 6, FRAMES)), np.zeros(FRAMES), np.zeros(FRAMES)], 1
    )

    def seen(factor):
        landmarks = np.zeros((FRAMES, 68, 2))
        turned = Rotation.from_euler("zyx", factor * angles, degrees=True)
        for t, rotation in enumerate(turned):
            landmarks[t, list(RIGID)] = rotation.apply(HEAD)[:, :2] * [0.03, -0.03]
        return landmarks + DRAW.normal(0, 1e-9, (FRAMES, 68, 2))

    values = dynamics.dynamics_values(seen(0.5), seen(1), voice((FRAMES / 25, 0.1)))
    assert values["head_motion", "ratio"] == pytest.approx(0.5, rel=0.01)
    assert values["head_motion", "diversity"] == pytest.approx(
        5 * angles[:, 0].std() / 30, rel=0.01
    )


def test_the_catalogue_has_them_all():
    values = dynamics.dynamics_values(FACE / 256, FACE / 256, voice((FRAMES / 25, 0.1)))
    known = {
        (m.name, m.convention) for m in METRICS if m.convention in ("theval", "ratio", "diversity")
    }
    assert set(values) == known
    assert values["head_motion", "ratio"] == 1
