"""The order in which a rater sees the videos: a Williams design over clips, rounds, raters.

Every round shows each rated clip once, by the method that the clip's row of the square has there.
So each rater sees every method of every clip, and over clips and raters each method stands equally
often in each round and, among a clip's showings, follows each other method equally often
(Williams 1949, doi 10.1071/CH9490149).
"""

from collections.abc import Sequence

import numpy as np

REPEATS = 2
#: Orders that a page holds: a multiple of the rows of the squares of up to six methods, and of 8.
ORDERS = 240


def williams_square(treatments: int) -> np.ndarray:
    """Rows of a Williams design, int [n or 2 n, n]: an odd number needs two squares."""
    first = [0]
    for step in range(1, treatments):
        first.append((first[-1] + (step if step % 2 else -step)) % treatments)
    square = (np.array(first) + np.arange(treatments)[:, None]) % treatments
    return square if treatments % 2 == 0 else np.concatenate([square, square[:, ::-1]])


def draw_orders(
    rated: Sequence[Sequence[int]],
    practice: Sequence[int],
    traps: Sequence[int],
    rng: np.random.Generator,
) -> list[list[int]]:
    """`ORDERS` orders of trials, as indices of items; `rated` are those [clips, methods].

    Practice comes first. The traps lie in the middle; two trials of the first third come again in
    the last. No clip follows itself. Neighbouring orders differ in their row of the square.
    """
    rated = np.asarray(rated)
    clips, methods = rated.shape
    square = williams_square(methods)
    orders = []
    for start in range(ORDERS):
        row = (start + rng.permutation(clips)) % len(square)
        shown: list[int] = []  # clips
        for _ in range(methods):
            round_ = rng.permutation(clips)
            if shown and round_[0] == shown[-1]:
                round_ = np.roll(round_, 1)
            shown += round_.tolist()
        rounds = np.repeat(np.arange(methods), clips)
        trials = [
            int(rated[clip, square[row[clip], k]]) for clip, k in zip(shown, rounds, strict=True)
        ]
        orders.append([*practice, *_with_checks(trials, shown, traps, rng)])
    return orders


def _with_checks(
    trials: list[int], shown: list[int], traps: Sequence[int], rng: np.random.Generator
) -> list[int]:
    """Trials with traps and repeats put in; each goes before the trial that stands at its place."""
    length = len(trials)
    inserted: dict[int, int] = {}
    middle = np.linspace(length / 4, 3 * length / 4, len(traps) + 1)
    for trap, start, stop in zip(rng.permutation(traps), middle[:-1], middle[1:], strict=True):
        inserted[int(rng.integers(int(start) + 1, int(stop) + 1))] = int(trap)
    for again in rng.choice(length // 3, REPEATS, replace=False):
        free = [place for place in range(2 * length // 3, length) if place not in inserted]
        # With few clips, each place may have the same clip before or behind it.
        apart = [p for p in free if shown[again] not in shown[p - 1 : p + 1]]
        inserted[int(rng.choice(apart or free))] = trials[again]
    ordered = []
    for place, trial in enumerate(trials):
        ordered += [inserted[place], trial] if place in inserted else [trial]
    return ordered
