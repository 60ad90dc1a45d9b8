"""Rigid poses against scikit-image's similarity, and movements there and back."""

import numpy as np
import pytest
from skimage.transform import SimilarityTransform

from emohead.features.points import CALM_POINTS
from emohead.features.pose import head_movements, move_head, with_pose_of

CALM = list(CALM_POINTS)
T = 4


def faces(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true landmarks [T, 68, 2] in pixels of a crop of 128."""
    random = np.random.default_rng(seed)
    truth = random.uniform(20, 100, (68, 2)) + random.normal(0, 1, (T, 68, 2))
    return random.uniform(20, 100, (T, 68, 2)), truth


def test_each_frame_goes_where_the_true_head_is():
    predicted, truth = faces()
    posed = with_pose_of(predicted, truth)
    assert posed.shape == predicted.shape and posed.dtype == np.float32
    for mine, true, made in zip(predicted, truth, posed, strict=True):
        similarity = SimilarityTransform.from_estimate(mine[CALM], true[CALM])
        np.testing.assert_allclose(made, similarity(mine), atol=1e-3)


def test_what_speaks_stays_as_it_was_predicted():
    """Lips that open do so after a turn of the head as before."""
    _, truth = faces()
    head = SimilarityTransform(scale=1.1, rotation=0.2, translation=(5, -7))
    open_ = truth.copy()
    open_[:, 55:60, 1] += 6
    posed = with_pose_of(open_, np.stack([head(points) for points in truth]))
    np.testing.assert_allclose(posed, np.stack([head(p) for p in open_]), atol=1e-3)


def test_movements_are_those_of_the_head_whatever_its_size_and_place():
    _, truth = faces()
    rest = truth[0]
    middle = rest[CALM].mean(0)
    size = np.sqrt(np.square(rest[CALM] - middle).sum(1).mean())
    turn = SimilarityTransform(scale=1.2, rotation=0.1)
    moved = turn(rest - middle) + middle + (0.3 * size, -0.2 * size)
    (found,) = head_movements(moved[None], rest)
    np.testing.assert_allclose(found, [np.log(1.2), 0.1, 0.3, -0.2], atol=1e-6)
    np.testing.assert_allclose(move_head(rest[None], found[None], rest)[0], moved, atol=1e-4)
    elsewhere = SimilarityTransform(scale=3, translation=(200, 50))
    (again,) = head_movements(elsewhere(moved)[None], elsewhere(rest))
    np.testing.assert_allclose(again, found, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 7])
def test_no_movement_leaves_everything_as_it_is(frames):
    predicted, _ = faces()
    landmarks = np.repeat(predicted[:1], frames, axis=0)
    still = np.zeros((frames, 4), np.float32)
    np.testing.assert_allclose(move_head(landmarks, still, predicted[0]), landmarks, atol=1e-4)
