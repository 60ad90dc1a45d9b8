"""Distances of landmarks, and the lips' opening against the true one.

Landmarks are [T, 68, 2] in one unit, the first frame left out, rendered beside true.
"""

import numpy as np

from emohead.evaluation.scores import Values
from emohead.features.points import JAW, LIPS, lip_opening

#: The points that each distance is taken over.
PARTS = {"f": slice(None), "m": LIPS, "jaw": JAW}
#: How far the lips may be late or early, in frames.
MAX_LAG = 5
# A mouth whose opening varies by less than this, in the unit of the landmarks, doesn't move.
_STILL = 1e-6


def landmark_values(ours: np.ndarray, truth: np.ndarray, points: str) -> Values:
    """All metrics of landmarks [T, 68, 2], in crop sizes, that are `redetected` or `predicted`."""
    values: dict[tuple[str, str], float] = {}
    for size in (128, 256):
        a, b = ours * size, truth * size
        for centring in ("centred", "raw"):
            convention, centred = f"{points}/{centring}/{size}", centring == "centred"
            for part, chosen in PARTS.items():
                x, y = a[:, chosen], b[:, chosen]
                values[f"{part}_lmd", convention] = landmark_distance(x, y, centred=centred)
                if part != "jaw":
                    values[f"{part}_lvd", convention] = velocity_distance(x, y, centred=centred)
        if points == "redetected" and size == 128:
            values["m_lmd", "atvg_sum"] = summed_mouth_distance(a, b)
    values["lip_correlation", points] = lip_correlation(ours, truth)
    values["lip_lag", points] = lip_lag(ours, truth)
    return values


def landmark_distance(ours: np.ndarray, truth: np.ndarray, *, centred: bool) -> float:
    """LMD: mean Euclidean distance over all points and frames of [T, N, 2].

    `centred` removes the centroid of the N points from every frame (EAT, evaluation_eat
    `code/test_lmd.py`; ATVG `code/evaluation_matrix.py`); else the head's place counts, too.
    """
    if centred:
        ours, truth = _centred(ours), _centred(truth)
    return float(np.linalg.norm(ours - truth, axis=-1).mean())


def velocity_distance(ours: np.ndarray, truth: np.ndarray, *, centred: bool) -> float:
    """LVD: as `landmark_distance`, of the steps from frame to frame (EVP, EAMM).

    nan for a single frame, which has no step.
    """
    if len(ours) < 2:
        return float("nan")
    if centred:
        ours, truth = _centred(ours), _centred(truth)
    return landmark_distance(np.diff(ours, axis=0), np.diff(truth, axis=0), centred=False)


def summed_mouth_distance(ours: np.ndarray, truth: np.ndarray) -> float:
    """ATVG's LMD: summed over the 20 mouth points, not averaged, and mean over frames."""
    distances = np.linalg.norm(_centred(ours[:, LIPS]) - _centred(truth[:, LIPS]), axis=-1)
    return float(distances.sum(axis=1).mean())


def lip_correlation(ours: np.ndarray, truth: np.ndarray) -> float:
    """Pearson correlation of the inner lips' opening over a clip; nan where one never moves."""
    return _correlation(lip_opening(ours), lip_opening(truth))


def lip_lag(ours: np.ndarray, truth: np.ndarray) -> float:
    """Frames in [-MAX_LAG, MAX_LAG] by which the rendered lips are late, negative when early.

    It is the shift with the greatest correlation of the opening, and of equals the smallest; nan
    where a mouth never moves, or for fewer than 4 * MAX_LAG frames.
    """
    a, b = lip_opening(ours), lip_opening(truth)
    frames = len(a)
    if frames < 4 * MAX_LAG or np.isnan(_correlation(a, b)):
        return float("nan")
    best, lag = -np.inf, 0
    for shift in sorted(range(-MAX_LAG, MAX_LAG + 1), key=abs):
        # Where we are late by `shift`, our frame t shows what the truth shows at t - shift.
        late, on_time = a[max(shift, 0) : frames + min(shift, 0)], b[max(-shift, 0) :]
        correlation = _correlation(late, on_time[: len(late)])
        if correlation > best + 1e-9:
            best, lag = correlation, shift
    return float(lag)


def _centred(points: np.ndarray) -> np.ndarray:
    return points - points.mean(axis=1, keepdims=True)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    # Written so that a landmark that is nan gives nan.
    if not (a.std() > _STILL and b.std() > _STILL):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
