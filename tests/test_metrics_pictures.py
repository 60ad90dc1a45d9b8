"""Picture metrics against scikit-image, Python's whole numbers and edges drawn by hand."""

import math

import cv2
import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from emohead.evaluation import picture_metrics as metrics
from emohead.evaluation.sharpness import cpbd, edge_widths, vertical_edges


@pytest.fixture(scope="module")
def truth():
    return cv2.resize(skimage.data.astronaut(), (128, 128), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def image(truth):
    noise = np.random.default_rng(3).normal(0, 9, truth.shape)
    return np.clip(cv2.GaussianBlur(truth, (0, 0), 1) + noise, 0, 255).astype(np.uint8)


def bright_stripes():
    """Nearly equal bright pictures, where the variance is a small difference of large sums."""
    ours = np.full((64, 64, 3), 255, np.uint8)
    truth = ours.copy()
    ours[:, ::3], truth[::2] = 253, 254
    return ours, truth


def test_ssim_is_scikit_image_s(image, truth):
    for ours, true in ((image, truth), bright_stripes(), (255 - truth, truth)):
        mean, expected = structural_similarity(
            true, ours, channel_axis=2, data_range=255, full=True
        )
        similarity = metrics.ssim_map(ours, true)
        inside = np.s_[3:-3, 3:-3]
        np.testing.assert_allclose(similarity[inside], expected[inside], rtol=0, atol=1e-10)
        whole = metrics.whole_frame(len(true))
        assert metrics.ssim_in(similarity, whole) == pytest.approx(mean, abs=1e-11)


def test_ssim_of_a_box_is_the_mean_of_the_map_there(image, truth):
    expected = structural_similarity(truth, image, channel_axis=2, data_range=255, full=True)[1]
    similarity = metrics.ssim_map(image, truth)
    inner = (slice(40, 90), slice(30, 100))
    assert metrics.ssim_in(similarity, inner) == pytest.approx(expected[inner].mean())
    # The window must lie inside the picture: rows 0-2 and columns 125-127 have no part in it.
    corner = (slice(0, 50), slice(90, 128))
    assert metrics.ssim_in(similarity, corner) == pytest.approx(expected[3:50, 90:125].mean())


def test_equal_pictures(truth):
    assert (metrics.ssim_map(truth, truth) == 1).all()
    assert metrics.psnr(truth, truth) == math.inf
    assert metrics.psnr_legacy(truth[..., 0], truth[..., 0]) == math.inf


def test_psnr_is_scikit_image_s(image, truth):
    box = (slice(40, 90), slice(30, 100))
    for ours, true in ((image, truth), (image[box], truth[box])):
        expected = peak_signal_noise_ratio(true, ours, data_range=255)
        assert metrics.psnr(ours, true) == pytest.approx(expected, abs=1e-9)


def test_legacy_psnr_from_its_definition(image, truth):
    ours, true = metrics.legacy_grey(image), metrics.legacy_grey(truth)
    wrapped = [
        ((a - b) % 256) ** 2 % 256
        for a, b in zip(ours.ravel().tolist(), true.ravel().tolist(), strict=True)
    ]
    expected = 20 * math.log10(255 / math.sqrt(sum(wrapped) / len(wrapped)))
    assert metrics.psnr_legacy(ours, true) == pytest.approx(expected)


def test_legacy_psnr_wraps():
    ours = np.array([[16, 3], [0, 255]], np.uint8)
    true = np.array([[0, 0], [17, 240]], np.uint8)
    # Squares 256, 9, 289 and 225 are 0, 9, 33 and 225 in 8 bits.
    expected = 20 * math.log10(255 / math.sqrt((0 + 9 + 33 + 225) / 4))
    assert metrics.psnr_legacy(ours, true) == pytest.approx(expected)


def test_legacy_psnr_has_a_floor_near_27_9():
    ours, true = np.random.default_rng(0).integers(0, 256, (2, 256, 256)).astype(np.uint8)
    assert metrics.psnr_legacy(ours, true) == pytest.approx(27.9, abs=0.05)
    assert metrics.psnr(ours, true) < 8


def test_legacy_grey_is_256_pixels_of_601_luma():
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[:, 1::2] = [200, 100, 50]  # halves of 100, 50 and 25 by area
    grey = metrics.legacy_grey(picture)
    assert grey.shape == (256, 256)
    expected = 0.299 * 100 + 0.587 * 50 + 0.114 * 25
    np.testing.assert_allclose(grey, expected, atol=0.51)


def test_box_holds_the_points_and_its_margin():
    points = np.array([[[40.2, 50.0], [80.0, 90.6]], [[30.5, 60.0], [70.0, 91.0]]])
    # 5 % of 128 are 6.4 px: x from 24.1 to 86.4, y from 43.6 to 97.4.
    assert metrics.box_around(points, 128) == (slice(43, 98), slice(24, 87))


def test_box_at_the_edge_stays_inside():
    rows, columns = metrics.box_around(np.array([[[-50.0, 200.0]]]), 128)
    assert (rows.start, rows.stop, columns.start) == (121, 128, 0)
    assert columns.stop == 7


def edge(width, low, high, size=128):
    """A picture [size, size] that rises from `low` to `high` over `width` pixels in its middle.

    It is steepest halfway, so that each row has one edge.
    """
    steps = np.array([min(k + 1, width - k) for k in range(width)])
    profile = np.full(size, low, float)
    profile[size // 2 + 1 :] = high
    profile[size // 2 + 1 :][:width] = low + (high - low) * steps.cumsum() / steps.sum()
    return np.repeat(np.round(profile)[None], size, axis=0).astype(np.uint8)


@pytest.mark.parametrize("width", [2, 3, 4, 7, 10])
@pytest.mark.parametrize("mirrored", [False, True])
def test_width_of_a_drawn_edge(width, mirrored):
    picture = edge(width, 40, 200)
    picture = picture[:, ::-1] if mirrored else picture
    rows, _, widths = edge_widths(picture, vertical_edges(picture))
    assert rows.tolist() == list(range(1, 127))  # all rows but the outermost
    assert set(widths.tolist()) == {width}


def test_cpbd_counts_edges_up_to_the_just_noticeable_width():
    # In a block of high contrast 3 pixels pass, in one of low contrast (up to 50) 5 do.
    assert cpbd(edge(3, 40, 200)) == 1
    assert cpbd(edge(4, 40, 200)) == 0
    assert cpbd(edge(5, 40, 80)) == 1
    assert cpbd(edge(6, 40, 80)) == 0
    both = np.concatenate([edge(2, 40, 200), edge(8, 40, 200)])
    assert cpbd(both) == pytest.approx(0.5, abs=0.01)


def test_cpbd_by_its_formula():
    grey = cv2.resize(skimage.data.camera(), (256, 256), interpolation=cv2.INTER_AREA)
    edges = vertical_edges(grey)
    histogram = np.zeros(101)
    for y, x, width in zip(*edge_widths(grey, edges), strict=True):
        block = np.s_[y // 64 * 64 : y // 64 * 64 + 64, x // 64 * 64 : x // 64 * 64 + 64]
        if edges[block].sum() <= 0.002 * 64 * 64:
            continue
        noticeable = 5 if int(grey[block].max()) - int(grey[block].min()) <= 50 else 3
        probability = 1 - math.exp(-((width / noticeable) ** 3.6))
        histogram[round(100 * probability)] += 1
    assert cpbd(grey) == pytest.approx(histogram[:64].sum() / histogram.sum())


def test_cpbd_falls_with_blur():
    grey = cv2.resize(skimage.data.camera(), (256, 256), interpolation=cv2.INTER_AREA)
    scores = [cpbd(grey)] + [cpbd(cv2.GaussianBlur(grey, (0, 0), s)) for s in (0.7, 1.2, 2, 4)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.7 > 0.05 > scores[-1]


def test_a_picture_without_edges_is_not_sharp():
    assert cpbd(np.full((128, 128), 90, np.uint8)) == 0
