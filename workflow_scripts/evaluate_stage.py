"""Rule evaluate_stage: a model of one stage by itself -> its metrics on a speaker's test clips."""

import argparse
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from emohead.data.references import PROTOCOLS
from emohead.evaluation.scores import score_table, write_scores
from emohead.evaluation.stages import (
    evaluate_landmark_model,
    evaluate_stage,
    evaluate_translator,
)
from emohead.methods.device import rendering_device
from emohead.methods.flags import add_clip_flags, true_clips
from emohead.methods.method import read_landmark_model, read_translator
from emohead.methods.options import RenderingOptions
from emohead.resume import resumable, seconds_of

parser = argparse.ArgumentParser(description=__doc__)
add_clip_flags(parser)
parser.add_argument("--stage", choices=["landmarks", "translator"], required=True)
parser.add_argument("--model", type=Path, required=True, help="checkpoint, .pt")
parser.add_argument("--references", nargs="+", choices=PROTOCOLS, required=True)
parser.add_argument("--name", required=True, help="the model's, for the table")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--rendering", type=json.loads, required=True, help="the config's, as JSON")
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--output", type=Path, required=True, help="table of scores, .parquet")

if __name__ == "__main__":
    flags = parser.parse_args()
    with rendering_device(RenderingOptions(**flags.rendering), threads=flags.threads) as device:
        if flags.stage == "landmarks":
            evaluate = partial(evaluate_landmark_model, read_landmark_model(flags.model, device))
        else:
            model = read_translator(flags.model, device)
            evaluate = partial(evaluate_translator, model, device)
        clips = true_clips(flags)
        inputs = [flags.code, flags.model, *flags.features, flags.split, device.precision]
        with resumable(flags.state, *inputs) as state:
            tables = [
                score_table(
                    evaluate_stage(evaluate, clips, reference, state=state),
                    method=flags.name,
                    reference=reference,
                    seed=flags.seed,
                )
                for reference in flags.references
            ]
            by = replace(device.provenance, seconds=seconds_of(state))
            name = f"{flags.stage}/{flags.name}/seed{flags.seed}"
            write_scores(pd.concat(tables), flags.output, [(name, by)])
