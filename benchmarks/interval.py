"""How often the report's 95 % intervals hold the truth, where clips of a speaker are alike.

    python benchmarks/interval.py [--trials 1000]

Simulated experiments: 8 to 24 clips for each speaker, values with standard deviation 1 of which
the intra-speaker correlation is the speakers' share; with several seeds each training adds its own
(sd 0.3) and noise (sd 0.5). Prints a Markdown table: the interval of a mean, and of a paired
difference of one seed and of three. With fewer than `FEWEST_SPEAKERS` speakers the truth is the
mean of these speakers; in brackets, how often the same interval holds that of all people.
"""

from argparse import ArgumentParser
from collections.abc import Callable

import numpy as np

from emohead.evaluation.statistics import FEWEST_SPEAKERS, mean_interval, paired_difference

SPEAKERS = (2, 3, 5, 6, 8, 12, 24, 48)
CORRELATIONS = (0.0, 0.1, 0.3)
EFFECTS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, count: rng.normal(size=count),
    "skewed": lambda rng, count: rng.exponential(size=count) - 1,
}
OF_SEEDS, OF_NOISE = 0.3, 0.5
DRAWS = 499
BOOTSTRAPS = 400  # trials of the interval of a mean over resampled clips, which is slow


def coverage(
    speakers: int, correlation: float, effects: str, seeds: int | None, trials: int
) -> tuple[float, float]:
    """Shares of intervals that hold the mean of these speakers, and of all people (0).

    `seeds` are those of a paired difference; None is the interval of a mean.
    """
    rng = np.random.default_rng([speakers, int(100 * correlation), seeds or 0, effects == "skewed"])
    these = everybody = 0
    for _ in range(trials):
        whose = np.repeat(np.arange(speakers), rng.integers(8, 25, size=speakers))
        by_speaker = np.sqrt(correlation) * EFFECTS[effects](rng, speakers)
        by_clip = np.sqrt(1 - correlation) * rng.normal(size=len(whose))
        values = (by_speaker[whose] + by_clip)[None]
        if seeds is None:
            found = mean_interval(values, DRAWS, speakers=whose)
        else:
            if seeds > 1:
                values = values + OF_SEEDS * rng.normal(size=(seeds, 1))
                values = values + OF_NOISE * rng.normal(size=(seeds, len(whose)))
            found = paired_difference(values, np.zeros_like(values), DRAWS, speakers=whose)
        these += found.low <= by_speaker[whose].mean() <= found.high
        everybody += found.low <= 0 <= found.high
    return these / trials, everybody / trials


def row(speakers: int, effects: str, trials: int) -> list[str]:
    """A line of the table."""
    few = speakers < FEWEST_SPEAKERS
    cells = [str(speakers), "clip" if few else "speaker", effects]
    for seeds in (None, 1, 3):
        for correlation in CORRELATIONS:
            tried = min(trials, BOOTSTRAPS) if few and seeds is None else trials
            these, everybody = coverage(speakers, correlation, effects, seeds, tried)
            cells.append(f"{these:.3f} ({everybody:.2f})" if few else f"{everybody:.3f}")
    return cells


def main() -> None:
    parser = ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--trials", type=int, default=1000)
    trials = parser.parse_args().trials
    kinds = ("mean", "difference, 1 seed", "difference, 3 seeds")
    head = [f"{kind}, {correlation:g}" for kind in kinds for correlation in CORRELATIONS]
    lines = [["speakers", "unit", "effects", *head], ["---:", "---", "---"] + ["---:"] * len(head)]
    for line in lines:
        print(f"| {' | '.join(line)} |", flush=True)
    for effects in EFFECTS:
        for speakers in SPEAKERS:
            print(f"| {' | '.join(row(speakers, effects, trials))} |", flush=True)


if __name__ == "__main__":
    main()
