"""Faces in other framings are brought back to where they were."""

import cv2
import numpy as np
import pytest

from emohead.features.alignment import Place, align, whole_picture
from emohead.features.faces import crop_frame, crop_transform, transform_points

SIZE = 128
GRID = np.stack(np.meshgrid([0, 64, 128], [0, 64, 128]), -1).reshape(-1, 2)


@pytest.fixture(scope="module")
def crop(portrait, finder):
    """The portrait's crop, the transform to it, and its landmarks there."""
    landmarks = finder.landmarks(portrait, finder.boxes(portrait)[0])
    transform = crop_transform(landmarks, SIZE)
    return (
        crop_frame(portrait, transform, SIZE),
        transform,
        transform_points(landmarks, transform),
    )


def square(transform):
    return np.vstack([transform, [0, 0, 1]])


def aligned(image, place, finder):
    landmarks = finder.landmarks(image, finder.boxes(image)[0])
    return align(image, landmarks, place, finder)


@pytest.mark.parametrize(
    ("scale", "turn", "shift", "size"),
    [(1, 0, (0, 0), 256), (1.7, 0, (60, 90), 420), (0.8, 12, (-20, 30), 256)],
)
def test_the_face_comes_back_from_any_framing(portrait, crop, finder, scale, turn, shift, size):
    picture, transform, landmarks = crop
    framing = cv2.getRotationMatrix2D((128, 128), turn, scale)
    framing[:, 2] += shift
    image = cv2.warpAffine(
        portrait, framing, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    place = Place.of(picture, landmarks, finder)
    found = square(aligned(image, place, finder))
    expected = square(transform) @ np.linalg.inv(square(framing))
    # Where the crop's grid comes to lie when it goes there by the one and back by the other.
    error = transform_points(GRID, (found @ np.linalg.inv(expected))[:2]) - GRID
    assert np.linalg.norm(error, axis=1).mean() < 0.5


def test_a_face_that_is_not_on_the_template_is_put_beside_it(portrait, crop, finder):
    picture, transform, landmarks = crop
    move = np.array([[1, 0, 9], [0, 1, -6]], np.float32)
    moved = cv2.warpAffine(picture, move, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    place = Place.of(moved, landmarks + np.array([9, -6]), finder)
    found = square(aligned(portrait, place, finder))
    shift = transform_points(GRID, (found @ np.linalg.inv(square(transform)))[:2]) - GRID
    np.testing.assert_allclose(shift.mean(axis=0), [9, -6], atol=0.5)


@pytest.mark.parametrize("size", [128, 96, 200])
def test_a_picture_in_the_crops_framing_is_only_resized(crop, finder, size):
    picture, _, landmarks = crop
    image = cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC)
    place = Place.of(picture, landmarks, finder)
    found = aligned(image, place, finder)
    np.testing.assert_array_equal(found, whole_picture(size, size, SIZE))


def test_a_whole_picture_keeps_its_edges():
    """The outer edges of the corner pixels, half a pixel outside their centres, stay edges."""
    corners = np.array([(-0.5, -0.5), (299.5, 149.5)])
    moved = transform_points(corners, whole_picture(300, 150, 128))
    np.testing.assert_allclose(moved, [(-0.5, -0.5), (127.5, 127.5)], atol=1e-5)
