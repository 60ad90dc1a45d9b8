"""How a face moves and keeps still, by itself: five of THEval's metrics, and the head's motion.

Quignon et al., "THEval", CVPR 2026 (Newbyl/THEval): the five that need no weights, with dlib's 68
points instead of MediaPipe's, loudness instead of Silero's detector of speech, and the head's pose
from points instead of FaceXFormer's. None has a better side by itself: a method should have what
the true clips have.

Points are [T, 68, 2] in pixels of a crop of 256, the lips' opening and whether somebody speaks [T].
"""

from itertools import combinations

import numpy as np
from scipy.spatial.transform import Rotation

from emohead.data.mead import FPS
from emohead.evaluation.scores import Values
from emohead.features.average_head import HEAD, RIGID
from emohead.features.points import INNER_LIPS, LIPS
from emohead.media.loudness import speech_frames
from emohead.media.sound import SAMPLE_RATE

#: Pixels of the crop that distances are counted in.
_SIZE = 256
_BROWS_AND_EYES = ((slice(17, 22), slice(36, 42)), (slice(22, 27), slice(42, 48)))
_OUTER_CORNERS = (36, 45)
# Share of speech below which THEval compares no lips with the sound.
_LEAST_SPEECH = 0.1
# Seconds of its windows of loudness.
_WINDOW = 0.05

# Frames over which the angles are averaged before steps are taken, for dlib's noise.
_CALM = 5


def dynamics_values(landmarks: np.ndarray, truth: np.ndarray, samples: np.ndarray) -> Values:
    """All metrics of a clip: landmarks [T, 68, 2] in crop sizes, rendered and true; its sound.

    `samples` float32 [T * 640], 16 kHz. nan where a value can't be had.
    """
    points = landmarks * _SIZE
    opening = lip_openings(points)
    speech = speech_frames(samples, len(points))
    angles, true_angles = head_angles(landmarks), head_angles(truth)
    return {
        ("lip_dynamics", "theval"): lip_dynamics(points),
        ("brow_dynamics", "theval"): brow_dynamics(points),
        ("head_dynamics", "theval"): head_dynamics(angles, points),
        ("silent_lips", "theval"): silent_lips(opening, speech),
        ("lip_loudness", "theval"): lip_loudness(opening, speech, samples),
        ("head_motion", "diversity"): float(angles.std(axis=0).mean()),
        ("head_motion", "ratio"): _ratio(_speed(angles), _speed(true_angles)),
    }


def lip_dynamics(points: np.ndarray) -> float:
    """The distances of all pairs of lip points: standard deviation over time, mean; px."""
    lips = points[:, LIPS]
    first, second = np.array(list(combinations(range(lips.shape[1]), 2))).T
    distances = np.linalg.norm(lips[:, first] - lips[:, second], axis=-1)  # [T, pairs]
    return float(distances.std(axis=0).mean())


def brow_dynamics(points: np.ndarray) -> float:
    """How far the brows' distances from the eyes change from frame to frame, in eye distances."""
    eyes = [points[:, eye].mean(axis=1) for _, eye in _BROWS_AND_EYES]
    scale = np.linalg.norm(eyes[0] - eyes[1], axis=1)
    steps = [
        np.abs(np.diff(np.linalg.norm(points[:, brow].mean(axis=1) - eye, axis=1) / scale))
        for (brow, _), eye in zip(_BROWS_AND_EYES, eyes, strict=True)
    ]
    return float(np.mean(steps)) if len(points) > 1 else float("nan")


def head_angles(landmarks: np.ndarray) -> np.ndarray:
    """Roll, yaw and pitch of the head, degrees, [T, 3], of landmarks [T, 68, 2] in any unit.

    The orthographic view of an average head that fits the points least badly; nan for nan. By a
    rough model an angle is off by a factor, which a ratio to the true one doesn't see.
    """
    head = HEAD - HEAD.mean(axis=0)
    seen = landmarks[:, RIGID] * [1, -1]  # y of a picture goes down
    seen = seen - seen.mean(axis=1, keepdims=True)
    views = np.swapaxes(seen, 1, 2) @ np.linalg.pinv(head).T  # [T, 2, 3]
    found = np.full((len(views), 3), np.nan)
    known = np.isfinite(views).all(axis=(1, 2))
    if known.any():
        left, _, right = np.linalg.svd(views[known], full_matrices=False)
        rows = left @ right  # the nearest two rows of a rotation
        rotations = np.concatenate([rows, np.cross(rows[:, :1], rows[:, 1:])], axis=1)
        found[known] = Rotation.from_matrix(rotations).as_euler("zyx", degrees=True)
    return found


def head_dynamics(angles: np.ndarray, points: np.ndarray) -> float:
    """√(mean sd of angles · mean variance of their steps + mean variance of the face's place)."""
    if len(points) < 3:
        return float("nan")
    steps = np.diff(angles, axis=0).var(axis=0).mean()
    place = points.mean(axis=1).var(axis=0).mean()
    return float(np.sqrt(angles.std(axis=0).mean() * steps + place))


def lip_openings(points: np.ndarray) -> np.ndarray:
    """Mean height between the inner lips, in distances of the eyes' outer corners, [T]."""
    upper, lower = zip(*INNER_LIPS, strict=True)
    right, left = _OUTER_CORNERS
    height = np.abs(points[:, lower, 1] - points[:, upper, 1]).mean(axis=1)
    return height / np.linalg.norm(points[:, right] - points[:, left], axis=1)


def silent_lips(opening: np.ndarray, speech: np.ndarray) -> float:
    """Median distance of the lips' opening in silence from its mean there; nan without silence."""
    silent = opening[~speech]
    if len(silent) < 2:
        return float("nan")
    return float(np.median(np.abs(silent - silent.mean())))


def lip_loudness(opening: np.ndarray, speech: np.ndarray, samples: np.ndarray) -> float:
    """Mean distance of opening and loudness in speech, each brought to 0 to 1; nan without."""
    if speech.mean() < _LEAST_SPEECH or speech.sum() < 2:
        return float("nan")
    loudness = _window_loudness(samples, len(opening))
    return float(np.abs(_spread(opening[speech]) - _spread(loudness[speech])).mean())


def _window_loudness(samples: np.ndarray, frames: int) -> np.ndarray:
    """Root mean square of windows of 50 ms, side by side, between their middles; [frames]."""
    size = round(_WINDOW * SAMPLE_RATE)
    count = 1 + len(samples) // size
    padded = np.pad(samples.astype(float), size // 2)
    padded = np.pad(padded, (0, max(0, count * size - len(padded))))[: count * size]
    windows = np.sqrt((padded.reshape(count, size) ** 2).mean(axis=1))
    return np.interp(np.arange(frames) / FPS, np.arange(count) * _WINDOW, windows)


def _spread(values: np.ndarray) -> np.ndarray:
    return (values - values.min()) / (np.ptp(values) + 1e-8)


def _speed(angles: np.ndarray) -> float:
    """Degrees a frame that the head turns, of angles [T, 3] calmed over five frames."""
    if len(angles) <= _CALM:
        return float("nan")
    sums = np.cumsum(np.concatenate([np.zeros((1, 3)), angles]), axis=0)
    calm = (sums[_CALM:] - sums[:-_CALM]) / _CALM
    return float(np.linalg.norm(np.diff(calm, axis=0), axis=1).mean())


def _ratio(ours: float, truth: float) -> float:
    return ours / truth if truth > 0 else float("nan")
