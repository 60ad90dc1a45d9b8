"""Table 2: the methods' ratings with intervals, and their correlation with the metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.published import PAPER_LABELS, TABLE_2
from emohead.evaluation.statistics import (
    CONFIDENCE,
    DRAWS,
    RANDOM_SEED,
    Difference,
    holm,
    paired_difference,
)
from emohead.evaluation.summary import BUILT_IN, of_reference, table_of
from emohead.study.agreement import icc2, krippendorff_alpha
from emohead.study.answers import Answers
from emohead.study.key import SCALES, Key
from emohead.study.ratings import rating_array

#: The metrics that ratings are correlated with.
ASSOCIATED: dict[str, tuple[Metric, ...]] = {
    "ls": (metric("m_lmd", HEADLINE["m_lmd"]), metric("lip_correlation", "redetected")),
    "vpq": (
        metric("ssim", "frame"),
        metric("psnr", "frame"),
        metric("psnr_legacy", "grey_wrapped"),
        metric("sharpness", "cpbd"),
    ),
}
FEW_RATERS, MOST_EXCLUDED = 24, 0.3
_CORRELATION_DRAWS = 2000


@dataclass(frozen=True)
class Row:
    """A method: its means by scale with their intervals, and the paper's figures, if it has any."""

    id: str
    label: str
    means: dict[str, Difference]
    paper: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """`ours` less another method on a scale; `p` of the difference is corrected in `p_holm`."""

    scale: str
    against: str
    label: str
    difference: Difference
    p_holm: float
    p_wilcoxon: float


@dataclass(frozen=True)
class Agreement:
    """The raters' agreement on a scale."""

    scale: str
    icc_single: float
    icc_mean: float
    alpha: float


@dataclass(frozen=True)
class Correlation:
    """Spearman's rho with its 95 % interval over resampled clips."""

    rho: float
    low: float
    high: float


@dataclass(frozen=True)
class Association:
    """How mean ratings go together with a metric, over the methods' videos.

    `within` is the correlation of what is left when each method's mean is taken off both.
    """

    scale: str
    metric: Metric
    over_all: Correlation
    within: Correlation
    videos: int


@dataclass(frozen=True)
class Table2:
    """All results of a study. `ours` is the label of the method that others are compared with."""

    study: str
    ours: str
    raters: int
    clips: int
    simulated: bool
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    agreements: tuple[Agreement, ...]
    associations: tuple[Association, ...]
    notes: tuple[str, ...]


def build_table2(
    ratings: pd.DataFrame,
    key: Key,
    answers: Answers,
    *,
    scores: pd.DataFrame | None,
    seed: int = 0,
    labels: Mapping[str, str],
    draws: int = DRAWS,
) -> Table2:
    """Table 2 of `tabulate_ratings`.

    `scores` are the rows of `read_scores`, None for none; `seed` is that of the videos shown.
    """
    arrays = {
        (method, scale): rating_array(ratings, method, scale)
        for method in key.methods
        for scale in SCALES
    }
    names = {**PAPER_LABELS, **labels}
    names = {method: names.get(method, method) for method in key.methods}
    return Table2(
        study=key.study,
        ours=names[key.ours],
        raters=len(answers.kept),
        clips=len(key.clip_ids),
        simulated=answers.simulated,
        rows=tuple(
            Row(
                method,
                names[method],
                {scale: mean_rating(arrays[method, scale], draws) for scale in SCALES},
                TABLE_2.get(method, {}),
            )
            for method in key.methods
        ),
        comparisons=compare_methods(arrays, key, names, draws),
        agreements=tuple(_agreement(arrays, key, scale) for scale in SCALES),
        associations=() if scores is None else _associations(arrays, key, scores, seed),
        notes=tuple(_notes(answers)),
    )


def mean_rating(ratings: np.ndarray, draws: int = DRAWS) -> Difference:
    """The mean of [raters, clips] with its interval over both, as a difference from zero."""
    return paired_difference(ratings, np.zeros_like(ratings), draws)


