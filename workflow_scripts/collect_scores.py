"""Rule collect_scores: the scores of all runs and speakers -> one table."""

import argparse
from pathlib import Path

from emohead.evaluation.scores import collect_scores

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument(
    "--runs", type=Path, nargs="+", required=True, help="folders, in the order of the rows"
)
parser.add_argument("--speakers", nargs="+", required=True, help="their folders below each run")
parser.add_argument("--names", nargs="+", required=True, help="the files in each of these")
parser.add_argument("--of-runs", nargs="*", default=[], help="files in each run's own folder")
parser.add_argument("--output", type=Path, required=True, help="the table, .parquet")

if __name__ == "__main__":
    flags = parser.parse_args()
    paths = []
    for run in flags.runs:
        paths += [run / speaker / name for speaker in flags.speakers for name in flags.names]
        paths += [run / name for name in flags.of_runs]
    collect_scores(paths, flags.output)
