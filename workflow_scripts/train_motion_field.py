"""Rule train_motion_field: training clips -> a motion field and its training history."""

import argparse

from emohead.motion.fit import train_motion_field
from emohead.motion.options import MotionFieldLossOptions, MotionFieldOptions
from emohead.training.flags import add_training_flags, open_training
from emohead.training.state import save_training

parser = argparse.ArgumentParser(description=__doc__)
add_training_flags(parser)

if __name__ == "__main__":
    flags = parser.parse_args()
    loss_options = MotionFieldLossOptions(**flags.options["loss"])
    with open_training(flags, loss_options.weights_file) as training:
        checkpoint = train_motion_field(
            training.clips,
            MotionFieldOptions(**flags.options["model"]),
            loss_options,
            training.recipe,
            training.runtime,
            seed=flags.seed,
            state=training.state,
            curves=flags.curves,
        )
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
