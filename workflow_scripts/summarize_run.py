"""Rule summarize_run: the scores of a method's run -> the row of their means."""

import argparse
from pathlib import Path

import pandas as pd

from emohead.evaluation.scores import read_table, summarize
from emohead.files import whole_file

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--scores", type=Path, nargs="+", required=True, help="of each speaker")
parser.add_argument("--row", type=Path, required=True, help="the means over the clips, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    row = summarize(pd.concat([read_table(path) for path in flags.scores]))
    with whole_file(flags.row) as unfinished:
        row.to_csv(unfinished, index=False, float_format="%.6f")
