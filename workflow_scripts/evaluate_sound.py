"""Rule evaluate_sound: MFCC statistics -> the emotions that a logistic regression hears."""

import argparse
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.evaluation.scores import score_table, write_scores
from emohead.evaluation.sound import evaluate_sound
from emohead.features.store import open_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--output", type=Path, required=True, help="table of scores, .parquet")

if __name__ == "__main__":
    flags = parser.parse_args()
    parts = [
        open_clips(flags.features, clips_of_part(flags.split, part)) for part in ("train", "test")
    ]
    table = score_table(
        evaluate_sound(*parts), method="logistic_regression", reference="none", seed=0
    )
    write_scores(table, flags.output)
