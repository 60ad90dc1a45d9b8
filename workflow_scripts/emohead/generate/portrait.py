"""The picture of a person: the face in it, cropped as the training data are."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emohead.features.faces import (
    FaceFinder,
    NoFaceError,
    crop_frame,
    crop_transform,
    transform_points,
)
from emohead.generate.picture import read_picture

# A crop that enlarges the picture more than this shows a blur.
_LARGEST_ZOOM = 2.5
# The jaw's width in the template of the crop, as a part of the crop.
_FACE_WIDTH = 0.65
# Pixels (width x height, and a side) for which H.264's level 4 has room: every player plays them.
_MOST_PIXELS, _LONGEST_SIDE = 1920 * 1088, 4096
# Faces are looked for as in training, with the picture's shorter side in these bounds (pixels); a
# face must have 80 then.
_DETECTION_SIDE = (192, 480)
# If no face is found, smaller ones and ones that the border cuts are searched: in the picture
# extended by this part of its shorter side, which is brought to these pixels. More finds no more.
_BEYOND, _FINER_SIDES, _LARGEST_FINER = 0.3, (768, 1536), 2.0
# A picture that is longer than this many times its width is a strip: enlarged so that a face could
# be found in it, it would fill the memory.
_LONGEST_SHAPE = 20
# What scores less than this part of the best face's score is no face.
_LEAST_SCORE = 0.1


@dataclass(frozen=True)
class Portrait:
    """A picture and the face in it.

    `picture` uint8 [H, W, 3] RGB, at most 2 megapixels (a full-HD frame), so that it can be a
    video's background; `crop` uint8 [S, S, 3], made from the file's own pixels; `landmarks` float32
    [68, 2] in pixels of the crop; `transform` float32 [2, 3] from picture to crop; `faces` is how
    many were seen: the largest was taken.
    """

    picture: np.ndarray
    crop: np.ndarray
    landmarks: np.ndarray
    transform: np.ndarray
    faces: int


def read_portrait(path: Path, crop_size: int, finder: FaceFinder) -> Portrait:
    """Find the largest face of a picture file and cut it out as in training.

    What the crop shows beyond the picture's border is its nearest pixels. Raises ValueError when
    the file is no picture, has no face, or one too small for `crop_size` pixels.
    """
    picture = read_picture(path)
    height, width = picture.shape[:2]
    if max(height, width) > _LONGEST_SHAPE * min(height, width):
        raise ValueError(f"{path}: {width} x {height} pixels are a strip: cut out the face")
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    landmarks, faces = _find_largest(grey, finder)
    if not faces:
        raise NoFaceError(f"{path}: no face is seen; it must be upright and look at the camera")
    transform = crop_transform(landmarks, crop_size)
    zoom = np.sqrt(np.linalg.det(transform[:, :2]))
    if zoom > _LARGEST_ZOOM:
        width, needed = (_FACE_WIDTH * crop_size / factor for factor in (zoom, _LARGEST_ZOOM))
        raise ValueError(
            f"{path}: the face is {width:.0f} pixels wide, {np.ceil(needed):.0f} or more are needed"
        )
    crop = crop_frame(picture, transform, crop_size)
    points = transform_points(landmarks, transform)
    picture, transform = _playable(picture, transform)
    return Portrait(picture, crop, points, transform, faces)


def _find_largest(grey: np.ndarray, finder: FaceFinder) -> tuple[np.ndarray | None, int]:
    """The landmarks, float32 [68, 2], of the largest face of a picture uint8 [H, W].

    And how many faces there are: 0 goes with None.
    """
    side = min(grey.shape)
    boxes = _boxes(grey, np.clip(side, *_DETECTION_SIDE) / side, finder)
    if len(boxes):
        return finder.landmarks(grey, boxes[0]), len(boxes)
    edge = round(_BEYOND * side)
    wider = cv2.copyMakeBorder(grey, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    for finer_side in _FINER_SIDES:
        boxes = _boxes(wider, min(finer_side / min(wider.shape), _LARGEST_FINER), finder)
        if len(boxes):
            return finder.landmarks(wider, boxes[0]) - edge, len(boxes)
    return None, 0


def _boxes(grey: np.ndarray, scale: float, finder: FaceFinder) -> np.ndarray:
    """As `FaceFinder.boxes`, of the picture times `scale`, and without what is hardly a face."""
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    seen = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=way)
    found, scores, _ = finder.detector.run(seen, 0, 0.0)
    found = [
        box for box, score in zip(found, scores, strict=True) if score >= _LEAST_SCORE * max(scores)
    ]
    found.sort(key=lambda box: box.area(), reverse=True)
    boxes = [(box.left(), box.top(), box.right() + 1, box.bottom() + 1) for box in found]
    return np.array(boxes, float).reshape(-1, 4) / scale


def _playable(picture: np.ndarray, transform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture no larger than a video may be, and the transform [2, 3] from it to the crop."""
    full = np.array(picture.shape[1::-1])
    factor = min(1.0, np.sqrt(_MOST_PIXELS / full.prod()), _LONGEST_SIDE / full.max())
    if factor == 1:
        return picture, transform
    size = (full * factor).astype(int) // 2 * 2
    # Pixel centres are at whole numbers, as in `emohead.features.faces.shrink`.
    times = full / size
    linear = transform[:, :2] * times
    offset = transform[:, 2] + transform[:, :2] @ ((times - 1) / 2)
    small = cv2.resize(picture, tuple(map(int, size)), interpolation=cv2.INTER_AREA)
    return small, np.column_stack([linear, offset]).astype(np.float32)
