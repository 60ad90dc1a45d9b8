"""Rule extract_sound: the clips of a feature shard -> 41 numbers of sound for every 10 ms."""

import argparse
from pathlib import Path

from emohead.data.clip_tables import read_clips
from emohead.motion.sound import extract_sound

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, required=True, help="the feature shard")
parser.add_argument("--clips", type=Path, required=True, help="clips.csv")
parser.add_argument("--output", type=Path, required=True, help="sound of the same clips, .h5")

if __name__ == "__main__":
    flags = parser.parse_args()
    takes = {take.clip_id: take for take in read_clips(flags.clips)}
    extract_sound(flags.features, takes, flags.output)
