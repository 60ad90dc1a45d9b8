"""Rule split_clips: clips.csv -> the parts of every clip, train and test."""

import argparse
from pathlib import Path

import pandas as pd

from emohead.data.split import split_clips
from emohead.files import whole_file

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--clips", type=Path, required=True)
parser.add_argument("--unit", choices=("clip", "time", "list", "speaker"), required=True)
parser.add_argument("--test-fraction", type=float, required=True)
parser.add_argument("--dev-fraction", type=float, default=0.0)
parser.add_argument("--scored", choices=("test", "dev"), default="test", help="the part to score")
parser.add_argument("--gap", type=float, required=True, help="seconds, for --unit time")
parser.add_argument("--choice", choices=("last", "random"), required=True, help="for --unit clip")
parser.add_argument("--seed", type=int, required=True, help="for --choice random")
parser.add_argument("--list", type=Path, help="of test clips, for --unit list")
parser.add_argument("--test-speakers", nargs="*", default=[], help="for --unit speaker")
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    split = split_clips(
        # A speaker may be called 007, or NA.
        pd.read_csv(flags.clips, dtype={"speaker": str}, keep_default_na=False),
        unit=flags.unit,
        test_fraction=flags.test_fraction,
        dev_fraction=flags.dev_fraction,
        scored=flags.scored,
        gap=flags.gap,
        choice=flags.choice,
        seed=flags.seed,
        test_list=flags.list,
        test_speakers=flags.test_speakers,
    )
    with whole_file(flags.output) as unfinished:
        split.to_csv(unfinished, index=False)
