import numpy as np
import pytest

from emohead.translator.drawing import draw_areas, draw_landmarks
from emohead.translator.inputs import draw_inputs

WHITE = 255


def face(size: int) -> np.ndarray:
    """Any 68 points inside the image, as smooth curves: [68, 2]."""
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return (size / 2 + size / 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(float)


def straight_jaw(axis: int, offset: float, size: int) -> np.ndarray:
    """A jaw along one axis at `offset` px across it; the other parts lie far outside the image."""
    landmarks = np.full((68, 2), -10.0 * size)
    landmarks[:17, axis] = np.linspace(size * 0.2, size * 0.8, 17)
    landmarks[:17, 1 - axis] = offset
    return landmarks


def centroid(image: np.ndarray) -> np.ndarray:
    """Centre (x, y) of the ink, weighted by its darkness."""
    ink = (WHITE - image.astype(float)).sum(axis=2)
    y, x = np.indices(ink.shape)
    return np.array([(ink * x).sum(), (ink * y).sum()]) / ink.sum()


@pytest.mark.parametrize("size", [128, 256])
@pytest.mark.parametrize("axis", [0, 1])
def test_ink_lies_where_the_points_are_to_fractions_of_a_pixel(axis: int, size: int) -> None:
    """Points rounded to whole pixels would be off by up to half a pixel."""
    for offset in np.arange(40, 41, 0.125):
        ink = centroid(draw_landmarks(straight_jaw(axis, offset, size), size))[1 - axis]
        assert ink == pytest.approx(offset, abs=0.15)


def test_every_part_is_drawn_in_its_own_colour_on_white() -> None:
    image = draw_landmarks(face(256), 256)
    assert image.dtype == np.uint8
    assert image.shape == (256, 256, 3)
    assert (image[0, 0] == WHITE).all()
    # MakeItTalk's colours, given there in BGR.
    bgr = [(255, 144, 25), (50, 205, 50), (208, 224, 63), (71, 99, 255), (238, 130, 238)]
    for colour in bgr:
        assert (image == np.array(colour[::-1])).all(axis=2).any(), colour


def test_lines_join_the_points_of_the_68_point_scheme() -> None:
    """The middle of each edge is inked; the gaps between parts are not."""
    size = 512
    points = face(size)
    image = draw_landmarks(points, size)

    def inked(a: int, b: int) -> bool:
        x, y = np.rint((points[a] + points[b]) / 2).astype(int)
        return bool((image[y, x] != WHITE).any())

    assert inked(0, 1)
    assert inked(34, 35)
    assert inked(36, 41)  # eyes and mouth close
    assert inked(42, 47)
    assert inked(48, 59)
    assert inked(60, 67)
    for gap in [(16, 17), (21, 22), (26, 27), (35, 36), (41, 42), (47, 48), (67, 0)]:
        assert not inked(*gap), gap


def test_lines_are_twice_as_wide_at_twice_the_size() -> None:
    def ink_per_length(size: int) -> float:
        return (WHITE - draw_landmarks(face(size), size).astype(float)).sum() / size

    assert ink_per_length(512) / ink_per_length(256) == pytest.approx(2, rel=0.35)


def test_a_sequence_is_its_frames() -> None:
    landmarks, scene = np.stack([face(64), face(64) + 1.5]), np.zeros((64, 64, 3), np.uint8)
    drawings = draw_inputs("areas", landmarks, scene)
    assert drawings.shape == (2, 64, 64, 7)
    np.testing.assert_array_equal(drawings[1, ..., :3], draw_landmarks(landmarks[1], 64))
    np.testing.assert_array_equal(drawings[1, ..., 3:], draw_areas(landmarks[1], 64))


def test_areas_are_those_of_face_eyes_and_open_mouth() -> None:
    landmarks = face(256)
    circle = (landmarks - 128) / (256 / 3)
    landmarks[36:42] = [90, 100] + 14 * circle[0:66:11]
    landmarks[42:48] = [160, 100] + 14 * circle[0:66:11]
    landmarks[60:68] = [128, 170] + 30 * circle[0:64:8]
    jaw, eyes, upper, lower = draw_areas(landmarks, 256).transpose(2, 0, 1)
    mouth = np.maximum(upper, lower)
    assert jaw[205, 120] == eyes[100, 90] == eyes[100, 160] == mouth[170, 128] == 255
    assert jaw[20, 128] == eyes[130, 125] == mouth[140, 128] == 0
    x, y = landmarks[60:68].T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    assert mouth.mean() / 255 * 256**2 == pytest.approx(area, rel=0.1)
    assert np.minimum(upper, lower).sum() < 0.1 * mouth.sum()  # the border between them
    landmarks[60:68, 1] = 170  # shut
    assert draw_areas(landmarks, 256)[..., 2:].sum() < 0.2 * mouth.sum()


def test_points_outside_are_clipped() -> None:
    assert (draw_landmarks(face(64) + 500, 64) == WHITE).all()


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="68, 2"):
        draw_landmarks(np.zeros((98, 2)), 64)
    with pytest.raises(ValueError, match="finite"):
        draw_landmarks(np.full((68, 2), np.nan), 64)
    with pytest.raises(ValueError, match="finite"):
        draw_areas(np.full((68, 2), np.inf), 64)
