"""How sure a mean or a difference is: clip bootstraps, seeds as a second level, many claims.

Values are arrays [seeds, clips] of one metric; every seed is a training of its own, and all are
tested on the same clips. NaN stands for a clip without a value.

Of a mean, clips alone are resampled: its interval says how much hangs on the choice of test clips,
for these trainings. A claim is about the method, so that the interval of a difference holds both
levels, which cross: each seed meets each clip. With D_sc the difference on clip c with seed s,

    D_sc = difference + seed_s + clip_c + noise_sc.

Clips are resampled, jointly for both methods and all seeds, and the mean studentised (bootstrap-t,
Efron & Tibshirani 1993, section 12.5). Three seeds can't be resampled: their bootstrap has far too
narrow tails, so their share is Student's t with seeds - 1 degrees of freedom. The noise is in
the spread over clips and in that over seeds and is counted once, as in the analysis of several
readers on several cases (Hillis 2007, doi 10.1002/sim.2532). With one seed, the interval speaks
of that training alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

DRAWS = 9999
RANDOM_SEED = 20230603
CONFIDENCE = 0.95
#: Fewer clips have too few different resamples; Student's t takes the bootstrap's place.
FEWEST_RESAMPLED = 8
_VALUES_AT_ONCE = 2**22  # of a batch of resamples, to bound memory


@dataclass(frozen=True)
class Interval:
    """A 95 % interval; NaN at both ends where there is too little to tell."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A paired difference with its 95 % interval and two-sided p value.

    `clips` and `seeds` count what was compared; with fewer than two clips the interval and p are
    NaN.
    """

    mean: float
    low: float
    high: float
    p: float
    clips: int
    seeds: int


def mean_over_seeds(values: np.ndarray) -> float:
    """Mean over the clips of each seed, then over seeds, of [seeds, clips]; NaN values left out."""
    seed_means = [seed[~np.isnan(seed)].mean() for seed in values if not np.isnan(seed).all()]
    return float(np.mean(seed_means)) if seed_means else float("nan")


def mean_interval(values: np.ndarray, draws: int = DRAWS) -> Interval:
    """95 % interval of `mean_over_seeds` of [seeds, clips], over resampled clips (BCa).

    Of fewer clips than `FEWEST_RESAMPLED` it is Student's t; of one, NaN.
    """
    values = values[:, ~np.isnan(values).all(axis=0)]
    values = values[~np.isnan(values).all(axis=1)]
    seeds, clips = values.shape
    if clips < 2:
        return Interval(float("nan"), float("nan"))
    found = values[~np.isnan(values)]
    if (found == found[0]).all():  # the ground truth's, inf among them
        return Interval(float(found[0]), float(found[0]))
    if not np.isfinite(found).all():
        return Interval(float("nan"), float("nan"))
    if clips < FEWEST_RESAMPLED:
        mean, error = mean_over_seeds(values), stats.sem(np.nanmean(values, axis=0))
        return Interval(*map(float, stats.t.interval(CONFIDENCE, clips - 1, mean, error)))

    # Most of a report's time goes here: nanmean copies, and rows are quicker to take than columns.
    mean = np.nanmean if np.isnan(values).any() else np.mean
    by_clip = np.ascontiguousarray(values.T)

    def statistic(chosen: np.ndarray, axis: int) -> np.ndarray:
        resampled = np.moveaxis(by_clip.take(chosen.astype(int), axis=0), -1, 0)
        return mean(resampled, axis=-1).mean(axis=0)  # of [seeds, ..., clips]

    result = stats.bootstrap(
        (np.arange(clips),),
        statistic,
        vectorized=True,
        n_resamples=draws,
        batch=max(1, _VALUES_AT_ONCE // (seeds * clips)),
        confidence_level=CONFIDENCE,
        method="BCa",
        rng=np.random.default_rng(RANDOM_SEED),
    )
    low, high = result.confidence_interval
    return Interval(float(low), float(high))


def paired_difference(ours: np.ndarray, against: np.ndarray, draws: int = DRAWS) -> Difference:
    """Mean of ours - against, both [seeds, clips] of the same seeds and clips, with its interval.

    Clips that lack a finite value in any seed of either method are left out.
    """
    if ours.shape != against.shape:
        raise ValueError(
            f"values of {ours.shape} and of {against.shape} (seeds, clips) can't be paired: give "
            f"both methods the same seeds and clips"
        )
    paired = np.isfinite(ours).all(axis=0) & np.isfinite(against).all(axis=0)
    differences = ours[:, paired] - against[:, paired]
    seeds, clips = differences.shape
    mean = float(differences.mean()) if clips else float("nan")
    if clips < 2:
        nan = float("nan")
        return Difference(mean, nan, nan, nan, clips, seeds)
    rng = np.random.default_rng(RANDOM_SEED)
    clip_error, seed_error = _standard_errors(differences)
    drawn = mean - clip_error * _clip_deviates(differences.mean(axis=0), draws, rng)
    if seeds > 1:
        drawn = drawn - seed_error * rng.standard_t(seeds - 1, draws)
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    if np.ptp(differences) == 0:  # nothing to resample: a sign test
        p = 1.0 if mean == 0 else min(1.0, 2 * 0.5**clips)
    else:
        tail = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
        p = min(1.0, 2 * (tail + 1) / (draws + 1))
    return Difference(mean, float(low), float(high), p, clips, seeds)


def holm(p_values: np.ndarray) -> np.ndarray:
    """P values corrected for their number (Holm 1979); a NaN stays, and isn't counted."""
    p_values = np.asarray(p_values, dtype=float)
    corrected = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    ordered = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(ordered), 0, -1)
    corrected[ordered] = np.minimum(1, np.maximum.accumulate(p_values[ordered] * factors))
    return corrected


def _standard_errors(differences: np.ndarray) -> tuple[float, float]:
    """Standard errors of the mean of [seeds, clips]: by clips without noise, by seeds with it."""
    seeds, clips = differences.shape
    clip_means = differences.mean(axis=0)
    by_clips = clip_means.var(ddof=1) / clips
    if seeds == 1:
        return float(np.sqrt(by_clips)), 0.0
    seed_means = differences.mean(axis=1)
    by_seeds = seed_means.var(ddof=1) / seeds
    noise = differences - clip_means - seed_means[:, None] + differences.mean()
    by_noise = (noise**2).sum() / ((seeds - 1) * (clips - 1)) / (seeds * clips)
    return float(np.sqrt(max(0.0, by_clips - by_noise))), float(np.sqrt(by_seeds))


def _clip_deviates(clip_means: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """[draws] studentised deviations of resampled means from the mean of [clips]."""
    clips = len(clip_means)
    if clips < FEWEST_RESAMPLED:
        return rng.standard_t(clips - 1, draws)
    centred = clip_means - clip_means.mean()
    error = centred.std(ddof=1) / np.sqrt(clips)
    if error == 0:
        return np.zeros(draws)
    deviates = []
    at_once = max(1, _VALUES_AT_ONCE // clips)
    for start in range(0, draws, at_once):
        size = (min(at_once, draws - start), clips)
        resampled = centred[rng.integers(clips, size=size)]  # [draws, clips]
        errors = resampled.std(axis=1, ddof=1) / np.sqrt(clips)
        # A resample of equal values has no spread of its own; the sample's stands in.
        errors[errors < 1e-9 * error] = error
        deviates.append(resampled.mean(axis=1) / errors)
    return np.concatenate(deviates)
