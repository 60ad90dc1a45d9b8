"""Rule train_landmarks: training clips -> a landmark model and its training history."""

import argparse
from pathlib import Path

from emohead.landmarks.fit import train_landmark_model
from emohead.landmarks.options import LandmarkModelOptions
from emohead.training.checkpoint import load_checkpoint
from emohead.training.flags import add_training_flags, open_training
from emohead.training.state import save_training

parser = argparse.ArgumentParser(description=__doc__)
add_training_flags(parser)
parser.add_argument("--disentangler", type=Path, help="checkpoint that an evp goes on from")
parser.add_argument("--basis", type=Path, help="table of what the PCA basis leaves, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    given = flags.disentangler
    disentangler = load_checkpoint(given, "disentangler") if given else None
    with open_training(flags, given) as training:
        checkpoint = train_landmark_model(
            training.clips,
            LandmarkModelOptions(**flags.options["model"], loss=flags.options["loss"]),
            training.recipe,
            training.runtime,
            seed=flags.seed,
            state=training.state,
            basis_table=flags.basis,
            curves=flags.curves,
            disentangler=disentangler,
        )
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
