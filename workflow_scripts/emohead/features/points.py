"""dlib's 68 points by name."""

import numpy as np

POINTS = 68
JAW, BROWS, EYES, LIPS = slice(17), slice(17, 27), slice(36, 48), slice(48, 68)
#: Those that neither speech nor expression moves much: the head's pose is theirs.
CALM_POINTS = (*range(0, 4), *range(13, 17), *range(27, 36), 36, 39, 42, 45)
#: Facing pairs of the inner lips, upper and lower.
INNER_LIPS = ((61, 67), (62, 66), (63, 65))


def lip_opening(landmarks: np.ndarray) -> np.ndarray:
    """Mean height of the inner lips, [...] in the unit of the landmarks [..., 68, 2]."""
    upper, lower = zip(*INNER_LIPS, strict=True)
    return (landmarks[..., lower, 1] - landmarks[..., upper, 1]).mean(-1)
