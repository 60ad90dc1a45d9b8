"""Classifiers that judge a clip's emotion by its landmarks and by its pictures.

Linear classifiers of what a clip shows on average over time, so that judging the mean of a clip is
the mean of judging its frames. `judge_fitting` fits them on real clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emohead.data.mead import EMOTIONS
from emohead.files import whole_file

#: A picture judge looks at every fifth frame, in grey, this many pixels wide.
PICTURE_EVERY = 5
_PICTURE_SIZE = 32


@dataclass(frozen=True)
class Judge:
    """A linear classifier of features [F] into `emotions`, with `weights` [E, F] and `bias` [E].

    With fewer than two emotions it judges nothing.
    """

    emotions: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray

    def name(self, features: np.ndarray) -> str | None:
        """The emotion of a clip by its features [F]; None for nan, or with nothing to choose."""
        if len(self.emotions) < 2 or np.isnan(features).any():
            return None
        return self.emotions[int(np.argmax(self.weights @ features + self.bias))]


@dataclass(frozen=True)
class EmotionJudges:
    """The two judges, of `landmark_features` and of `picture_features`."""

    landmarks: Judge
    pixels: Judge


def landmark_features(landmarks: np.ndarray, crop_size: int) -> np.ndarray:
    """Mean face of a clip, [136]: of [T, 68, 2], px, each frame's centroid removed, per crop."""
    centred = landmarks - landmarks.mean(axis=1, keepdims=True)
    return centred.mean(axis=0).ravel() / crop_size


def small_grey(frame: np.ndarray) -> np.ndarray:
    """A frame uint8 [S, S, 3] in grey and small, as the picture judge sees it, uint8 [32, 32]."""
    size = (_PICTURE_SIZE, _PICTURE_SIZE)
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)


def picture_features(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of `small_grey` pictures, [1024], 0 to 1."""
    return np.mean(pictures, axis=0).ravel() / 255


def save_judges(path: Path, judges: EmotionJudges) -> None:
    """Write the judges to an .npz file."""
    arrays = {}
    for name, judge in vars(judges).items():
        arrays[f"{name}/emotions"] = np.array([EMOTIONS.index(e) for e in judge.emotions], int)
        arrays[f"{name}/weights"], arrays[f"{name}/bias"] = judge.weights, judge.bias
    with whole_file(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def load_judges(path: Path) -> EmotionJudges:
    """Read what `save_judges` wrote."""
    with np.load(path) as arrays:
        return EmotionJudges(
            **{
                name: Judge(
                    tuple(EMOTIONS[index] for index in arrays[f"{name}/emotions"]),
                    arrays[f"{name}/weights"],
                    arrays[f"{name}/bias"],
                )
                for name in ("landmarks", "pixels")
            }
        )
