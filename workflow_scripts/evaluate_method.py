"""Rule evaluate_method: a method's rendered clips -> metrics of every clip, and their means."""

import argparse
from pathlib import Path

from emohead.evaluation.evaluate import evaluate_method, summarize
from emohead.evaluation.redetect import load_redetected
from emohead.files import whole_file
from emohead.store import open_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--shard", type=Path, required=True, help="rendered clips, .h5")
parser.add_argument("--landmarks", type=Path, required=True, help="re-detected on them, .npz")
parser.add_argument("--true-shard", type=Path, required=True)
parser.add_argument("--true-landmarks", type=Path, required=True)
parser.add_argument("--clips", type=Path, required=True, help="one row a clip, .csv")
parser.add_argument("--row", type=Path, required=True, help="the means over the clips, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    clips = evaluate_method(
        open_clips([flags.shard]),
        open_clips([flags.true_shard]),
        load_redetected(flags.landmarks),
        load_redetected(flags.true_landmarks),
    )
    for table, path in ((clips, flags.clips), (summarize(clips), flags.row)):
        with whole_file(path) as unfinished:
            table.to_csv(unfinished, index=False, float_format="%.6f")
