"""Faces in pictures: detection, the 68 landmarks, who it is, the aligning crop.

dlib's frontal detector, 68-point predictor (paper section 4.1) and face recogniser, from the
package face-recognition-models; the predictor was trained on 300-W, for non-commercial use.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import dlib
import numpy as np
from skimage.transform import SimilarityTransform

# Points 0-46 of the mean face of the predictor's training pictures (300-W), with which its cascade
# starts (`initial_shape` in its file): the mid-point of the eyes is the origin, their distance the
# unit. Mouth left out, so that speech doesn't move the crop.
_TEMPLATE = np.array([
    (-1.145, .016), (-1.137, .319), (-1.105, .621), (-1.042, .917), (-.924, 1.192), (-.743, 1.43),
    (-.521, 1.629), (-.277, 1.788), (0, 1.836), (.277, 1.788), (.521, 1.629), (.743, 1.43),
    (.924, 1.192), (1.042, .917), (1.105, .621), (1.137, .319), (1.145, .016),
    (-.927, -.205), (-.785, -.333), (-.584, -.371), (-.377, -.342), (-.183, -.261),
    (.183, -.261), (.377, -.342), (.584, -.371), (.785, -.333), (.927, -.205),
    (0, -.024), (0, .172), (0, .365), (0, .564),
    (-.232, .699), (-.121, .74), (0, .775), (.121, .74), (.232, .699),
    (-.696, .001), (-.572, -.07), (-.424, -.068), (-.294, .03), (-.433, .055), (-.581, .053),
    (.294, .03), (.424, -.068), (.572, -.07), (.696, .001), (.581, .053),
])  # fmt: skip
# Fractions of the crop: the face fills the picture, an open mouth stays inside.
_EYE_DISTANCE, _EYE_ROW = 0.283, 0.387

# The predictor answers in whole pixels: below this box width they would be too coarse.
_FINE_BOX = 256
# The detector's smallest face is 80 pixels wide. The shorter side of a picture is brought into
# these bounds: a crop, filled by its face, stays fast, and a face of a sixth of a film is found.
_DETECTION_SIDE = (192, 480)
# In the next frame the face is searched at this width, this far (in widths) around its place.
_SEARCH_FACE, _SEARCH_MARGIN = 104, 0.3


class NoFaceError(ValueError):
    """A picture or video in which no face, or too few faces, were found."""


def _model(name: str) -> Path:
    # The package's own __init__ needs pkg_resources, which newer setuptools no longer have.
    return Path(find_spec("face_recognition_models").origin).parent / "models" / name


def predictor_file() -> Path:
    """The landmark predictor's file."""
    return _model("shape_predictor_68_face_landmarks.dat")


@cache
def load_predictor() -> dlib.shape_predictor:
    """The landmark predictor; nothing changes it, so that a process needs one."""
    return dlib.shape_predictor(str(predictor_file()))


def _recogniser() -> dlib.face_recognition_model_v1:
    return dlib.face_recognition_model_v1(str(_model("dlib_face_recognition_resnet_model_v1.dat")))


