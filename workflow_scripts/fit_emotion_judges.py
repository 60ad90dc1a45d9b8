"""Rule fit_emotion_judges: the training part's real clips -> two judges of emotion."""

import argparse
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.evaluation.emotion_judges import save_judges
from emohead.evaluation.judge_fitting import fit_judges
from emohead.features.store import open_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="shards, .h5")
parser.add_argument("--split", type=Path, required=True, help="split.csv")
parser.add_argument("--output", type=Path, required=True, help="the judges, .npz")

if __name__ == "__main__":
    flags = parser.parse_args()
    clips = open_clips(flags.features, clips_of_part(flags.split, "train"))
    save_judges(flags.output, fit_judges(clips))
