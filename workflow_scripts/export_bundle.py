"""Rule export_bundle: a trained method as one file, with its model card."""

import argparse
import json
from pathlib import Path

from emohead.generate.bundle import export_bundle

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--landmarks", type=Path, required=True, help="checkpoint")
parser.add_argument("--translator", type=Path, required=True, help="checkpoint")
parser.add_argument("--card", type=json.loads, required=True, help="the model card, as JSON")
parser.add_argument("--out", type=Path, required=True, help="the bundle, .h5")

if __name__ == "__main__":
    flags = parser.parse_args()
    export_bundle(flags.landmarks, flags.translator, flags.out, card=flags.card)
