"""The landmark drawing: 68 points as coloured lines on white, one of the translator's two inputs.

Colours and line width follow MakeItTalk (src/dataset/image_translation/data_preparation.py). Unlike
there, points keep their fraction of a pixel: at 128 px a lip often moves by less than one.
"""

from typing import NamedTuple

import cv2
import numpy as np

FRACTION_BITS = 6  # points are drawn to 1/64 px
LINE_WIDTH_AT_256 = 2


class Part(NamedTuple):
    """A part of the face: its polylines as point indices, open or closed, and its RGB colour."""

    lines: tuple[np.ndarray, ...]
    closed: bool
    colour: tuple[int, int, int]


PARTS = {
    "jaw": Part((np.arange(0, 17),), False, (25, 144, 255)),
    "brows": Part((np.arange(17, 22), np.arange(22, 27)), False, (50, 205, 50)),
    "nose": Part((np.arange(27, 36),), False, (63, 224, 208)),
    "eyes": Part((np.arange(36, 42), np.arange(42, 48)), True, (255, 99, 71)),
    "mouth": Part((np.arange(48, 60), np.arange(60, 68)), True, (238, 130, 238)),
}


def draw_landmarks(landmarks: np.ndarray, size: int) -> np.ndarray:
    """Draw landmarks [68, 2] (x, y in pixels of a size x size image) as uint8 RGB [size, size, 3].

    A whole number is the centre of a pixel. What lies outside the image is clipped. Raises
    ValueError for another shape or for points that are not finite.
    """
    points = _to_draw(landmarks)
    image = np.full((size, size, 3), 255, np.uint8)
    width = max(1, round(LINE_WIDTH_AT_256 * size / 256))
    for part in PARTS.values():
        cv2.polylines(
            image,
            [points[line] for line in part.lines],
            part.closed,
            part.colour,
            thickness=width,
            lineType=cv2.LINE_AA,
            shift=FRACTION_BITS,
        )
    return image


def draw_areas(landmarks: np.ndarray, size: int) -> np.ndarray:
    """The areas of face and eyes, and of the inside of the mouth, 0 or 255: uint8 [size, size, 4].

    The mouth's upper half, where teeth are, and its lower one. Not in the paper. Landmarks and
    errors are as `draw_landmarks` has them.
    """
    points = _to_draw(landmarks)
    (left, right), upper, lower = PARTS["eyes"].lines, points[60:65], points[[64, 65, 66, 67, 60]]
    middle = (upper[1:-1] + lower[-2:0:-1]) // 2  # from the left to the right
    areas = (
        [cv2.convexHull(points[:27])],
        [points[left], points[right]],
        [np.concatenate([upper, middle[::-1]])],
        [np.concatenate([lower, middle])],
    )
    image = np.zeros((len(areas), size, size), np.uint8)
    for channel, corners in zip(image, areas, strict=True):
        cv2.fillPoly(channel, corners, 255, cv2.LINE_AA, FRACTION_BITS)
    return np.ascontiguousarray(image.transpose(1, 2, 0))


def _to_draw(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks [68, 2] as OpenCV draws them."""
    if landmarks.shape != (68, 2):
        raise ValueError(f"landmarks to draw must be [68, 2], got {list(landmarks.shape)}")
    if not np.isfinite(landmarks).all():
        raise ValueError("landmarks to draw must be finite; a point is NaN or infinite")
    return np.rint(landmarks * (1 << FRACTION_BITS)).astype(np.int32)
