"""Landmark metrics against loops and hand-computed numbers."""

import math

import numpy as np
import pytest

from emohead.evaluation import landmark_metrics as metrics


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(64, 20, (5, 68, 2))


def centred_by_loops(faces):
    result = []
    for face in faces:
        centre = [sum(p[k] for p in face) / len(face) for k in (0, 1)]
        result.append([(p[0] - centre[0], p[1] - centre[1]) for p in face])
    return result


def mean_distance_by_loops(ours, truth):
    distances = [
        math.hypot(p[0] - q[0], p[1] - q[1])
        for a, b in zip(ours, truth, strict=True)
        for p, q in zip(a, b, strict=True)
    ]
    return sum(distances) / len(distances)


@pytest.mark.parametrize("part", ["f", "m", "jaw"])
def test_distance_by_loops(points, part):
    other = points + np.random.default_rng(2).normal(0, 2, points.shape)
    chosen = {"f": range(68), "m": range(48, 68), "jaw": range(17)}[part]
    a, b = ([[face[k] for k in chosen] for face in each.tolist()] for each in (points, other))
    cut = metrics.PARTS[part]
    raw = metrics.landmark_distance(points[:, cut], other[:, cut], centred=False)
    assert raw == pytest.approx(mean_distance_by_loops(a, b))
    centred = metrics.landmark_distance(points[:, cut], other[:, cut], centred=True)
    expected = mean_distance_by_loops(centred_by_loops(a), centred_by_loops(b))
    assert centred == pytest.approx(expected)


def test_a_shift_counts_raw_and_is_forgiven_centred(points):
    moved = points + np.array([3, -4])
    assert metrics.landmark_distance(moved, points, centred=False) == pytest.approx(5)
    assert metrics.landmark_distance(moved, points, centred=True) == pytest.approx(0, abs=1e-9)
    assert metrics.velocity_distance(moved, points, centred=False) == pytest.approx(0, abs=1e-9)


def test_a_moved_mouth_by_hand(points):
    moved = points.copy()
    moved[:, 48:68] += [0, 5]
    # The face's centroid goes with it by 20/68 of the way.
    expected = (20 * 5 * (1 - 20 / 68) + 48 * 5 * 20 / 68) / 68
    assert metrics.landmark_distance(moved, points, centred=True) == pytest.approx(expected)


def test_velocity_by_hand():
    truth = np.zeros((4, 68, 2))
    ours = truth.copy()
    # All points 0, 3, 3, 0 px to the right: steps of 3, 0 and 3 px where the truth has none.
    ours[:, :, 0] = np.array([0, 3, 3, 0])[:, None]
    assert metrics.velocity_distance(ours, truth, centred=False) == pytest.approx(2)
    assert metrics.velocity_distance(ours, truth, centred=True) == pytest.approx(0)
    # One of two points steps by 4: the centroid by 2, so that each steps by 2 about it.
    ours = np.zeros((2, 2, 2))
    ours[1, 0, 1] = 4
    assert metrics.velocity_distance(ours, np.zeros((2, 2, 2)), centred=True) == pytest.approx(2)
    assert math.isnan(metrics.velocity_distance(ours[:1], ours[:1], centred=True))


def test_summed_distance_is_the_mean_times_twenty(points):
    other = points + np.random.default_rng(2).normal(0, 2, points.shape)
    mean = metrics.landmark_distance(points[:, 48:68], other[:, 48:68], centred=True)
    assert metrics.summed_mouth_distance(points, other) == pytest.approx(20 * mean)


def test_summed_distance_by_hand():
    truth = np.zeros((2, 68, 2))
    ours = truth.copy()
    ours[0, 48, 0] = 20  # its centroid goes 1 px along: 19 px here and 1 px at 19 points
    assert metrics.summed_mouth_distance(ours, truth) == pytest.approx((19 + 19) / 2)


def talking(opening):
    """Faces whose inner lips are open by `opening` [T]."""
    faces = np.repeat(np.random.default_rng(1).normal(64, 20, (1, 68, 2)), len(opening), axis=0)
    faces[:, [61, 62, 63], 1] = 60
    faces[:, [67, 66, 65], 1] = 60 + np.asarray(opening, float)[:, None]
    return faces


def test_lip_correlation():
    opening = np.array([0, 3, 1, 4, 2.0])
    moving, mirrored, still = talking(opening), talking(-2 * opening), talking(np.ones(5))
    assert metrics.lip_correlation(moving, moving) == pytest.approx(1)
    assert metrics.lip_correlation(mirrored, moving) == pytest.approx(-1)
    assert math.isnan(metrics.lip_correlation(still, moving))
    assert math.isnan(metrics.lip_correlation(np.full_like(moving, np.nan), moving))
    other = np.array([1, 2, 2, 5, 0.0])
    a, b = opening - opening.mean(), other - other.mean()
    expected = (a @ b) / math.sqrt((a @ a) * (b @ b))
    assert metrics.lip_correlation(talking(other), moving) == pytest.approx(expected)


@pytest.mark.parametrize("delay", [-5, -2, 0, 1, 4])
def test_lag_of_a_delayed_mouth(delay):
    curve = np.random.default_rng(5).normal(0, 1, 60)
    truth, ours = curve[10:50], curve[10 - delay : 50 - delay]
    assert metrics.lip_lag(talking(ours), talking(truth)) == delay


def test_no_lag_without_motion_or_in_too_short_a_clip():
    curve = np.random.default_rng(5).normal(0, 1, 19)
    assert math.isnan(metrics.lip_lag(talking(curve), talking(curve)))
    assert math.isnan(metrics.lip_lag(talking(np.ones(40)), talking(np.arange(40))))
