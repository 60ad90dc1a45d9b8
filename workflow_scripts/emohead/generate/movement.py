"""Movements besides speech: of the head, drawn or taken from a video, and blinks.

The sound tells neither; evaluation uses none of this.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from emohead.data.mead import EMOTIONS, FPS
from emohead.features.faces import FaceFinder, NoFaceError
from emohead.features.pose import head_movements, move_head
from emohead.features.tracking import follow_face
from emohead.generate.head_bank import JOINT, SMOOTHING, HeadBank
from emohead.media.reading import iterate_frames, luma

# A video's face is looked for this often; frames between follow.
_DETECT_EVERY = 10

# Upper lids with the lower ones that they meet.
_LIDS = ((37, 41), (38, 40), (43, 47), (44, 46))
# How far lids are shut, frame by frame: down quickly, up slowly (some .3 s in all).
_BLINK = np.array([0.4, 0.85, 1.0, 0.8, 0.5, 0.25, 0.1])
# The upper lid's way down to the lower one: lashes cover the rest. From .8 on the warp's spline
# tears the brow down, too.
_SHUT = 0.7
# Seconds between two blinks: log-normal, some fifteen a minute.
_BLINK_MEDIAN, _BLINK_SPREAD, _BLINK_LEAST = 3.6, 0.45, 1.0


class Head(ABC):
    """A head that moves: `take` gives its next frames."""

    @abstractmethod
    def take(self, emotions: Sequence[str | None]) -> np.ndarray:
        """The movements [t, 4] of the next frames, whose emotions these are, where known."""


class NaturalHead(Head):
    """Movements of a bank one after the other, drawn by the emotion in which each begins.

    They begin at rest, and pass into each other without a jump. The same seed gives the same
    movements, however many frames are taken at a time.
    """

    def __init__(self, bank: HeadBank, seed: int = 0) -> None:
        self._bank, self._random = bank, np.random.default_rng(seed)
        self._ready = np.zeros((0, 4), np.float32)
        self._ending = np.zeros((JOINT, 4), np.float32)

    def take(self, emotions: Sequence[str | None]) -> np.ndarray:
        """See `Head.take`."""
        while len(self._ready) < len(emotions):
            self._add(emotions[len(self._ready)])
        taken, self._ready = np.split(self._ready, [len(emotions)])
        return taken

    def _add(self, emotion: str | None) -> None:
        places = [i for i, each in enumerate(self._bank.emotions) if each == emotion]
        movement = self._bank.movements[self._random.choice(places or len(self._bank.movements))]
        if self._random.random() < 0.5:  # as in the mirror: turns and shifts to the other side
            movement = movement * np.array([1, -1, -1, 1], np.float32)
        share = (np.arange(JOINT, dtype=np.float32) + 1)[:, None] / (JOINT + 1)
        share = share**2 * (3 - 2 * share)
        joint = self._ending + share * (movement[:JOINT] - self._ending)
        self._ready = np.concatenate([self._ready, joint, movement[JOINT:-JOINT]])
        self._ending = movement[-JOINT:]


class VideoHead(Head):
    """The movements of the face of a video, forth and back where the sound is longer.

    Raises ValueError for a video that can't be read (MediaError) or shows no face (NoFaceError).
    """

    def __init__(self, video: Path, finder: FaceFinder) -> None:
        seen = follow_face(iterate_frames(video), luma, finder, every=_DETECT_EVERY)
        try:
            landmarks = np.stack([each.landmarks for each in seen])
        except NoFaceError as error:
            raise NoFaceError(f"{video}: no face whose movements could be taken") from error
        moved = head_movements(landmarks, landmarks[0])
        self._movements = gaussian_filter1d(moved, SMOOTHING / 2, axis=0, mode="nearest")
        self._next = 0

    def take(self, emotions: Sequence[str | None]) -> np.ndarray:
        """See `Head.take`."""
        last = len(self._movements) - 1
        frames = self._next + np.arange(len(emotions))
        self._next += len(emotions)
        return self._movements[last - np.abs(frames % max(2 * last, 1) - last)]


class Blinks:
    """When the lids close: `take` gives their closure in the next frames, 0 to 1, [t]."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng([seed, 1])
        self._ready = np.zeros(0, np.float32)

    def take(self, count: int) -> np.ndarray:
        """The next frames' closure."""
        while len(self._ready) < count:
            seconds = self._random.lognormal(np.log(_BLINK_MEDIAN), _BLINK_SPREAD)
            open_ = np.zeros(round(FPS * max(seconds, _BLINK_LEAST)))
            self._ready = np.concatenate([self._ready, open_, _BLINK])
        taken, self._ready = np.split(self._ready, [count])
        return taken


def close_lids(landmarks: np.ndarray, closure: np.ndarray) -> np.ndarray:
    """Landmarks [T, 68, 2] with the upper lids lowered by the closure [T] of each frame."""
    closed = landmarks.copy()
    for upper, lower in _LIDS:
        way = landmarks[:, lower] - landmarks[:, upper]
        closed[:, upper] += _SHUT * closure[:, None].astype(np.float32) * way
    return closed


class Movement:
    """All that is added to predicted landmarks; `rest` [68, 2] are those of the portrait."""

    def __init__(self, rest: np.ndarray, head: Head | None, blinks: Blinks | None) -> None:
        self._rest, self._head, self._blinks = rest, head, blinks

    def __call__(self, landmarks: np.ndarray, emotion_logits: np.ndarray | None) -> np.ndarray:
        """The next landmarks [t, 68, 2], whose emotion has these logits [t, 8], if any."""
        if self._blinks is not None:
            landmarks = close_lids(landmarks, self._blinks.take(len(landmarks)))
        if self._head is not None:
            emotions = [None] * len(landmarks)
            if emotion_logits is not None:
                emotions = [EMOTIONS[i] for i in emotion_logits.argmax(axis=1)]
            landmarks = move_head(landmarks, self._head.take(emotions), self._rest)
        return landmarks
