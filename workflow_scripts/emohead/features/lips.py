"""Correlation of loudness and lip opening over lags: does a mouth go with a sound?"""

import numpy as np

from emohead.data.mead import FPS
from emohead.media.loudness import levels

#: Frames by which the mouth is taken later than the sound; below 0: the mouth comes first.
LAGS = tuple(range(-12, 13, 2))

# Silence before and after makes all clips alike: what is slower than this (frames) is left out.
_SLOWEST = 25


def lip_opening(landmarks: np.ndarray) -> np.ndarray:
    """How far the inner lips are apart, in eye distances: [T] of landmarks [T, 68, 2]."""
    eyes = landmarks[:, 42:48].mean(axis=1) - landmarks[:, 36:42].mean(axis=1)
    apart = np.linalg.norm(landmarks[:, 61:64] - landmarks[:, [67, 66, 65]], axis=-1).mean(axis=1)
    return apart / np.maximum(np.linalg.norm(eyes, axis=1), 1e-6)


def lip_curve(landmarks: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """The correlation of a clip's lip opening and loudness at each of `LAGS`, float64 [13].

    `landmarks` [T, 68, 2], `samples` float32 [N] at 16 kHz. 0 where one of them doesn't vary, and
    of clips that are too short.
    """
    frames = len(landmarks)
    opening = _without_drift(lip_opening(landmarks))
    loudness = _without_drift(levels(samples, frames))
    return np.array([_correlation(opening, loudness, lag) for lag in LAGS])


def write_curve(curve: np.ndarray) -> str:
    """A curve [13] as a cell of a table: per cents, separated by spaces."""
    return " ".join(f"{100 * value:.0f}" for value in curve)


def read_curve(cell: str) -> np.ndarray:
    """Read a cell that `write_curve` wrote."""
    return np.array(cell.split(), float) / 100


def lag_seconds(curve: np.ndarray) -> float:
    """The lag (seconds) at which a curve is highest."""
    return LAGS[int(np.argmax(curve))] / FPS


def _without_drift(values: np.ndarray) -> np.ndarray:
    """Values [T] less their mean over a second around."""
    half = _SLOWEST // 2
    padded = np.pad(values, half, mode="edge")
    return values - np.convolve(padded, np.ones(_SLOWEST) / _SLOWEST, "valid")


def _correlation(opening: np.ndarray, loudness: np.ndarray, lag: int) -> float:
    stop = len(opening) - abs(lag)
    if stop < _SLOWEST:
        return 0.0
    mouth = opening[max(lag, 0) :][:stop]
    sound = loudness[max(-lag, 0) :][:stop]
    mouth, sound = mouth - mouth.mean(), sound - sound.mean()
    size = np.sqrt((mouth @ mouth) * (sound @ sound))
    return float(mouth @ sound / size) if size > 1e-9 else 0.0
