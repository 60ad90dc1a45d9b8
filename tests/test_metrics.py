import math

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from emohead.evaluation import metrics


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(64, 20, (5, 68, 2))


@pytest.fixture
def image():
    draw = np.random.default_rng(1)
    return np.kron(draw.integers(30, 220, (16, 16, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def test_landmark_distance_by_loops(points):
    other = points + np.random.default_rng(2).normal(0, 2, points.shape)
    total = []
    for a, b in zip(points.tolist(), other.tolist(), strict=True):
        centre = [[sum(p[k] for p in face) / 68 for k in (0, 1)] for face in (a, b)]
        for p, q in zip(a, b, strict=True):
            dx = (p[0] - centre[0][0]) - (q[0] - centre[1][0])
            dy = (p[1] - centre[0][1]) - (q[1] - centre[1][1])
            total.append(math.hypot(dx, dy))
    assert metrics.landmark_distance(points, other) == pytest.approx(sum(total) / len(total))


def test_shift_is_forgiven_and_a_moved_mouth_is_not(points):
    assert metrics.landmark_distance(points, points + np.array([3, -4])) == pytest.approx(
        0, abs=1e-9
    )
    moved = points.copy()
    moved[:, 48:68] += [0, 5]
    # The mouth's own centroid goes with it; the face's does by 20/68 of the way.
    assert metrics.mouth_distance(moved, points) == pytest.approx(0, abs=1e-9)
    expected = (20 * 5 * (1 - 20 / 68) + 48 * 5 * 20 / 68) / 68
    assert metrics.landmark_distance(moved, points) == pytest.approx(expected)


def test_mouth_distance_grows_with_the_opening(points):
    opened = points.copy()
    opened[:, [65, 66, 67]] += [0, 4]
    inner = (3 * 4 * (1 - 3 / 20) + 17 * 4 * 3 / 20) / 20
    assert metrics.mouth_distance(opened, points) == pytest.approx(inner)


def test_psnr_by_formula(image):
    noisy = np.clip(image + np.random.default_rng(3).normal(0, 9, image.shape), 0, 255).astype(
        np.uint8
    )
    mse = np.mean((noisy.astype(float) - image.astype(float)) ** 2)
    assert metrics.psnr(noisy, image) == pytest.approx(10 * math.log10(255**2 / mse))
    assert metrics.psnr(image, image) == math.inf


def test_ssim_by_formula(image):
    noisy = np.clip(image + np.random.default_rng(4).normal(0, 9, image.shape), 0, 255).astype(
        np.uint8
    )
    x, y = noisy.astype(float), image.astype(float)
    mean = lambda a: uniform_filter(a, size=(7, 7, 1))  # noqa: E731
    unbiased = 49 / 48
    mx, my = mean(x), mean(y)
    vx, vy = unbiased * (mean(x * x) - mx**2), unbiased * (mean(y * y) - my**2)
    cxy = unbiased * (mean(x * y) - mx * my)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    s = (2 * mx * my + c1) * (2 * cxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    assert metrics.ssim(noisy, image) == pytest.approx(s[3:-3, 3:-3].mean(), rel=1e-6)
    assert metrics.ssim(image, image) == 1


def test_lip_correlation(points):
    still = np.repeat(points[:1], 5, axis=0)
    opening = np.array([0, 3, 1, 4, 2.0])
    moving, mirrored = still.copy(), still.copy()
    for k in (65, 66, 67):
        moving[:, k, 1] += opening
        mirrored[:, k, 1] -= 2 * opening
    assert metrics.lip_correlation(moving, moving) == pytest.approx(1)
    assert metrics.lip_correlation(mirrored, moving) == pytest.approx(-1)
    assert math.isnan(metrics.lip_correlation(still, moving))


def test_face_box_holds_the_points(points):
    rows, columns = metrics.face_box(np.clip(points, 0, 127), 128)
    assert 0 <= columns.start <= points[..., 0].clip(0).min()
    assert columns.stop >= min(points[..., 0].max(), 127)
    assert rows.stop <= 128
