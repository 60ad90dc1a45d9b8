"""The smallest difference between two methods that a study of some size can find."""

import numpy as np
from scipy import stats

POWER, ALPHA = 0.8, 0.05
#: Standard deviations that the table assumes, in points of ten: of how raters, and clips, differ in
#: what they make of a method, and of one answer.
RATER_METHOD, CLIP_METHOD, REST = 0.9, 0.6, 2.0


def smallest_difference(raters: int, clips: int, *, comparisons: int = 1) -> float:
    """The difference in points that is found with a probability of .8, two-sided at .05.

    Every rater sees both methods of every clip. With several `comparisons` it must pass the first
    and strictest step of Holm's correction. Degrees of freedom by Satterthwaite; the power by
    quantiles of Student's t.
    """
    parts = 2 * np.array(
        [RATER_METHOD**2 / raters, CLIP_METHOD**2 / clips, REST**2 / (raters * clips)]
    )
    freedom = np.array([raters - 1, clips - 1, (raters - 1) * (clips - 1)])
    error, df = np.sqrt(parts.sum()), parts.sum() ** 2 / (parts**2 / freedom).sum()
    quantiles = stats.t.ppf([1 - ALPHA / comparisons / 2, POWER], df)
    return float(error * quantiles.sum())
