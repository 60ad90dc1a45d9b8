"""Rule train_disentangler: training clips and sentence pairs -> a disentangler and its gates."""

import argparse
import json
from pathlib import Path

from emohead.disentangler.fit import train_disentangler
from emohead.disentangler.numbers import SentenceNumbers
from emohead.disentangler.options import DisentanglerOptions
from emohead.disentangler.pairs import read_pairs
from emohead.training.flags import add_training_flags, open_training
from emohead.training.gates import write_gates
from emohead.training.state import save_training

parser = argparse.ArgumentParser(description=__doc__)
add_training_flags(parser)
parser.add_argument("--pairs", type=Path, required=True, help="table of pairs, .csv")
parser.add_argument("--numbers", type=json.loads, required=True, help="of sentences, as JSON")
parser.add_argument("--gates", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    with open_training(flags, flags.numbers, flags.pairs) as training:
        checkpoint, gates = train_disentangler(
            training.clips,
            read_pairs(flags.pairs),
            SentenceNumbers(**flags.numbers),
            DisentanglerOptions(**flags.options["model"]),
            training.recipe,
            training.runtime,
            seed=flags.seed,
            state=training.state,
            curves=flags.curves,
        )
        write_gates(gates, flags.gates)
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
