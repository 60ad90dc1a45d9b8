"""One face followed through a video: detection now and then, landmarks on every frame.

Works on a stream: a few frames are held at a time, however long the video is.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from emohead.data.mead import FPS
from emohead.features.faces import FaceFinder, NoFaceError, overlap
from emohead.features.jumps import patch_likeness

Frame = TypeVar("Frame")

# The box alone moves the points by 1.6 % of the eye distance; a running median calms it. Over
# detections, so that it spans less time where all frames are searched.
_CALMING, _CALMING_BETWEEN = 5, 3
# All of a frame is searched this often, to see whether there are several faces.
_CENSUS_EVERY = 100
# Between two detections, a picture that correlates less with the face than this is searched, too.
_SAME_FACE = 0.5
# A face that comes back may have moved by this many of its widths, and changed size by this much.
_WAY, _GROWTH = 1.0, 1.8


class SeveralFacesError(ValueError):
    """A video that shows more than one face: one must be chosen first, see `choose_face`."""


@dataclass(frozen=True)
class Seen(Generic[Frame]):
    """A frame with the followed face: `landmarks` float32 [68, 2] in pixels of the frame.

    `found` is False where there was no face to be seen: its box is interpolated, and the landmarks
    are what the predictor takes that place for.
    """

    frame: Frame
    landmarks: np.ndarray
    found: bool


@dataclass(frozen=True)
class ChosenFace:
    """Where the face to follow is: `boxes` [N, 4] at the frames `times` [N], among `faces`."""

    times: np.ndarray
    boxes: np.ndarray
    faces: int

    def box_at(self, t: int) -> np.ndarray:
        """Its box [4] around frame t."""
        return np.array([np.interp(t, self.times, side) for side in self.boxes.T])


def choose_face(
    frames: Iterable[Frame], grey: Callable[[Frame], np.ndarray], finder: FaceFinder, *, every: int
) -> ChosenFace:
    """The largest and most persistent face: the greatest area, summed over every `every`th frame.

    Faces of successive samples are the same where their boxes overlap. Raises NoFaceError when
    there is none.
    """
    tracks: list[list[tuple[int, np.ndarray]]] = []
    most = 0
    for t, frame in enumerate(frames):
        if t % every:
            continue
        boxes = finder.boxes(grey(frame))
        most = max(most, len(boxes))
        for box in boxes:
            same = max(tracks, key=lambda track: overlap(track[-1][1], box), default=None)
            if same is None or overlap(same[-1][1], box) < 0.3 or same[-1][0] == t:
                tracks.append([(t, box)])
            else:
                same.append((t, box))
    if not tracks:
        raise NoFaceError("no face in any frame")
    chosen = max(tracks, key=lambda track: sum(np.prod(box[2:] - box[:2]) for _, box in track))
    times, boxes = zip(*chosen, strict=True)
    return ChosenFace(np.array(times), np.stack(boxes), most)


def follow_face(
    frames: Iterable[Frame],
    grey: Callable[[Frame], np.ndarray],
    finder: FaceFinder,
    *,
    every: int,
    max_gap: int | None = None,
    chosen: ChosenFace | None = None,
    alone: bool = False,
) -> Iterator[Seen[Frame]]:
    """The landmarks of one face on every frame, a few frames late.

    `grey` gives a frame's picture, uint8 [H, W]. The face is looked for in every `every`th frame,
    near its last place, and its box interpolated between; where it is lost, in every frame. It is
    the largest of the first frame that has one, or the `chosen` one. Raises NoFaceError when no
    frame has a face or more than `max_gap` frames in a row have none, SeveralFacesError when
    `alone` is asked for and several are seen.
    """
    search = _Search(finder, max_gap, chosen, alone)
    looked = _look(frames, grey, search, every)
    last: Seen[Frame] | None = None
    for span in _calmed(looked, (_CALMING if every == 1 else _CALMING_BETWEEN) // 2):
        # One after the other: the predictor's large model stays in the processor's cache.
        seen = []
        for each, box in span:
            if last is not None and each.frame is last.frame:
                landmarks = last.landmarks
            else:
                landmarks = finder.landmarks(each.image, box)
            last = Seen(each.frame, landmarks, each.found)
            seen.append(last)
        yield from seen


@dataclass(frozen=True)
class _Looked(Generic[Frame]):
    """A frame, its picture, and the `box` of the face; None where it was not looked for either."""

    frame: Frame
    image: np.ndarray
    box: np.ndarray | None
    found: bool


@dataclass
class _Search:
    """Looks for one face in pictures, near the `place` where it was last seen.

    `gap` is how many frames before the next one are without it.
    """

    finder: FaceFinder
    max_gap: int | None
    chosen: ChosenFace | None
    alone: bool
    place: np.ndarray | None = None
    gap: int = 0
    last: tuple[np.ndarray, np.ndarray | None] | None = None

    def find(self, t: int, image: np.ndarray) -> np.ndarray | None:
        """The face's box in the picture of frame t, or None."""
        # Equal pictures have equal boxes, or a still would seem to move.
        if self.last is None or not np.array_equal(image, self.last[0]):
            self.last = image, self._search(t, image)
        box = self.last[1]
        if box is not None:
            self.place = box
        return box

    def _search(self, t: int, image: np.ndarray) -> np.ndarray | None:
        place = self.place if self.chosen is None else self.chosen.box_at(t)
        lost = place is None or self.gap > 0
        near = None if lost else self.finder.box_near(image, place)
        if near is not None and not (self.alone and t % _CENSUS_EVERY == 0):
            return near
        boxes = self.finder.boxes(image)
        ours = [box for box in boxes if place is None or _may_be(box, place)]
        if self.alone and (len(boxes) > 1 or len(ours) < len(boxes)):
            raise SeveralFacesError("several faces")
        return near if near is not None or not ours else ours[0]

    def note(self, t: int, found: bool) -> None:
        """Count the frames without the face, in their order; NoFaceError when they are too many."""
        self.gap = 0 if found else self.gap + 1
        if self.max_gap is not None and self.gap > self.max_gap:
            raise NoFaceError(
                f"no face in {self.gap} frames in a row, more than {self.max_gap}, from "
                f"{(t + 1 - self.gap) / FPS:.2f} s on"
            )


