"""Movements of the head, collected from training clips: a small bank that a bundle carries."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from emohead.data.mead import parse_clip_id
from emohead.features.pose import head_movements
from emohead.features.store import StoredClip

#: `emohead generate --head`: as predicted, or drawn from the bank; else a video's name.
STILL, NATURAL = "still", "natural"

# How many clips of an emotion are kept, evenly spread.
_CLIPS_OF_EMOTION = 12
#: Landmarks jitter by parts of a pixel: frames over which movements are smoothed.
SMOOTHING = 2.0
#: Frames in which a movement passes into the next one; a movement has more than two joints.
JOINT = 15


@dataclass(frozen=True)
class HeadBank:
    """Movements float32 [T, 4] of some clips, see `head_movements`, each with its emotion."""

    movements: tuple[np.ndarray, ...]
    emotions: tuple[str, ...]


#: The bank of a model whose training clips are gone.
NO_MOVEMENTS = HeadBank((), ())


def collect_movements(clips: Mapping[str, StoredClip]) -> HeadBank:
    """A small bank of the head's movements in `clips`, smoothed, about each clip's mean pose."""
    of_emotion: dict[str, list[str]] = {}
    for clip_id, clip in sorted(clips.items()):
        if clip.length > 2 * JOINT:
            of_emotion.setdefault(parse_clip_id(clip_id).emotion, []).append(clip_id)
    movements, emotions = [], []
    for emotion, clip_ids in sorted(of_emotion.items()):
        count = min(len(clip_ids), _CLIPS_OF_EMOTION)
        for i in np.linspace(0, len(clip_ids) - 1, count).round().astype(int):
            landmarks = clips[clip_ids[i]].landmarks
            moved = head_movements(landmarks, landmarks.mean(axis=0))
            movements.append(gaussian_filter1d(moved, SMOOTHING, axis=0, mode="nearest"))
            emotions.append(emotion)
    return HeadBank(tuple(movements), tuple(emotions))
