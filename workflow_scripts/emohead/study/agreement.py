"""How far raters agree: intraclass correlations and Krippendorff's alpha."""

from typing import Literal

import numpy as np


def icc2(ratings: np.ndarray) -> tuple[float, float]:
    """ICC(2,1) and ICC(2,k) of complete ratings [targets, raters].

    Absolute agreement, targets and raters random: Shrout and Fleiss 1979, doi
    10.1037/0033-2909.86.2.420. NaN for less than two of either.
    """
    targets, raters = ratings.shape
    if min(ratings.shape) < 2:
        return float("nan"), float("nan")
    mean = ratings.mean()
    by_target, by_rater = ratings.mean(axis=1), ratings.mean(axis=0)
    between = raters * by_target.var(ddof=1)
    judges = targets * by_rater.var(ddof=1)
    rest = ratings - by_target[:, None] - by_rater + mean
    error = (rest**2).sum() / ((targets - 1) * (raters - 1))
    single = between + (raters - 1) * error + raters * (judges - error) / targets
    several = between + (judges - error) / targets
    with np.errstate(invalid="ignore", divide="ignore"):
        return float((between - error) / single), float((between - error) / several)


def krippendorff_alpha(
    ratings: np.ndarray, level: Literal["nominal", "ordinal", "interval"] = "ordinal"
) -> float:
    """Alpha of ratings [raters, units], NaN where there is none; NaN when all are equal.

    Krippendorff 2011, "Computing Krippendorff's alpha-reliability". Units with one rating don't
    count.
    """
    ratings = ratings[:, (~np.isnan(ratings)).sum(axis=0) > 1]
    values, codes = np.unique(ratings[~np.isnan(ratings)], return_inverse=True)
    units = np.nonzero(~np.isnan(ratings))[1]
    counts = np.zeros((ratings.shape[1], len(values)))  # [units, values]
    np.add.at(counts, (units, codes), 1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs[:, range(len(values)), range(len(values))] -= counts
    observed = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).sum(axis=0)
    totals = observed.sum(axis=0)
    if level == "nominal":
        distance = 1.0 - np.eye(len(values))
    else:
        # Ordinal: how many ratings lie between two values, half of their own counted.
        place = values if level == "interval" else np.cumsum(totals) - totals / 2
        distance = (place[:, None] - place) ** 2
    expected = (np.outer(totals, totals) * distance).sum() / (totals.sum() - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(1 - (observed * distance).sum() / expected)
