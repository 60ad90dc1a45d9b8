"""Compares somebody's video with the true clip: mistakes that scores would blame on the method."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emohead.data.mead import FPS
from emohead.features.faces import FaceFinder
from emohead.features.lips import lip_opening

# A face of less than this part of the largest one's area is somebody in the background.
_LEAST_AREA = 0.25
# Correlations: how much better the mirrored, or moved, video must go with the truth.
_CLEARLY = 0.1
# Frames. The lips of a method may follow the sound as they like; this is seen (.2 s).
_LATE, _REACH = 5, 12
_SURE = 0.5
# Red and blue are swapped if exchanging them leaves less than this of the colours' distance.
_SWAPPED = 0.7


def count_faces(image: np.ndarray, finder: FaceFinder) -> int:
    """The faces of a picture uint8 [H, W] that may be the one that is meant, for their size."""
    boxes = finder.boxes(image)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return int(np.count_nonzero(areas > _LEAST_AREA * areas.max(initial=0)))


@dataclass(frozen=True)
class Comparison:
    """Signs of a mistake in a video; `lip_lag` in frames, None where that isn't sure."""

    mirrored: bool
    exchanged: bool
    lip_lag: int | None

    @property
    def words(self) -> list[str]:
        """The same in words, as far as it is sure of one clip alone."""
        found = ["left and right seem to be exchanged"] * self.mirrored
        found += ["red and blue seem to be exchanged"] * self.exchanged
        late = self.lip_lag or 0
        if abs(late) >= _LATE:
            word = "later" if late > 0 else "earlier"
            found.append(f"the lips move {abs(late) / FPS:.2f} s {word} than the true ones")
        return found


def compare(
    frames: Sequence[np.ndarray],
    truth: Sequence[np.ndarray],
    landmarks: np.ndarray,
    true_landmarks: np.ndarray,
) -> Comparison:
    """Signs of a mistake in a video that was placed in the true clip's crop.

    `frames` and `truth` are some frames of both, uint8 [S, S, 3], the same ones; the landmarks
    [T, 68, 2], in any pixels, are of all frames.
    """
    pairs = list(zip(frames, truth, strict=True))
    as_is = np.mean([_correlation(ours, theirs) for ours, theirs in pairs])
    mirrored = np.mean([_correlation(ours[:, ::-1], theirs) for ours, theirs in pairs])
    is_mirrored = bool(mirrored > as_is + _CLEARLY)
    flip = slice(None, None, -1 if is_mirrored else 1)
    apart, exchanged = (
        np.mean([_distance(ours[:, flip, order], theirs) for ours, theirs in pairs])
        for order in ([0, 1, 2], [2, 1, 0])
    )
    is_exchanged = bool(exchanged < _SWAPPED * apart)
    return Comparison(is_mirrored, is_exchanged, _lip_lag(landmarks, true_landmarks))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    a, b = (image.mean(axis=2).ravel() for image in (one, other))
    return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else 0.0


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Between the mean colours of both, so that sharpness and place don't count."""
    a, b = (image.reshape(-1, 3).mean(axis=0) for image in (one, other))
    return float(np.linalg.norm(a - b))


def _lip_lag(landmarks: np.ndarray, truth: np.ndarray) -> int | None:
    """Frames by which the lips move later than the true ones; None where that isn't sure."""
    length = min(len(landmarks), len(truth))
    ours, theirs = lip_opening(landmarks[:length]), lip_opening(truth[:length])
    if length < 3 * _REACH:
        return None
    curve = {}
    for lag in range(-_REACH, _REACH + 1):
        a, b = ours[max(lag, 0) : length + min(lag, 0)], theirs[max(-lag, 0) : length - max(lag, 0)]
        curve[lag] = float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else 0.0
    best = max(curve, key=curve.__getitem__)
    if curve[best] <= _SURE:
        return None
    return best if curve[best] > curve[0] + _CLEARLY else 0
