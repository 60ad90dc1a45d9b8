"""The metrics of Table 1 by the headline convention: see docs/metrics.md.

Frame metrics take uint8 [S, S, 3] RGB pictures, landmark metrics [T, 68, 2] in one unit.
"""

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from emohead.points import LIPS, lip_opening

#: Landmark distances are given in pixels of a crop of this size, whatever the crop's own.
LANDMARK_CROP = 128


def landmark_distance(ours: np.ndarray, truth: np.ndarray) -> float:
    """F-LMD: mean distance per point after the centroid of each frame's points is removed.

    Over all points and frames of [T, N, 2] (evaluation_eat `code/test_lmd.py`).
    """
    return float(np.linalg.norm(_centred(ours) - _centred(truth), axis=-1).mean())


def mouth_distance(ours: np.ndarray, truth: np.ndarray) -> float:
    """M-LMD: `landmark_distance` of points 48-67 about the mouth's own centroid."""
    return landmark_distance(ours[:, LIPS], truth[:, LIPS])


def lip_correlation(ours: np.ndarray, truth: np.ndarray) -> float:
    """Pearson correlation of the inner lips' opening over a clip; nan where one never moves."""
    a, b = lip_opening(ours), lip_opening(truth)
    if a.std() < 1e-6 or b.std() < 1e-6:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, RGB, data range 255; infinite for equal pictures."""
    with np.errstate(divide="ignore"):
        return float(peak_signal_noise_ratio(truth, image, data_range=255))


def ssim(image: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity, RGB, 7x7 uniform window, data range 255 (scikit-image)."""
    return float(structural_similarity(truth, image, channel_axis=2, data_range=255))


def face_box(landmarks: np.ndarray, size: int, margin: float = 0.05) -> tuple[slice, slice]:
    """Rows and columns of the box around a clip's landmarks [T, 68, 2], px, in a crop of `size`.

    `margin` is a fraction of the crop, added on each side.
    """
    low = np.floor(landmarks.min((0, 1)) - margin * size).astype(int).clip(0, size - 1)
    high = np.ceil(landmarks.max((0, 1)) + margin * size).astype(int).clip(1, size)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _centred(points: np.ndarray) -> np.ndarray:
    return points - points.mean(axis=1, keepdims=True)