@dataclass(frozen=True)
class FaceFinder:
    """dlib's detector and landmark predictor, loaded once for a process."""

    detector: dlib.fhog_object_detector = field(default_factory=dlib.get_frontal_face_detector)
    predictor: dlib.shape_predictor = field(default_factory=load_predictor)

    def boxes(self, image: np.ndarray) -> np.ndarray:
        """All faces of a picture, uint8 [H, W] or [H, W, 3], largest first.

        Returns float64 [N, 4]: x0, y0, x1, y1 in pixels.
        """
        side = min(image.shape[:2])
        return self._boxes_at(image, np.clip(side, *_DETECTION_SIDE) / side)

    def box_near(self, image: np.ndarray, box: np.ndarray) -> np.ndarray | None:
        """The face that overlaps most with `box` [4] of those around it, as in `boxes`, or None.

        A small cut at a small scale: several times faster than `boxes`.
        """
        cut, low = cut_out(image, box, _SEARCH_MARGIN)
        found = self._boxes_at(cut, _SEARCH_FACE / (box[2] - box[0]))
        return max(found + np.tile(low, 2), key=lambda seen: overlap(seen, box), default=None)

    def landmarks(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The 68 points of the face in `box` of such a picture, float32 [68, 2] in pixels."""
        # Points can lie outside the box, and the predictor looks at pixels around them.
        cut, low = cut_out(image, box, 0.5)
        scale = max(1, int(np.ceil(_FINE_BOX / (box[2] - box[0]))))
        if scale > 1:
            cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        x0, y0, x1, y1 = (round(v * scale) for v in box - np.tile(low, 2))
        shape = self.predictor(np.ascontiguousarray(cut), dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
        points = np.array([(point.x, point.y) for point in shape.parts()], np.float32)
        return ((points + 0.5) / scale - 0.5 + low).astype(np.float32)

    def _boxes_at(self, image: np.ndarray, scale: float) -> np.ndarray:
        if min(image.shape[:2]) * scale < 1:
            return np.empty((0, 4))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        seen = cv2.resize(image, None, fx=scale, fy=scale, interpolation=way)
        found = [(r.left(), r.top(), r.right() + 1, r.bottom() + 1) for r in self.detector(seen)]
        found.sort(key=lambda box: (box[0] - box[2]) * (box[3] - box[1]))
        return np.array(found, float).reshape(-1, 4) / scale


@dataclass(frozen=True)
class FaceDescriber:
    """dlib's face recogniser, loaded once for a process."""

    recogniser: dlib.face_recognition_model_v1 = field(default_factory=_recogniser)

    def describe(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Who has these landmarks [68, 2] in a picture, uint8 [H, W] or [H, W, 3]: float64 [128].

        Two descriptors of one person lie less than .6 apart, says dlib.
        """
        if image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=2)
        points = [dlib.point(int(x), int(y)) for x, y in np.round(landmarks)]
        whole = dlib.rectangle(0, 0, image.shape[1] - 1, image.shape[0] - 1)
        shape = dlib.full_object_detection(whole, points)
        return np.array(self.recogniser.compute_face_descriptor(image, shape))


def cut_out(
    image: np.ndarray, box: np.ndarray, margin: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """The part of a picture in `box` [4], and its upper left corner [2] (x, y), whole pixels.

    `margin` is added on every side, in box sizes; what lies outside the picture is left out.
    """
    edge = margin * (box[2:] - box[:2])
    limit = np.array(image.shape[1::-1])
    low = np.floor(box[:2] - edge).astype(int).clip(0, limit - 1)
    high = np.ceil(box[2:] + edge).astype(int).clip(low + 1, limit)
    return image[low[1] : high[1], low[0] : high[0]], low


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes [4]."""
    inside = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = np.prod(inside.clip(0))
    return float(common / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - common))


def crop_transform(landmarks: np.ndarray, crop_size: int) -> np.ndarray:
    """The similarity, float32 [2, 3], that brings a face's points 0-46 onto the template.

    `landmarks` [68, 2] in pixels of the source; the result leads to pixels of the crop
    (after EAMM `process_data.py`: one transform a clip keeps the head's motion).
    """
    target = (_TEMPLATE * _EYE_DISTANCE + [0.5, _EYE_ROW]) * crop_size
    found = SimilarityTransform.from_estimate(landmarks[: len(_TEMPLATE)], target)
    return found.params[:2].astype(np.float32)


def transform_points(points: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Points [..., 2] through a transform [2, 3]."""
    return (points @ transform[:, :2].T + transform[:, 2]).astype(np.float32)


def crop_region(
    transform: np.ndarray, crop_size: int, width: int, height: int
) -> tuple[int, int, int, int]:
    """The part x0, y0, x1, y1 of a picture that a crop is made from, with a small margin.

    `transform` [2, 3] leads from the picture's pixels to the crop's. The part's corners are
    multiples of 2, as the colours of 4:2:0 video want it, or the picture's own. A crop that lies
    outside the picture gets the nearest pixels of it.
    """
    corners = np.array([(0, 0), (crop_size, 0), (0, crop_size), (crop_size, crop_size)]) - 0.5
    linear = np.linalg.inv(transform[:, :2].astype(float))
    around = (corners - transform[:, 2]) @ linear.T
    limit = np.array([width, height])
    low = np.clip(np.floor(around.min(0)).astype(int) - 2, 0, limit - 1) // 2 * 2
    high = np.clip(-(-np.ceil(around.max(0) + 3).astype(int) // 2) * 2, low + 1, limit)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def share_outside(transform: np.ndarray, crop_size: int, width: int, height: int) -> float:
    """The share of a crop that shows nothing of its picture but the edges, drawn out: 0 to 1.

    `transform` [2, 3] leads from a picture of `width` x `height` pixels to the crop.
    """
    centres = (np.arange(32) + 0.5) * crop_size / 32 - 0.5
    points = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    source = (points - transform[:, 2]) @ np.linalg.inv(transform[:, :2].astype(float)).T
    inside = (source >= -0.5) & (source <= np.array([width, height]) - 0.5)
    return float(1 - inside.all(axis=1).mean())


def shrink(transform: np.ndarray, width: int, height: int) -> tuple[tuple[int, int], np.ndarray]:
    """The size at which a picture needs no more shrinking for its crop, and the transform from it.

    A picture that the crop enlarges keeps its size. Shrink by averaging, so that fine detail
    doesn't alias.
    """
    times = max(1.0, 1 / np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    size = max(1, round(width / times)), max(1, round(height / times))
    # Pixel centres are at whole numbers: x of the small picture is (x + 1/2) * factor - 1/2.
    factor = np.array([width, height]) / size
    linear = transform[:, :2] * factor
    offset = transform[:, 2] + transform[:, :2] @ ((factor - 1) / 2)
    return size, np.column_stack([linear, offset]).astype(np.float32)


def warp(image: np.ndarray, transform: np.ndarray, crop_size: int) -> np.ndarray:
    """A picture uint8 [H, W, 3] through a transform [2, 3] that hardly shrinks it."""
    return cv2.warpAffine(
        image, transform, (crop_size, crop_size), flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip


def crop_frame(image: np.ndarray, transform: np.ndarray, crop_size: int) -> np.ndarray:
    """The crop, uint8 [crop_size, crop_size, 3], of a picture uint8 [H, W, 3]."""
    size, transform = shrink(transform, image.shape[1], image.shape[0])
    if size != image.shape[1::-1]:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return warp(image, transform, crop_size)