def compare_methods(
    arrays: Mapping[tuple[str, str], np.ndarray],
    key: Key,
    names: Mapping[str, str],
    draws: int = DRAWS,
) -> tuple[Comparison, ...]:
    """Ours less each other method that is no anchor, on each scale; corrected over all (Holm)."""
    others = [method for method in key.methods if method not in (*BUILT_IN, key.ours)]
    pairs = [(scale, method) for method in others for scale in SCALES]
    found = [
        paired_difference(arrays[key.ours, scale], arrays[method, scale], draws)
        for scale, method in pairs
    ]
    corrected = holm(np.array([difference.p for difference in found]))
    return tuple(
        Comparison(
            scale, method, names[method], difference, float(p),
            _wilcoxon(arrays[key.ours, scale], arrays[method, scale]),
        )
        for (scale, method), difference, p in zip(pairs, found, corrected, strict=True)
    )  # fmt: skip


def _wilcoxon(ours: np.ndarray, against: np.ndarray) -> float:
    differences = (ours - against).mean(axis=1)
    return float(stats.wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def _agreement(arrays: Mapping, key: Key, scale: str) -> Agreement:
    videos = np.concatenate([arrays[method, scale] for method in key.methods], axis=1)
    single, several = icc2(videos.T)
    return Agreement(scale, single, several, krippendorff_alpha(videos))


def _associations(
    arrays: Mapping, key: Key, scores: pd.DataFrame, seed: int
) -> tuple[Association, ...]:
    rows = of_reference(scores, key.reference)
    rows = rows[rows["seed"] == seed]
    methods = [method for method in key.methods if method not in BUILT_IN]
    found = []
    for scale, metrics in ASSOCIATED.items():
        rated = np.stack([arrays[method, scale].mean(axis=0) for method in methods])
        for each in metrics:
            measured = np.stack(
                [_metric_values(rows, method, each, key.clip_ids) for method in methods]
            )
            clips = np.isfinite(measured).all(axis=0)
            shown, measured = rated[:, clips], measured[:, clips]
            centred = (part - part.mean(axis=1, keepdims=True) for part in (shown, measured))
            found.append(
                Association(
                    scale, each, correlate(shown, measured), correlate(*centred), measured.size
                )
            )
    return tuple(found)


def _metric_values(
    scores: pd.DataFrame, method: str, which: Metric, clip_ids: Sequence[str]
) -> np.ndarray:
    """A method's values [clips] of one seed; NaN where there is none."""
    table = table_of(scores, method, which.name, which.convention)
    if table.empty:
        return np.full(len(clip_ids), np.nan)
    return table.iloc[0].reindex(clip_ids).to_numpy(float)


def correlate(
    rated: np.ndarray, measured: np.ndarray, draws: int = _CORRELATION_DRAWS
) -> Correlation:
    """Spearman's rho of two arrays [methods, clips]; NaN for less than three clips, or no spread.

    The interval has the percentiles of resampled clips, with all methods' videos of each.
    """
    clips = rated.shape[1]
    if clips < 3 or np.isnan(rho := _spearman(rated[None], measured[None])[0]):
        return Correlation(*(float("nan"),) * 3)
    chosen = np.random.default_rng(RANDOM_SEED).integers(clips, size=(draws, clips))
    drawn = _spearman(*(each[:, chosen].swapaxes(0, 1) for each in (rated, measured)))
    low, high = np.nanquantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Correlation(float(rho), float(low), float(high))


def _spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rho [draws] of [draws, ...] each; NaN where one has no spread."""
    ranks = [stats.rankdata(each.reshape(len(each), -1), axis=1) for each in (first, second)]
    a, b = (each - each.mean(axis=1, keepdims=True) for each in ranks)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))


def raters_in_words(count: int) -> str:
    """`1 rater`, `30 raters`."""
    return f"{count} rater{'s' if count != 1 else ''}"


def _notes(answers: Answers) -> list[str]:
    kept, excluded = len(answers.kept), answers.count("excluded")
    notes = [
        f"{raters_in_words(kept)}; {excluded} excluded by the protocol's rules and "
        f"{answers.count('refused')} files refused, listed in excluded.csv."
    ]
    if kept == 1:
        notes.append("One rater: the intervals are over clips alone, and say nothing of people.")
    elif kept < FEW_RATERS:
        notes.append(f"Fewer than {FEW_RATERS} raters: too few to rely on.")
    if excluded > MOST_EXCLUDED * (kept + excluded):
        notes.append(
            f"More than {MOST_EXCLUDED:.0%} of the raters are excluded: look for what went wrong "
            "before you rely on the others."
        )
    return notes
