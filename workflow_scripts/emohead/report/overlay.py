"""The landmark overlay of the page's videos: a clip's landmarks as few bytes."""

import numpy as np

from emohead.translator.drawing import PARTS

UNITS_PER_PIXEL = 16  # so a point is at most 1/32 px off


def encode_landmarks(landmarks: np.ndarray) -> bytes | None:
    """Landmarks [T, 68, 2] in pixels as little-endian int16, in 1/16 px; None if any is not finite.

    That is how a method without landmarks of its own, such as a folder of videos, is stored.
    """
    if not np.isfinite(landmarks).all():
        return None
    units = np.rint(landmarks * UNITS_PER_PIXEL)
    limits = np.iinfo(np.int16)
    return units.clip(limits.min, limits.max).astype("<i2").tobytes()


def face_lines() -> list[list[int]]:
    """The polylines of a face as point indices; a closed one ends where it begins."""
    return [
        [*map(int, line), *([int(line[0])] if part.closed else [])]
        for part in PARTS.values()
        for line in part.lines
    ]
