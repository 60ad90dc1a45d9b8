"""The ratings of all usable answers as a long table, and as arrays for the statistics."""

import numpy as np
import pandas as pd

from emohead.study.answers import Answers
from emohead.study.key import RATED, SCALES, Key

REPEAT = "repeat"
COLUMNS = (
    "rater", "trial", "item", "kind", "clip_id", "method", "scale", "value", "plays", "opened",
    "seconds", "simulated",
)  # fmt: skip


def tabulate_ratings(answers: Answers, key: Key) -> pd.DataFrame:
    """One row for each rater, trial and scale; `kind` is rated, repeat, practice or trap.

    Where a video was shown twice, the first rating is `rated` and the second `repeat`.
    """
    rows = []
    for rater, answer in answers.kept.items():
        seen = set()
        order = key.order(answer["turn"])
        for number, (item, trial) in enumerate(zip(order, answer["trials"], strict=True), 1):
            kind = REPEAT if item.id in seen else item.kind
            seen.add(item.id)
            rows += [
                (
                    rater, number, item.id, kind, item.clip_id, item.method, scale,
                    int(trial[scale]), int(trial["plays"]), trial["opened"], trial["seconds"],
                    answer["simulated"],
                )
                for scale in SCALES
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def rating_array(ratings: pd.DataFrame, method: str, scale: str) -> np.ndarray:
    """A method's ratings on a scale, float [raters, clips], both sorted."""
    rows = ratings[
        (ratings["kind"] == RATED) & (ratings["method"] == method) & (ratings["scale"] == scale)
    ]
    return rows.pivot(index="rater", columns="clip_id", values="value").to_numpy(float)
