import cv2
import numpy as np
import pytest
import skimage.data

from emohead.faces import (
    FaceFinder,
    NoFaceError,
    crop_frame,
    crop_transform,
    transform_points,
)
from emohead.points import lip_opening


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


@pytest.fixture(scope="module")
def portrait():
    return np.ascontiguousarray(skimage.data.astronaut())


@pytest.fixture(scope="module")
def found(finder, portrait):
    (box,) = finder.boxes(portrait)
    return box, finder.landmarks(portrait, box)


def eye_centres(points):
    return points[36:42].mean(0), points[42:48].mean(0)


def test_finds_the_portrait(found):
    box, points = found
    left, right = eye_centres(points)
    # The pupils, by eye, in this picture of 512 px.
    assert np.linalg.norm(left - [203, 101]) < 3
    assert np.linalg.norm(right - [247, 103]) < 3
    assert box[0] < left[0] < right[0] < box[2]
    assert lip_opening(points) > 2  # she smiles with visible teeth


def test_landmarks_follow_a_larger_picture(finder, portrait, found):
    _, points = found
    large = cv2.resize(portrait, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    box = finder.boxes(large)[0]
    eye_distance = np.linalg.norm(np.subtract(*eye_centres(points)))
    again = (finder.landmarks(large, box) + 0.5) / 2 - 0.5
    assert np.linalg.norm(again - points, axis=1).mean() < 0.05 * eye_distance


@pytest.mark.parametrize("size", [128, 256])
def test_crop_is_aligned_and_its_points_are_where_the_transform_says(finder, portrait, size):
    tilted = cv2.warpAffine(
        portrait, cv2.getRotationMatrix2D((225, 130), 15, 1.0), (512, 512)
    )  # fmt: skip
    tilted_points = finder.landmarks(tilted, finder.boxes(tilted)[0])
    transform = crop_transform(tilted_points, size)
    cropped = transform_points(tilted_points, transform)
    left, right = eye_centres(cropped)
    assert abs(left[1] - right[1]) < 0.03 * size  # level again
    assert right[0] - left[0] == pytest.approx(0.30 * size, rel=0.1)
    assert (cropped > 0).all()
    assert (cropped < size).all()
    crop = crop_frame(tilted, transform, size)
    assert crop.shape == (size, size, 3)
    seen = finder.landmarks(crop, finder.boxes(crop)[0])
    assert np.linalg.norm(seen - cropped, axis=1).mean() < 0.02 * size


def test_a_shrinking_crop_keeps_positions_and_does_not_alias():
    image = np.zeros((600, 600, 3), np.uint8)
    image[240:360, 300:420] = 255
    transform = np.array([[0.2, 0, 0.3], [0, 0.2, -0.7]], np.float32)
    crop = crop_frame(image, transform, 128).astype(float)[..., 0]
    y, x = np.mgrid[:128, :128]
    centre = [(x * crop).sum() / crop.sum(), (y * crop).sum() / crop.sum()]
    expected = transform_points(np.array([359.5, 299.5]), transform)
    np.testing.assert_allclose(centre, expected, atol=0.05)
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    even = crop_frame(stripes, np.array([[0.25, 0, 0], [0, 0.25, 0]], np.float32), 128)
    assert even[8:-8, 8:-8].std() < 8


def test_track_bridges_short_gaps_and_refuses_long_ones(finder, portrait):
    face = portrait[0:256, 96:352].copy()
    nothing = np.full_like(face, 128)
    track = finder.track([face, face, nothing, face.copy()], max_gap=1)
    assert track.found.tolist() == [True, True, False, True]
    assert np.isfinite(track.landmarks).all()
    still = finder.track([face.copy() for _ in range(4)]).landmarks
    np.testing.assert_array_equal(still, still[[0, 0, 0, 0]])
    with pytest.raises(NoFaceError, match="2 frames in a row, more than 1"):
        finder.track([face, nothing, nothing, face], max_gap=1)
    with pytest.raises(NoFaceError, match="no face in any of 2 frames"):
        finder.track([nothing, nothing])
