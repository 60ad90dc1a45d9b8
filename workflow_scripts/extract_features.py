"""Rule extract_features: a shard's clips -> crops, 68 landmarks and MFCC windows."""

import argparse
import json
import sys
from pathlib import Path

from emohead.data.clip_tables import read_clips
from emohead.features.options import FeatureOptions
from emohead.features.shard import extract_shard

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--clips", type=Path, required=True, help="the shard's clip table")
parser.add_argument("--options", type=json.loads, default={}, help="FeatureOptions as JSON")
parser.add_argument("--workers", type=int, default=1, help="processes side by side")
parser.add_argument("--state", type=Path, required=True, help="folder of what is not finished")
parser.add_argument("--shard", type=Path, required=True, help="features, .h5")
parser.add_argument("--table", type=Path, required=True, help="one row a clip, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    try:
        extract_shard(
            read_clips(flags.clips),
            flags.shard,
            flags.table,
            FeatureOptions(**flags.options),
            state=flags.state,
            workers=flags.workers,
        )
    except OSError as error:
        sys.exit(f"can't go on: {error}; what is done lies in {flags.state}, and is kept")
