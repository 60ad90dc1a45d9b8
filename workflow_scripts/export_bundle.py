"""Rule export_bundle: a trained method as one file, with its model card."""

import argparse
import json
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.features.store import open_clips
from emohead.generate.bundle import export_bundle
from emohead.generate.head_bank import collect_movements

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--landmarks", type=Path, required=True, help="checkpoint")
parser.add_argument("--translator", type=Path, required=True, help="checkpoint")
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--card", type=json.loads, required=True, help="the model card, as JSON")
parser.add_argument("--out", type=Path, required=True, help="the bundle, .h5")

if __name__ == "__main__":
    flags = parser.parse_args()
    clips = open_clips(flags.features, clips_of_part(flags.split, "train"))
    export_bundle(
        flags.landmarks,
        flags.translator,
        flags.out,
        card=flags.card,
        head=collect_movements(clips),
    )
