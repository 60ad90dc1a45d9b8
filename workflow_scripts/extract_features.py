"""Rule extract_features: a shard's clips -> crops, 68 landmarks and MFCC windows."""

import argparse
import json
from pathlib import Path

from emohead.features import FeatureOptions, extract_shard
from emohead.mead import read_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--clips", type=Path, required=True, help="the shard's clip table")
parser.add_argument("--options", type=json.loads, default={}, help="FeatureOptions as JSON")
parser.add_argument("--shard", type=Path, required=True, help="features, .h5")
parser.add_argument("--table", type=Path, required=True, help="one row a clip, .csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    extract_shard(
        read_clips(flags.clips), flags.shard, flags.table, FeatureOptions(**flags.options)
    )
