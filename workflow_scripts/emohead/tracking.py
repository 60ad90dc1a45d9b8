"""One face followed through a video: detection now and then, landmarks on every frame.

Works on a stream: a few frames are held at a time, however long the video is.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from emohead.faces import FaceFinder, NoFaceError, overlap

Frame = TypeVar("Frame")

# The box alone moves the points by 1.6 % of the eye distance; a running median calms it. Over
# detections, so that it spans less time where all frames are searched.
_CALMING, _CALMING_BETWEEN = 5, 3
# All of a frame is searched this often, to see whether there are several faces.
_CENSUS_EVERY = 50
# A face that comes back may have moved by this many of its widths, and changed size by this much.
_WAY, _GROWTH = 1.0, 1.8


class SeveralFacesError(NoFaceError):
    """A video that shows more than one face: one must be chosen first, see `choose_face`."""


@dataclass(frozen=True)
class Seen(Generic[Frame]):
    """A frame with the followed face: `landmarks` float32 [68, 2] in pixels of the frame.

    `found` is False where the detector saw no face and the box was interpolated.
    """

    frame: Frame
    landmarks: np.ndarray
    found: bool


@dataclass(frozen=True)
class FaceTrack:
    """The face of one video: `landmarks` float32 [T, 68, 2] in pixels, `found` bool [T]."""

    landmarks: np.ndarray
    found: np.ndarray


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
    follower = _Follower(grey, finder, every, max_gap, chosen, alone)
    for frame in frames:
        follower.add(frame)
        yield from follower.ready()
    yield from follower.finish()


def track_face(images: Iterable[np.ndarray], finder: FaceFinder) -> FaceTrack:
    """Follow the face of pictures uint8 [H, W, 3], looking for it in each of them.

    Raises NoFaceError when none has a face.
    """
    seen = list(follow_face(images, lambda image: image, finder, every=1))
    return FaceTrack(
        np.stack([each.landmarks for each in seen]), np.array([each.found for each in seen])
    )


@dataclass
class _Follower(Generic[Frame]):
    grey: Callable[[Frame], np.ndarray]
    finder: FaceFinder
    every: int
    max_gap: int | None
    chosen: ChosenFace | None
    alone: bool
    count: int = 0
    waiting: deque[tuple[int, Frame]] = field(default_factory=deque)
    missed: set[int] = field(default_factory=set)
    gap: int = 0
    # Frames in which the face was found, with its box as detected and as calmed.
    detected: list[tuple[int, np.ndarray]] = field(default_factory=list)
    calmed: list[tuple[int, np.ndarray]] = field(default_factory=list)
    last_search: tuple[np.ndarray, np.ndarray | None] | None = None
    last_seen: Seen[Frame] | None = None

    @property
    def reach(self) -> int:
        """Detections to each side that a box is calmed with."""
        return (_CALMING if self.every == 1 else _CALMING_BETWEEN) // 2

    def add(self, frame: Frame) -> None:
        t, self.count = self.count, self.count + 1
        self.waiting.append((t, frame))
        if t % self.every and not self.gap:
            return
        image = self.grey(frame)
        if self.alone and t % _CENSUS_EVERY == 0:
            faces = self.finder.boxes(image)
            if len(faces) > 1:
                raise SeveralFacesError("several faces")
            if len(faces) == 1 and not self.detected:
                self.last_search = image, faces[0]
        box = self._find(t, image)
        if box is None and not self.gap:
            # The frames that were passed over since the last detection.
            last = self.detected[-1][0] if self.detected else -1
            for earlier, passed in [each for each in self.waiting if last < each[0] < t]:
                self._note(earlier, self._find(earlier, self.grey(passed)))
        self._note(t, box)

    def _find(self, t: int, image: np.ndarray) -> np.ndarray | None:
        """The followed face's box in a picture, or None."""
        # Equal pictures have equal boxes, or a still would seem to move.
        if self.last_search is None or not np.array_equal(image, self.last_search[0]):
            self.last_search = image, self._search(t, image)
        return self.last_search[1]

    def _search(self, t: int, image: np.ndarray) -> np.ndarray | None:
        place = self.detected[-1][1] if self.detected else None
        if place is None and self.chosen is not None:
            place = self.chosen.box_at(t)
        near = self.finder.box_near(image, place) if place is not None and not self.gap else None
        if near is not None:
            return near
        boxes = self.finder.boxes(image)
        if place is not None:
            boxes = [box for box in boxes if _may_be(box, place)]
        return boxes[0] if len(boxes) else None

    def _note(self, t: int, box: np.ndarray | None) -> None:
        if box is not None:
            self.gap = 0
            self.detected.append((t, box))
            return
        self.missed.add(t)
        self.gap += 1
        if self.max_gap is not None and self.gap > self.max_gap:
            raise NoFaceError(f"no face in {self.gap} frames in a row, more than {self.max_gap}")

    def ready(self, *, final: bool = False) -> Iterator[Seen[Frame]]:
        """The waiting frames whose boxes are settled."""
        for i in range(len(self.calmed), len(self.detected) - (0 if final else self.reach)):
            about = np.clip(range(i - self.reach, i + self.reach + 1), 0, len(self.detected) - 1)
            calm = np.median([self.detected[j][1] for j in about], axis=0)
            self.calmed.append((self.detected[i][0], calm))
        while self.waiting and self.calmed and (final or self.waiting[0][0] <= self.calmed[-1][0]):
            t, frame = self.waiting.popleft()
            yield self._see(t, frame)

    def _see(self, t: int, frame: Frame) -> Seen[Frame]:
        # The last few detections are enough: the others lie before every waiting frame.
        times, boxes = zip(*self.calmed[-2 * self.every - 2 * self.reach - 2 :], strict=True)
        box = np.array([np.interp(t, times, side) for side in np.array(boxes).T])
        if self.last_seen is not None and frame is self.last_seen.frame:
            landmarks = self.last_seen.landmarks
        else:
            landmarks = self.finder.landmarks(self.grey(frame), box)
        self.last_seen = Seen(frame, landmarks, t not in self.missed)
        return self.last_seen

    def finish(self) -> Iterator[Seen[Frame]]:
        if not self.detected:
            raise NoFaceError(f"no face in any of {self.count} frames")
        yield from self.ready(final=True)


def _may_be(box: np.ndarray, place: np.ndarray) -> bool:
    """Whether a box can be that of the face last seen at `place`."""
    width, way = place[2] - place[0], np.abs((box[:2] + box[2:]) / 2 - (place[:2] + place[2:]) / 2)
    growth = (box[2] - box[0]) / width
    return bool(way.max() <= _WAY * width and 1 / _GROWTH <= growth <= _GROWTH)
