"""Rule synthesize: a landmark model and a translator render the test clips of a method."""

import argparse
from pathlib import Path

from emohead.data.references import PROTOCOLS
from emohead.data.split import clips_of_part
from emohead.features.store import open_clips
from emohead.methods.method import read_method, synthesize_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--clips", type=Path, required=True, help="clips.csv, for the sound")
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--landmarks", required=True, help="a checkpoint, `truth` or `reference`")
parser.add_argument("--translator", required=True, help="a checkpoint, `truth` or `reference`")
parser.add_argument("--method", required=True, help="the method's name, for the videos' metadata")
parser.add_argument("--reference", choices=PROTOCOLS, required=True, help="whose face is given")
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--shard", type=Path, required=True, help="rendered clips, .h5")
parser.add_argument("--videos", type=Path, required=True, help="folder of rendered clips, .mp4")

if __name__ == "__main__":
    flags = parser.parse_args()
    synthesize_clips(
        read_method(flags.method, flags.landmarks, flags.translator),
        open_clips(flags.features, clips_of_part(flags.split, "test")),
        reference=flags.reference,
        clip_table=flags.clips,
        shard=flags.shard,
        videos=flags.videos,
        threads=flags.threads,
    )
