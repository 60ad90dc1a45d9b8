"""Intervals and p values: over speakers or clips, seeds as a second level, many claims.

Values are arrays [seeds, clips] of one metric; every seed is a training of its own, and all are
tested on the same clips. NaN stands for a clip without a value. `speakers` [clips] says whose each
clip is; without it all are taken to be one speaker's.

Clips of one speaker are alike, so that they aren't independent draws. From `FEWEST_SPEAKERS` on the
unit is the speaker: the intervals speak of any speakers. With fewer they speak of these speakers,
and the unit is the clip, its difference from its speaker's mean. Either way the mean is that over
clips: a speaker with twice the clips weighs twice.

Of a mean, units alone vary: its interval says how much hangs on the choice of test speakers or
clips, for these trainings. A claim is about the method, so that the interval of a difference holds
both levels, which cross: each seed meets each unit. With D_su the difference of unit u, seed s,

    D_su = difference + seed_s + unit_u + noise_su.

Clips are resampled, jointly for both methods and all seeds, and the mean studentised (bootstrap-t,
Efron & Tibshirani 1993, section 12.5). Speakers are few and their means nearly normal: theirs is
Student's t, whose simulated coverage is better than a bootstrap's (`benchmarks/interval.py`). Three
seeds can't be resampled: their bootstrap has far too narrow tails, so their share is Student's t
with seeds - 1 degrees of freedom. The noise is in the spread over units and in that over seeds and
is counted once, as in the analysis of several readers on several cases (Hillis 2007, doi
10.1002/sim.2532). With one seed, the interval speaks of that training alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

DRAWS = 9999
RANDOM_SEED = 20230603
CONFIDENCE = 0.95
#: Fewer clips have too few different resamples; Student's t takes the bootstrap's place.
FEWEST_RESAMPLED = 8
#: With fewer, intervals are of these speakers: Student's t over two or three is too wide to use.
FEWEST_SPEAKERS = 6
_VALUES_AT_ONCE = 2**22  # of a batch of resamples, to bound memory


@dataclass(frozen=True)
class Interval:
    """A 95 % interval; NaN at both ends where there is too little to tell."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A paired difference with its 95 % interval and two-sided p value.

    `clips` and `seeds` count what was compared, and `speakers` whose clips those are (0 where not
    given); with fewer than two clips the interval and p are NaN.
    """

    mean: float
    low: float
    high: float
    p: float
    clips: int
    seeds: int
    speakers: int = 0


@dataclass(frozen=True)
class _Units:
    """Values [seeds, units] that vary independently, with the mean over clips as their mean.

    `degrees` of freedom are those of their spread; `resampled`, whether there are enough of them
    to be resampled, else it is Student's t.
    """

    values: np.ndarray
    degrees: int
    resampled: bool


def mean_over_seeds(values: np.ndarray) -> float:
    """Mean over the clips of each seed, then over seeds, of [seeds, clips]; NaN values left out."""
    seed_means = [seed[~np.isnan(seed)].mean() for seed in values if not np.isnan(seed).all()]
    return float(np.mean(seed_means)) if seed_means else float("nan")


def mean_interval(
    values: np.ndarray, draws: int = DRAWS, *, speakers: Sequence[str] | None = None
) -> Interval:
    """95 % interval of `mean_over_seeds` of [seeds, clips].

    Of enough `speakers` [clips] Student's t over them; else over resampled clips (BCa), of fewer
    than `FEWEST_RESAMPLED` Student's t; of one clip NaN.
    """
    whose = _labels(speakers, values.shape[1])
    there = ~np.isnan(values).all(axis=0)
    values, whose = values[:, there], whose[there]
    values = values[~np.isnan(values).all(axis=1)]
    seeds, clips = values.shape
    if clips < 2:
        return Interval(float("nan"), float("nan"))
    found = values[~np.isnan(values)]
    if (found == found[0]).all():  # the ground truth's, inf among them
        return Interval(float(found[0]), float(found[0]))
    if not np.isfinite(found).all():
        return Interval(float("nan"), float("nan"))
    units = _independent_units(values, whose)
    values = units.values
    if not units.resampled:
        error = stats.sem(np.nanmean(values, axis=0))
        ends = stats.t.interval(CONFIDENCE, units.degrees, mean_over_seeds(values), error)
        return Interval(*map(float, ends))

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


def paired_difference(
    ours: np.ndarray,
    against: np.ndarray,
    draws: int = DRAWS,
    *,
    speakers: Sequence[str] | None = None,
) -> Difference:
    """Mean of ours - against, both [seeds, clips] of the same seeds and clips, with its interval.

    `speakers` [clips] names the speaker of each clip. Clips that lack a finite value in any seed of
    either method are left out.
    """
    if ours.shape != against.shape:
        raise ValueError(
            f"values of {ours.shape} and of {against.shape} (seeds, clips) can't be paired: give "
            f"both methods the same seeds and clips"
        )
    paired = np.isfinite(ours).all(axis=0) & np.isfinite(against).all(axis=0)
    differences = ours[:, paired] - against[:, paired]
    seeds, clips = differences.shape
    whose = _labels(speakers, len(paired))[paired]
    count = 0 if speakers is None else len(set(whose))
    mean = float(differences.mean()) if clips else float("nan")
    if clips < 2:
        nan = float("nan")
        return Difference(mean, nan, nan, nan, clips, seeds, count)
    rng = np.random.default_rng(RANDOM_SEED)
    units = _independent_units(differences, whose)
    unit_error, seed_error = _standard_errors(units.values)
    drawn = mean - unit_error * _unit_deviates(units, draws, rng)
    if seeds > 1:
        drawn = drawn - seed_error * rng.standard_t(seeds - 1, draws)
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    if np.ptp(differences) == 0:  # nothing to resample: a sign test
        p = 1.0 if mean == 0 else min(1.0, 2 * 0.5**clips)
    else:
        tail = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
        p = min(1.0, 2 * (tail + 1) / (draws + 1))
    return Difference(mean, float(low), float(high), p, clips, seeds, count)


def holm(p_values: np.ndarray) -> np.ndarray:
    """P values corrected for their number (Holm 1979); a NaN stays, and isn't counted."""
    p_values = np.asarray(p_values, dtype=float)
    corrected = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    ordered = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(ordered), 0, -1)
    corrected[ordered] = np.minimum(1, np.maximum.accumulate(p_values[ordered] * factors))
    return corrected


