"""Rule train_motion_field: training clips -> a motion field and its training history."""

import argparse
import json
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.features.store import open_clips
from emohead.motion.fit import train_motion_field
from emohead.motion.options import MotionFieldLossOptions, MotionFieldOptions
from emohead.training.options import Recipe, Runtime
from emohead.training.state import save_training, training_state

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument(
    "--options", type=json.loads, required=True, help="model, loss and train, as JSON"
)
parser.add_argument(
    "--runtime", type=json.loads, default={}, help="what may change at any time, as JSON"
)
parser.add_argument("--code", required=True, help="a digest: other code begins anew")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--state", type=Path, required=True, help="folder of the trainings' states")
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--history", type=Path, required=True)
parser.add_argument("--provenance", type=Path, required=True)
parser.add_argument("--curves", type=Path, help="folder for TensorBoard")

if __name__ == "__main__":
    flags = parser.parse_args()
    loss_options = MotionFieldLossOptions(**flags.options["loss"])
    clips = open_clips(flags.features, clips_of_part(flags.split, "train"))
    recipe = Recipe(**flags.options["train"])
    options = {**flags.options, "train": recipe.without_end()}
    made_from = [flags.seed, clips, *filter(None, [loss_options.weights_file])]
    with training_state(flags.state, flags.code, options, *made_from) as state:
        checkpoint = train_motion_field(
            clips,
            MotionFieldOptions(**flags.options["model"]),
            loss_options,
            recipe,
            Runtime(**flags.runtime),
            seed=flags.seed,
            state=state,
            curves=flags.curves,
        )
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
