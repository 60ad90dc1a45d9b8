"""The head's pose and movements in landmarks: similarities of the points that stay calm.

A point (x, y) is the complex number x + iy here, and a similarity z -> turn * z + shift: `turn` has
the scale as its size and the rotation as its angle.
"""

import numpy as np

from emohead.features.points import CALM_POINTS


def with_pose_of(landmarks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Landmarks [T, 68, 2], frame by frame carried rigidly to where the head of `truth` is.

    The similarity is the one that best brings the calm points there, by least squares: what speech
    and expression move stays as it was. float32, in the unit of the landmarks.
    """
    turn, shift = _similarity(_complex(landmarks), _complex(truth))
    return _real(turn * _complex(landmarks) + shift)


def head_movements(landmarks: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The movements of the head of `rest` [68, 2] in landmarks [T, 68, 2]: float32 [T, 4].

    Logarithm of the scale, angle (radians, clockwise in a picture), and the shift (x, y) of the
    head's middle in head sizes: the same for a head of any size and place.
    """
    moved, still = _complex(landmarks), _complex(rest)
    turn, shift = _similarity(still, moved)
    middle, size = _middle_and_size(still)
    way = ((turn * middle + shift)[..., 0] - middle) / size
    log_turn = np.log(turn[..., 0])
    return np.stack([log_turn.real, log_turn.imag, way.real, way.imag], -1).astype(np.float32)


def move_head(landmarks: np.ndarray, movements: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Landmarks [T, 68, 2] after movements [T, 4] of a head that rests as in `rest` [68, 2]."""
    scale, angle, x, y = movements.astype(float).T[..., None]  # [T, 1] each
    middle, size = _middle_and_size(_complex(rest))
    moved = np.exp(scale + 1j * angle) * (_complex(landmarks) - middle)
    return _real(moved + middle + size * (x + 1j * y))


def _complex(points: np.ndarray) -> np.ndarray:
    return points[..., 0].astype(float) + 1j * points[..., 1].astype(float)


def _real(points: np.ndarray) -> np.ndarray:
    return np.stack([points.real, points.imag], axis=-1).astype(np.float32)


def _middle_and_size(face: np.ndarray) -> tuple[complex, float]:
    """The mean of a face's calm points, and their root mean square distance from it."""
    calm = face[list(CALM_POINTS)]
    return calm.mean(), np.sqrt(np.square(np.abs(calm - calm.mean())).mean())


def _similarity(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`turn` and `shift`, [..., 1] each, that best bring calm points [..., 68] to calm points."""
    before, after = (points[..., list(CALM_POINTS)] for points in (before, after))
    from_, to = (points.mean(-1, keepdims=True) for points in (before, after))
    before, after = before - from_, after - to
    turn = (before.conj() * after).sum(-1, keepdims=True)
    turn = turn / np.square(np.abs(before)).sum(-1, keepdims=True)
    return turn, to - turn * from_
