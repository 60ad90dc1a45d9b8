"""Rule train_motion_audio: training clips and a motion field -> keypoints from sound."""

import argparse
import json
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.features.store import open_clips
from emohead.motion.audio_fit import train_motion_audio
from emohead.motion.audio_options import MotionAudioLossOptions, MotionAudioOptions
from emohead.motion.load import restore_field
from emohead.training.checkpoint import load_checkpoint
from emohead.training.options import Recipe, Runtime
from emohead.training.state import save_training, training_state

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--field", type=Path, required=True, help="a motion field's checkpoint")
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
    clips = open_clips(flags.features, clips_of_part(flags.split, "train"))
    recipe = Recipe(**flags.options["train"])
    options = {**flags.options, "train": recipe.without_end()}
    made_from = [flags.seed, clips, flags.field]
    with training_state(flags.state, flags.code, options, *made_from) as state:
        checkpoint = train_motion_audio(
            clips,
            restore_field(load_checkpoint(flags.field, "motion_field")),
            MotionAudioOptions(**flags.options["model"]),
            MotionAudioLossOptions(**flags.options["loss"]),
            recipe,
            Runtime(**flags.runtime),
            seed=flags.seed,
            state=state,
            curves=flags.curves,
        )
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
