"""Cuts inside a video: where the face of one frame isn't the one of the frame before.

A cut is looked for in the pixels of the face, which costs next to nothing, and confirmed where dlib
sees the face in another place, of another size, or of another person. A cross-fade has no such
place: a face is compared with the first one, too.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from math import ceil, floor
from typing import TypeVar

import cv2
import numpy as np
from skimage.transform import SimilarityTransform

from emohead.data.mead import FPS
from emohead.features.faces import FaceDescriber, FaceFinder, NoFaceError, overlap

# Filmed, a face's pixels in neighbouring frames correlate with more than this: with .78 at least in
# the mini set; across cuts, even one to 1.2 times the size, with .41 at most.
_CONTINUOUS = 0.7
# What a head can't do in a 25th of a second: move by this part of its width, grow by this factor.
_WAY, _GROWTH = 0.3, 1.12
# dlib's descriptors of two photos of one person lie .6 apart at most; of neighbouring frames, .2.
_OTHER_PERSON, _NOT_ONE_PERSON = 0.45, 0.6
# Frames of one clip of the mini set that are a second and more apart correlate with .57 at least
# (111 looked at), those of its two people with .43 at most, a picture of both with .77 at least.
_ALIKE = 0.55
# Faces are looked for in every tenth frame, where only cuts are asked for, and compared with the
# first one as often, and so is the last one. So many frames around may show two people where it was
# another one.
_EVERY, _FADE = 10, 25
# Pixels: that correlation is coarse, so that noise and small movements don't count.
_PATCH = 16


Frame = TypeVar("Frame")


class JumpError(NoFaceError):
    """The followed face jumps, so that what comes after is another take.

    Frames [start, stop) belong to neither; a cut has none.
    """

    def __init__(self, start: int, stop: int, what: str):
        super().__init__(f"cut at {start / FPS:.2f} s: {what}")
        self.start, self.stop = start, stop


@dataclass
class JumpFinder:
    """Looks at every frame of one video in turn and raises JumpError at a jump of the face."""

    finder: FaceFinder
    _before: tuple[np.ndarray, np.ndarray] | None = None
    _known: "_Face | None" = None
    _known_at: int = 0
    _first: tuple[int, np.ndarray, np.ndarray] | None = None
    _last: int = 0

    def look(self, t: int, image: np.ndarray, box: np.ndarray) -> None:
        """The next frame, number `t`, uint8 [H, W]; `box` [4]: where the face is, or should be."""
        if self._before is not None:
            old, old_box = self._before
            if self._known is None and patch_likeness(old, old_box, image, old_box) < _CONTINUOUS:
                self._known, self._known_at = _find(old, old_box, self.finder), t - 1
            if self._known is not None:
                self._compare(t, image)
        if self._first is None:
            self._first = t, image, box
        elif (t - self._first[0]) % _EVERY == 0:
            self._look_back(t, image, box)
        self._before = image, box
        self._last = t

    def end(self) -> None:
        """Look back from the last frame, too; raises JumpError as `look` does."""
        if self._before is not None:
            self._look_back(self._last, *self._before)

    def _compare(self, t: int, image: np.ndarray) -> None:
        """The face before what may be a cut with that of this frame, if it shows one."""
        now = _find(image, self._known.box, self.finder)
        if now is None:
            return
        what = self._known.difference(now, t - self._known_at)
        self._known = None
        if what is not None:
            raise JumpError(t, t, what)

    def _look_back(self, t: int, image: np.ndarray, box: np.ndarray) -> None:
        """Whether the face has gradually become another person's."""
        start, first, first_box = self._first
        if patch_likeness(first, first_box, image, box) > _ALIKE:
            return
        then, now = _find(first, first_box, self.finder), _find(image, box, self.finder)
        if then is None or now is None:
            return
        apart = np.linalg.norm(then.descriptor - now.descriptor)
        if apart > _NOT_ONE_PERSON:
            raise JumpError(max(start, t - _FADE), t + _FADE, "another person, little by little")
        if apart < _OTHER_PERSON:
            self._first = t, image, box  # the same one, in another light


def find_scenes(
    frames: Iterable[Frame], grey: Callable[[Frame], np.ndarray], finder: FaceFinder
) -> list[range]:
    """The frames of a video from one jump of its largest face to the next."""
    starts, box, jumps, t = [0], None, JumpFinder(finder), -1
    for t, frame in enumerate(frames):
        image = grey(frame)
        if box is None or t % _EVERY == 0:
            box = next(iter(finder.boxes(image)), box)
        if box is None:
            continue
        try:
            jumps.look(t, image, box)
        except JumpError as jump:
            starts += [jump.start, jump.stop]
            box = next(iter(finder.boxes(image)), box)
            jumps = JumpFinder(finder)
            jumps.look(t, image, box)
    try:
        jumps.end()
    except JumpError as jump:
        starts += [jump.start, jump.stop]
    edges = sorted({*(min(start, t + 1) for start in starts), t + 1})
    return [range(a, b) for a, b in pairwise(edges)]


@dataclass
class _Face:
    """A face in one picture: `box` [4] and `landmarks` [68, 2] in pixels."""

    image: np.ndarray
    box: np.ndarray
    landmarks: np.ndarray

    @cached_property
    def descriptor(self) -> np.ndarray:
        """Who it is, float64 [128]."""
        return _describer().describe(self.image, self.landmarks)

    def difference(self, other: "_Face", frames: int) -> str | None:
        """Why the other face, so many frames later, isn't this one any more; None where it is."""
        to_other = SimilarityTransform.from_estimate(self.landmarks[:47], other.landmarks[:47])
        growth = float(to_other.scale)
        way = np.linalg.norm(other.landmarks.mean(0) - self.landmarks.mean(0))
        if way > frames * _WAY * np.ptp(self.landmarks[:, 0]):
            return "the face is in another place"
        if not 1 / _GROWTH**frames < growth < _GROWTH**frames:
            return f"the face is {growth:.2f} times as large"
        if np.linalg.norm(self.descriptor - other.descriptor) > _OTHER_PERSON:
            return "another person"
        return None


def patch_likeness(
    image: np.ndarray, box: np.ndarray, other_image: np.ndarray, other_box: np.ndarray
) -> float:
    """The correlation of what two pictures uint8 [H, W] show in their boxes, coarsely."""
    one, other = _patch(image, box), _patch(other_image, other_box)
    size = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / size) if size else 0.0


def _patch(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box.tolist()
    left, upper = min(max(floor(x0), 0), width - 1), min(max(floor(y0), 0), height - 1)
    right, lower = max(min(ceil(x1), width), left + 1), max(min(ceil(y1), height), upper + 1)
    cut = image[upper:lower, left:right]
    step = max(1, min(cut.shape[:2]) // 64)
    small = cv2.resize(cut[::step, ::step], (_PATCH, _PATCH), interpolation=cv2.INTER_AREA)
    return small.ravel() - small.mean()


def _find(image: np.ndarray, near: np.ndarray, finder: FaceFinder) -> _Face | None:
    """The face of a picture, of several the one closest to a box; None where it shows none."""
    boxes = finder.boxes(image)
    if not len(boxes):
        return None
    centre = (near[:2] + near[2:]) / 2
    box = max(
        boxes,
        key=lambda box: (overlap(box, near), -np.linalg.norm((box[:2] + box[2:]) / 2 - centre)),
    )
    return _Face(image, box, finder.landmarks(image, box))


@cache
def _describer() -> FaceDescriber:
    """Loaded where it is needed, which is rare."""
    return FaceDescriber()
