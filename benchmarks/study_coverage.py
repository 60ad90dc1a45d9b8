"""Whether a study's intervals hold what they say: known effects in 400 simulated studies.

    python benchmarks/study_coverage.py --raters 30 --clips 12

Every study draws its raters and clips anew, from ratings that are rounded and clipped to the scale;
the truth is the mean of that distribution. docs/study.md quotes what this prints.
"""

import argparse

import numpy as np

from emohead.evaluation.statistics import DRAWS, paired_difference
from emohead.study.simulate import draw_ratings, expected_rating
from emohead.study.table2 import mean_rating

LEVELS = {"ground_truth": 7.5, "copy_reference": 3.0, "baseline": 4.5, "ours": 6.0}
POINTS = 10


def coverage(
    studies: int, raters: int, clips: int, draws: int, seed: int = 0
) -> tuple[dict[str, float], float]:
    """The share of studies whose intervals hold the truth, by what is estimated; mean width."""
    rng = np.random.default_rng(seed)
    truth = {method: expected_rating(level, POINTS) for method, level in LEVELS.items()}
    truth["ours - baseline"] = truth["ours"] - truth["baseline"]
    held = dict.fromkeys(truth, 0)
    widths = []
    for _ in range(studies):
        drawn = draw_ratings(LEVELS, raters, clips, POINTS, rng)
        found = {method: mean_rating(ratings, draws) for method, ratings in drawn.items()}
        found["ours - baseline"] = paired_difference(drawn["ours"], drawn["baseline"], draws)
        for name, value in truth.items():
            held[name] += found[name].low <= value <= found[name].high
        widths.append(found["ours - baseline"].high - found["ours - baseline"].low)
    return {name: count / studies for name, count in held.items()}, float(np.mean(widths))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--raters", type=int, default=30)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--draws", type=int, default=DRAWS, help="of each interval")
    flags = parser.parse_args()
    shares, width = coverage(flags.studies, flags.raters, flags.clips, flags.draws)
    print(f"{flags.raters} raters, {flags.clips} clips, {flags.studies} studies")
    for name, share in shares.items():
        print(f"{name:16} {100 * share:.1f} %")
    print(f"mean width of the difference's interval: {width:.2f} points")
