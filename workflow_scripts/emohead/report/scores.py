"""Per-clip scores from disk and their means: over clips per seed, then over seeds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.report.methods import Method

METRICS = ("f_lmd", "m_lmd", "ssim", "psnr")
COUNTS = ("frames", "faces_missed")


@dataclass(frozen=True)
class Score:
    """A mean over seeds and the standard deviation over seeds (NaN for a single seed)."""

    mean: float
    sd: float


def read_scores(method: Method, seeds: Sequence[int] | None = None) -> pd.DataFrame:
    """The rows of `<method.path>/seed<k>/clips.csv` with a column `seed`, sorted by seed and clip.

    `seeds=None` takes every seed folder there is. ValueError if a file or a column is missing.
    """
    if not method.path.is_dir():
        raise ValueError(f"method {method.id!r}: no folder {method.path}: run its evaluation first")
    found = seeds if seeds is not None else _seeds_in(method.path)
    if not found:
        raise ValueError(f"method {method.id!r}: no seed<k> folder in {method.path}")
    parts = []
    for seed in sorted(found):
        path = method.path / f"seed{seed}" / "clips.csv"
        if not path.is_file():
            raise ValueError(f"method {method.id!r}: no {path}: run its evaluation first")
        part = pd.read_csv(path)
        missing = [name for name in ("clip_id", "emotion", *COUNTS, *METRICS) if name not in part]
        if missing:
            raise ValueError(f"{path}: no column {', '.join(missing)}: evaluate again")
        if part.empty:
            raise ValueError(f"{path}: no clips: the test part of the split is empty")
        parts.append(part.assign(seed=seed))
    scores = pd.concat(parts, ignore_index=True)
    return scores.sort_values(["seed", "clip_id"], ignore_index=True)


def check_same_clips(scores: dict[str, pd.DataFrame]) -> None:
    """ValueError unless every seed of every method has the same clips, or means mislead."""
    expected: set[str] | None = None
    for method_id, rows in scores.items():
        for seed, part in rows.groupby("seed"):
            clips = set(part["clip_id"])
            expected = clips if expected is None else expected
            if clips != expected:
                odd = ", ".join(sorted(clips ^ expected)[:3])
                raise ValueError(
                    f"method {method_id!r}, seed {seed} is not scored on the same clips as the "
                    f"others (for example {odd}): evaluate all methods on one split"
                )


def score(rows: pd.DataFrame, metric: str) -> Score:
    """Mean over clips (those with a value) per seed, then mean and sd (n - 1) over seeds."""
    values = [part[metric].to_numpy(float) for _, part in rows.groupby("seed")]
    seed_means = np.array([_mean(part[~np.isnan(part)]) for part in values])
    spread = np.std(seed_means, ddof=1) if _all_finite(seed_means) else np.nan
    return Score(_mean(seed_means), float(spread))


def scores_by_emotion(rows: pd.DataFrame, metric: str) -> dict[str, Score]:
    """`score` of the clips of each emotion, in alphabetical order."""
    return {str(emotion): score(part, metric) for emotion, part in rows.groupby("emotion")}


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _all_finite(values: np.ndarray) -> bool:
    return len(values) > 1 and bool(np.isfinite(values).all())


def _seeds_in(folder: Path) -> list[int]:
    matches = (re.fullmatch(r"seed(\d+)", path.name) for path in folder.iterdir())
    return [int(match[1]) for match in matches if match]
