"""Rule evaluate_stage: a model of one stage by itself -> its metrics on the test clips."""

import argparse
from pathlib import Path

import pandas as pd

from emohead.data.references import PROTOCOLS
from emohead.data.split import clips_of_part
from emohead.evaluation.long_table import long_table, write_table
from emohead.evaluation.stages import evaluate_landmark_model, evaluate_translator
from emohead.features.store import open_clips
from emohead.landmarks.load import restore_landmark_model
from emohead.training.checkpoint import load_checkpoint
from emohead.translator.load import restore_translator

STAGES = {
    "landmarks": (restore_landmark_model, evaluate_landmark_model),
    "translator": (restore_translator, evaluate_translator),
}

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--stage", choices=STAGES, required=True)
parser.add_argument("--model", type=Path, required=True, help="checkpoint, .pt")
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--references", nargs="+", choices=PROTOCOLS, required=True)
parser.add_argument("--name", required=True, help="the model's, for the table")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--output", type=Path, required=True, help="long table of scores, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    restore, evaluate = STAGES[flags.stage]
    model = restore(load_checkpoint(flags.model, flags.stage))
    clips = open_clips(flags.features, clips_of_part(flags.split, "test"))
    tables = [
        long_table(
            evaluate(model, clips, reference),
            method=flags.name,
            reference=reference,
            seed=flags.seed,
        )
        for reference in flags.references
    ]
    write_table(pd.concat(tables), flags.output)
