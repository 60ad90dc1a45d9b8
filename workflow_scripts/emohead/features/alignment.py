"""Brings a face in any framing to the reference face's place in its crop.

dlib's landmarks depend on the framing: the same face, found in a picture of another size, comes out
half a pixel away (of 128), and now and then ten. So the landmarks that place the crop are taken on
the crop itself, again and again until it stays, as a mean over shifted boxes.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from emohead.features.faces import FaceFinder, crop_frame, crop_transform

_ROUNDS = 3
# Shifts of the predictor's box, in widths of it.
_SHIFTS = list(itertools.product(np.linspace(-0.04, 0.04, 5), repeat=2))
# dlib's boxes lie higher than the middle of the points, by this part of the box.
_BOX_ABOVE = 0.11
# A crop that differs less from the whole picture than this, at its corners and as a fraction of
# its size, is the whole picture: landmarks are no more exact.
_SAME_FRAMING = 0.01


@dataclass(frozen=True)
class Place:
    """The place of a face in a crop: the `box` [4] in which dlib looks at it, and its `pose`.

    `pose` float64 [3, 3] brings the face from where the template has it to where it is.
    """

    box: np.ndarray
    pose: np.ndarray
    crop_size: int

    @classmethod
    def of(cls, crop: np.ndarray, landmarks: np.ndarray, finder: FaceFinder) -> "Place":
        """That of the face of a crop, uint8 [S, S, 3], with its landmarks [68, 2] in pixels."""
        low, high = landmarks.min(axis=0), landmarks.max(axis=0)
        side = high[0] - low[0]
        centre = (low + high) / 2 - [0, _BOX_ABOVE * side]
        box = np.concatenate([centre - side / 2, centre + side / 2])
        to_template = _square(crop_transform(_calm_landmarks(crop, box, finder), len(crop)))
        return cls(box, np.linalg.inv(to_template), len(crop))


def align(image: np.ndarray, landmarks: np.ndarray, place: Place, finder: FaceFinder) -> np.ndarray:
    """The similarity float32 [2, 3] from pixels of `image` to those of a crop, face at `place`.

    `image` uint8 [H, W, 3], `landmarks` [68, 2] what was found on it. A picture that has the crop's
    framing already is only brought to its size.
    """
    size = place.crop_size
    found = place.pose @ _square(crop_transform(landmarks, size))
    for _ in range(_ROUNDS):
        crop = crop_frame(image, found[:2].astype(np.float32), size)
        calm = _calm_landmarks(crop, place.box, finder)
        found = place.pose @ _square(crop_transform(calm, size)) @ found
    height, width = image.shape[:2]
    whole = whole_picture(width, height, size)
    corners = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1)]).T
    apart = np.linalg.norm(((found - _square(whole)) @ corners)[:2], axis=0)
    if width == height and apart.max() < _SAME_FRAMING * size:
        return whole
    return found[:2].astype(np.float32)


def whole_picture(width: int, height: int, crop_size: int) -> np.ndarray:
    """The transform float32 [2, 3] that brings a whole picture to the crop's size."""
    # Pixel centres are at whole numbers.
    x, y = crop_size / width, crop_size / height
    return np.array([(x, 0, (x - 1) / 2), (0, y, (y - 1) / 2)], np.float32)


def _calm_landmarks(image: np.ndarray, box: np.ndarray, finder: FaceFinder) -> np.ndarray:
    """The landmarks [68, 2] of the face in `box`, the mean over shifts of that box."""
    width = box[2] - box[0]
    seen = [finder.landmarks(image, box + np.tile(shift, 2) * width) for shift in _SHIFTS]
    return np.mean(seen, axis=0)


def _square(transform: np.ndarray) -> np.ndarray:
    return np.vstack([transform.astype(float), [0, 0, 1]])
