"""Whether a study's intervals hold what they say: known effects in 400 simulated studies.

    python benchmarks/study_coverage.py --raters 30 --clips 12
    python benchmarks/study_coverage.py --raters 30 --key results/study/key.json --draws 1999

Every study draws its raters and clips anew, from ratings that are rounded and clipped to the scale;
the truth is the mean of that distribution. With a study's key the ratings go the whole way: answer
files, the rules of exclusion, Table 2. docs/study.md quotes what this prints.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emohead.evaluation.statistics import DRAWS, Difference, paired_difference
from emohead.study.answers import read_answers
from emohead.study.key import SCALES, Key, read_key
from emohead.study.ratings import tabulate_ratings
from emohead.study.simulate import (
    default_levels,
    draw_ratings,
    expected_rating,
    simulate_answers,
)
from emohead.study.table2 import build_table2, mean_rating

LEVELS = {"ground_truth": 7.5, "copy_reference": 3.0, "baseline": 4.5, "ours": 6.0}
POINTS = 10


def draw_studies(flags: argparse.Namespace) -> Iterator[dict[str, tuple[float, Difference]]]:
    """Of each study what is estimated, with its truth."""
    rng = np.random.default_rng(0)
    truth = {method: expected_rating(level, POINTS) for method, level in LEVELS.items()}
    for _ in range(flags.studies):
        drawn = draw_ratings(LEVELS, flags.raters, flags.clips, POINTS, rng)
        found = {m: (truth[m], mean_rating(drawn[m], flags.draws)) for m in drawn}
        difference = paired_difference(drawn["ours"], drawn["baseline"], flags.draws)
        yield found | {"ours - baseline": (truth["ours"] - truth["baseline"], difference)}


def answer_studies(
    flags: argparse.Namespace, key: Key
) -> Iterator[dict[str, tuple[float, Difference]]]:
    """The same by way of answer files; how many raters were excluded is printed."""
    levels = default_levels(key)
    truth = {method: expected_rating(level, key.points) for method, level in levels.items()}
    excluded = 0
    for seed in range(flags.studies):
        with tempfile.TemporaryDirectory() as folder:
            simulate_answers(key, flags.raters, Path(folder), seed=seed)
            answers = read_answers(Path(folder), key)
        excluded += answers.count("excluded")
        ratings = tabulate_ratings(answers, key)
        table = build_table2(ratings, key, answers, scores=None, labels={}, draws=flags.draws)
        found = {f"{r.id} {s}": (truth[r.id], r.means[s]) for r in table.rows for s in SCALES}
        for each in table.comparisons:
            name = f"{key.ours} - {each.against} {each.scale}"
            found[name] = truth[key.ours] - truth[each.against], each.difference
        yield found
    print(f"{100 * excluded / flags.studies / flags.raters:.1f} % of the raters excluded")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--raters", type=int, default=30)
    parser.add_argument("--clips", type=int, default=12, help="without a key, which has its own")
    parser.add_argument("--key", type=Path, help="of a study, for the whole way")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of each interval")
    flags = parser.parse_args()
    studies = answer_studies(flags, read_key(flags.key)) if flags.key else draw_studies(flags)
    held, off, widths = defaultdict(list), defaultdict(list), defaultdict(list)
    for study in studies:
        for name, (truth, found) in study.items():
            held[name].append(found.low <= truth <= found.high)
            off[name].append(found.mean - truth)
            widths[name].append(found.high - found.low)
    print(f"{'':28} held   mean error   mean width")
    for name, each in held.items():
        print(
            f"{name:26} {100 * np.mean(each):.1f} %  {np.mean(off[name]):+8.3f} "
            f"{np.mean(widths[name]):12.2f}"
        )
