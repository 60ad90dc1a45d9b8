"""The long tables clips.csv and networks.csv: one value a row, whichever metric it is.

Tables of any methods, references and seeds can be put one after another.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from emohead.files import whole_file

COLUMNS = ("clip_id", "method", "reference", "seed", "metric", "convention", "value")

#: The values of one clip by (metric, convention); nan for what doesn't exist.
Values = Mapping[tuple[str, str], float]


def long_table(
    clips: Mapping[str, Values], *, method: str, reference: str, seed: int
) -> pd.DataFrame:
    """The values of a method's clips, columns COLUMNS, sorted by clip, metric and convention.

    A value that doesn't exist (nan) has no row.
    """
    rows = [
        (clip_id, method, reference, seed, metric, convention, float(value))
        for clip_id, values in clips.items()
        for (metric, convention), value in values.items()
        if not math.isnan(value)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["clip_id", "metric", "convention"], ignore_index=True)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a long table, or means of it: six decimals, inf as inf."""
    with whole_file(path) as unfinished:
        table.to_csv(unfinished, index=False, float_format="%.6f")
