"""Rule train_motion_audio: training clips and a motion field -> keypoints from sound."""

import argparse
from pathlib import Path

from emohead.motion.audio_fit import train_motion_audio
from emohead.motion.audio_options import MotionAudioLossOptions, MotionAudioOptions
from emohead.motion.load import restore_field
from emohead.training.checkpoint import load_checkpoint
from emohead.training.flags import add_training_flags, open_training
from emohead.training.state import save_training

parser = argparse.ArgumentParser(description=__doc__)
add_training_flags(parser)
parser.add_argument("--field", type=Path, required=True, help="a motion field's checkpoint")
parser.add_argument(
    "--heard", type=Path, nargs="*", default=[], help="sound beside the shards, if not their MFCC"
)

if __name__ == "__main__":
    flags = parser.parse_args()
    with open_training(flags, flags.field, *flags.heard) as training:
        checkpoint = train_motion_audio(
            training.clips,
            restore_field(load_checkpoint(flags.field, "motion_field")),
            MotionAudioOptions(**flags.options["model"]),
            MotionAudioLossOptions(**flags.options["loss"]),
            training.recipe,
            training.runtime,
            seed=flags.seed,
            state=training.state,
            curves=flags.curves,
        )
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
