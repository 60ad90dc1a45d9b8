"""Rule train_landmarks: training clips -> a landmark model and its training history."""

import argparse
import json
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.features.store import open_clips
from emohead.landmarks.fit import train_landmark_model
from emohead.landmarks.load import landmark_options
from emohead.training import TrainOptions, save_training, training_state

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument(
    "--options", type=json.loads, required=True, help="model, loss and train, as JSON"
)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--state", type=Path, required=True, help="folder of unfinished trainings")
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--history", type=Path, required=True)
parser.add_argument("--curves", type=Path, help="folder for TensorBoard")

if __name__ == "__main__":
    flags = parser.parse_args()
    files, outputs = [flags.split, *flags.features], [flags.model, flags.history]
    with training_state(flags.state, flags.options, flags.seed, *files, outputs=outputs) as state:
        checkpoint = train_landmark_model(
            open_clips(flags.features, clips_of_part(flags.split, "train")),
            landmark_options({**flags.options["model"], "loss": flags.options["loss"]}),
            TrainOptions(**flags.options["train"]),
            seed=flags.seed,
            state=state,
            curves=flags.curves,
        )
        save_training(checkpoint, flags.model, flags.history)
