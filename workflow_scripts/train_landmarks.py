"""Rule train_landmarks: training clips -> a landmark model and its training history."""

import argparse
import json
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.disentangler.encoders import restore_disentangler
from emohead.features.store import open_clips
from emohead.landmarks.fit import train_landmark_model
from emohead.landmarks.options import LandmarkModelOptions
from emohead.training.checkpoint import load_checkpoint
from emohead.training.options import Recipe, Runtime
from emohead.training.state import save_training, training_state

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--disentangler", type=Path, help="checkpoint that an evp goes on from")
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
parser.add_argument("--basis", type=Path, help="table of what the PCA basis leaves, .csv")
parser.add_argument("--curves", type=Path, help="folder for TensorBoard")

if __name__ == "__main__":
    flags = parser.parse_args()
    clips = open_clips(flags.features, clips_of_part(flags.split, "train"))
    recipe = Recipe(**flags.options["train"])
    options = {**flags.options, "train": recipe.without_end()}
    made_from = [flags.seed, clips, *filter(None, [flags.disentangler])]
    disentangler = None
    if flags.disentangler:
        disentangler = restore_disentangler(load_checkpoint(flags.disentangler, "disentangler"))
    with training_state(flags.state, flags.code, options, *made_from) as state:
        checkpoint = train_landmark_model(
            clips,
            LandmarkModelOptions(**flags.options["model"], loss=flags.options["loss"]),
            recipe,
            Runtime(**flags.runtime),
            seed=flags.seed,
            state=state,
            basis_table=flags.basis,
            curves=flags.curves,
            disentangler=disentangler,
        )
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
