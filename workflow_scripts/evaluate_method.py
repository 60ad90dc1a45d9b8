"""Rule evaluate_method: a method's rendered clips -> metrics of every clip, and their means."""

import argparse
from pathlib import Path

from emohead.evaluation.emotion_judges import load_judges
from emohead.evaluation.evaluate import evaluate_method, summarize
from emohead.evaluation.long_table import long_table, write_table
from emohead.evaluation.redetect import load_redetected
from emohead.features.store import open_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--shard", type=Path, required=True, help="rendered clips, .h5")
parser.add_argument("--landmarks", type=Path, required=True, help="re-detected on them, .npz")
parser.add_argument("--true-shard", type=Path, required=True)
parser.add_argument("--true-landmarks", type=Path, required=True)
parser.add_argument("--judges", type=Path, required=True, help="judges of emotion, .npz")
parser.add_argument("--method", required=True, help="the method's name, for the table")
parser.add_argument("--reference", required=True, help="the reference face that it was given")
parser.add_argument("--seed", type=int, required=True, help="of the models' training")
parser.add_argument("--clips", type=Path, required=True, help="long table of all metrics, .csv")
parser.add_argument("--row", type=Path, required=True, help="the means over the clips, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    values = evaluate_method(
        open_clips([flags.shard]),
        open_clips([flags.true_shard]),
        load_redetected(flags.landmarks),
        load_redetected(flags.true_landmarks),
        load_judges(flags.judges),
    )
    clips = long_table(values, method=flags.method, reference=flags.reference, seed=flags.seed)
    write_table(clips, flags.clips)
    write_table(summarize(clips), flags.row)
