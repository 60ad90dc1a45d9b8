"""Rule train_translator: training clips -> a translator and its training history."""

import argparse
from pathlib import Path

from emohead.training.flags import add_training_flags, open_training
from emohead.training.state import save_training
from emohead.translator.fit import train_translator
from emohead.translator.options import TranslatorLossOptions, TranslatorOptions

parser = argparse.ArgumentParser(description=__doc__)
add_training_flags(parser)
parser.add_argument("--pictures", type=Path, help="folder for samples of every epoch")

if __name__ == "__main__":
    flags = parser.parse_args()
    loss_options = TranslatorLossOptions(**flags.options["loss"])
    with open_training(flags, loss_options.weights_file) as training:
        checkpoint = train_translator(
            training.clips,
            TranslatorOptions(**flags.options["model"]),
            loss_options,
            training.recipe,
            training.runtime,
            seed=flags.seed,
            state=training.state,
            curves=flags.curves,
            pictures=flags.pictures,
        )
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