def _look(
    frames: Iterable[Frame], grey: Callable[[Frame], np.ndarray], search: _Search, every: int
) -> Iterator[_Looked[Frame]]:
    """Look for the face in every `every`th frame, in the last, and wherever it may be missing."""
    passed: list[tuple[int, Frame, np.ndarray]] = []
    t = -1
    for t, frame in enumerate(frames):
        passed.append((t, frame, grey(frame)))
        if t % every == 0 or search.gap:
            yield from _look_at_last(passed, search)
            passed.clear()
    if passed:
        yield from _look_at_last(passed, search)
    if search.place is None:
        raise NoFaceError(f"no face in any of {t + 1} frames")


def _look_at_last(
    passed: list[tuple[int, Frame, np.ndarray]], search: _Search
) -> Iterator[_Looked[Frame]]:
    before = search.place
    *between, (t, frame, image) = passed
    box = search.find(t, image)
    for number, (earlier, other, other_image) in enumerate(between, 1):
        if box is not None:
            about = before + (box - before) * number / len(passed)
            if patch_likeness(other_image, about, image, box) > _SAME_FACE:
                search.note(earlier, True)
                yield _Looked(other, other_image, None, True)
                continue
        seen = search.find(earlier, other_image)
        search.note(earlier, seen is not None)
        yield _Looked(other, other_image, seen, seen is not None)
    search.note(t, box is not None)
    yield _Looked(frame, image, box, box is not None)


def _calmed(
    looked: Iterable[_Looked[Frame]], reach: int
) -> Iterator[list[tuple[_Looked[Frame], np.ndarray]]]:
    """Every frame's box, span by span.

    It is the median of `reach` detections to each side, interpolated between.
    """
    # A span ends with a detection; those that wait want detections that come after them.
    span: list[_Looked[Frame]] = []
    waiting: deque[list[_Looked[Frame]]] = deque()
    window: deque[np.ndarray] = deque(maxlen=2 * reach + 1)
    before = None
    for each in looked:
        span.append(each)
        if each.box is None:
            continue
        waiting.append(span)
        span = []
        # The first detection, and below the last, stands for those beyond the end.
        window.extend([each.box] * (1 if window else reach + 1))
        if len(window) == window.maxlen:
            after = np.median(window, axis=0)
            yield _between(waiting.popleft(), before, after)
            before = after
    while waiting:
        window.append(window[-1])
        if len(window) == window.maxlen:
            after = np.median(window, axis=0)
            yield _between(waiting.popleft(), before, after)
            before = after
    yield _between(span, before, before)


def _between(
    span: list[_Looked[Frame]], before: np.ndarray | None, after: np.ndarray
) -> list[tuple[_Looked[Frame], np.ndarray]]:
    """A span's frames, with boxes that go from that `before` it to that `after` its last."""
    start = after if before is None else before
    return [
        (each, start + (after - start) * number / len(span)) for number, each in enumerate(span, 1)
    ]


def _may_be(box: np.ndarray, place: np.ndarray) -> bool:
    """Whether a box can be that of the face last seen at `place`."""
    width, way = place[2] - place[0], np.abs((box[:2] + box[2:]) / 2 - (place[:2] + place[2:]) / 2)
    growth = (box[2] - box[0]) / width
    return bool(way.max() <= _WAY * width and 1 / _GROWTH <= growth <= _GROWTH)
