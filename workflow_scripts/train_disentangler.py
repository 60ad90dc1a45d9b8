"""Rule train_disentangler: training clips and sentence pairs -> a disentangler and its gates."""

import argparse
import json
from pathlib import Path

import pandas as pd

from emohead.data.split import clips_of_part
from emohead.disentangler.fit import train_disentangler
from emohead.disentangler.gates import Gate
from emohead.disentangler.numbers import SentenceNumbers
from emohead.disentangler.options import DisentanglerOptions
from emohead.disentangler.pairs import Pair
from emohead.features.store import open_clips
from emohead.files import whole_file
from emohead.training.options import Recipe, Runtime
from emohead.training.state import save_training, training_state

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--pairs", type=Path, required=True, help="table of pairs, .csv")
parser.add_argument("--numbers", type=json.loads, required=True, help="of sentences, as JSON")
parser.add_argument("--options", type=json.loads, required=True, help="model and train, as JSON")
parser.add_argument(
    "--runtime", type=json.loads, default={}, help="what may change at any time, as JSON"
)
parser.add_argument("--code", required=True, help="a digest: other code begins anew")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--state", type=Path, required=True, help="folder of the trainings' states")
parser.add_argument("--model", type=Path, required=True)
parser.add_argument("--gates", type=Path, required=True)
parser.add_argument("--history", type=Path, required=True)
parser.add_argument("--provenance", type=Path, required=True)
parser.add_argument("--curves", type=Path, help="folder for TensorBoard")

if __name__ == "__main__":
    flags = parser.parse_args()
    clips = open_clips(flags.features, clips_of_part(flags.split, "train"))
    recipe = Recipe(**flags.options["train"])
    options = {**flags.options, "train": recipe.without_end()}
    made_from = [options, flags.numbers, flags.seed, flags.pairs, clips]
    with training_state(flags.state, flags.code, *made_from) as state:
        checkpoint, gates = train_disentangler(
            clips,
            [Pair(*row) for row in pd.read_csv(flags.pairs).itertuples(index=False)],
            SentenceNumbers(**flags.numbers),
            DisentanglerOptions(**flags.options["model"]),
            recipe,
            Runtime(**flags.runtime),
            seed=flags.seed,
            state=state,
            curves=flags.curves,
        )
        for gate in gates:
            verdict = "passes" if gate.passed else "fails"
            print(f"gate {gate.name} {verdict}: {gate.found:.3f} against {gate.bar:.3f}")
        with whole_file(flags.gates) as unfinished:
            pd.DataFrame(gates, columns=list(Gate._fields)).to_csv(unfinished, index=False)
        save_training(checkpoint, flags.model, flags.history, flags.provenance)