def _labels(speakers: Sequence[str] | None, clips: int) -> np.ndarray:
    """The speaker of each clip as a number [clips]."""
    if speakers is None:
        return np.zeros(clips, dtype=int)
    if len(speakers) != clips:
        raise ValueError(f"speakers of {len(speakers)} clips for values of {clips}")
    return np.unique(np.asarray(speakers, dtype=str), return_inverse=True)[1]


def _independent_units(values: np.ndarray, whose: np.ndarray) -> _Units:
    """Speakers, or with few of them clips without what their speaker adds, of [seeds, clips]."""
    there = ~np.isnan(values)
    names, clips = np.unique(whose), values.shape[1]
    is_of = (whose[:, None] == names).astype(float)  # [clips, speakers]
    counts = there.astype(float) @ is_of  # [seeds, speakers]
    sums = np.where(there, values, 0) @ is_of
    means = sums / np.maximum(counts, 1)
    overall = (sums.sum(axis=1) / counts.sum(axis=1))[:, None]
    if len(names) >= FEWEST_SPEAKERS:
        # Their mean is that over clips, and their spread that of a ratio of sums (its sandwich).
        share = counts / counts.mean(axis=1, keepdims=True)
        return _Units(overall + share * (means - overall), len(names) - 1, resampled=False)
    enough, degrees = clips >= FEWEST_RESAMPLED, clips - len(names)
    if len(names) == 1 or degrees == 0:  # a clip each: nothing tells the two levels apart
        return _Units(values, clips - 1, enough)
    # Each speaker's mean took a degree of freedom: the spread is made what it was before.
    lost = np.sqrt((clips - 1) / degrees)
    by_clip = means[:, np.searchsorted(names, whose)]
    return _Units(overall + lost * (values - by_clip), degrees, enough)


def _standard_errors(differences: np.ndarray) -> tuple[float, float]:
    """Standard errors of the mean of [seeds, units]: by units without noise, by seeds with it."""
    seeds, units = differences.shape
    unit_means = differences.mean(axis=0)
    by_units = unit_means.var(ddof=1) / units
    if seeds == 1:
        return float(np.sqrt(by_units)), 0.0
    seed_means = differences.mean(axis=1)
    by_seeds = seed_means.var(ddof=1) / seeds
    noise = differences - unit_means - seed_means[:, None] + differences.mean()
    by_noise = (noise**2).sum() / ((seeds - 1) * (units - 1)) / (seeds * units)
    return float(np.sqrt(max(0.0, by_units - by_noise))), float(np.sqrt(by_seeds))


def _unit_deviates(units: _Units, draws: int, rng: np.random.Generator) -> np.ndarray:
    """[draws] studentised deviations of the mean over units."""
    if not units.resampled:
        return rng.standard_t(units.degrees, draws)
    means = units.values.mean(axis=0)
    count = len(means)
    centred = means - means.mean()
    error = centred.std(ddof=1) / np.sqrt(count)
    if error == 0:
        return np.zeros(draws)
    deviates = []
    at_once = max(1, _VALUES_AT_ONCE // count)
    for start in range(0, draws, at_once):
        size = (min(at_once, draws - start), count)
        resampled = centred[rng.integers(count, size=size)]  # [draws, clips]
        errors = resampled.std(axis=1, ddof=1) / np.sqrt(count)
        # A resample of equal values has no spread of its own; the sample's stands in.
        errors[errors < 1e-9 * error] = error
        deviates.append(resampled.mean(axis=1) / errors)
    return np.concatenate(deviates)
