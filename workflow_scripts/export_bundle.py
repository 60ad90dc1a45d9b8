"""Rule export_bundle: a trained method as one file, with its model card."""

import argparse
import json
from pathlib import Path

from emohead.generate.bundle import export_bundle
from emohead.generate.card import make_card

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--landmarks", type=Path, required=True, help="checkpoint")
parser.add_argument("--translator", type=Path, required=True, help="checkpoint")
parser.add_argument("--config", type=json.loads, required=True, help="the run's config, as JSON")
parser.add_argument("--method", required=True, help="its name in the config")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--out", type=Path, required=True, help="the bundle, .h5")

if __name__ == "__main__":
    flags = parser.parse_args()
    export_bundle(
        flags.landmarks,
        flags.translator,
        flags.out,
        card=make_card(flags.config, flags.method, flags.seed),
    )
