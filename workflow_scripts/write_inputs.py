"""Rule write_inputs: a speaker's test clips -> what somebody else's system is fed with."""

import argparse
from pathlib import Path
from typing import get_args

from emohead.data.clip_tables import read_clips
from emohead.data.references import PROTOCOLS
from emohead.data.split import clips_of_part
from emohead.features.store import open_clips
from emohead.files import whole_file
from emohead.methods.inputs import Framing, FramingKind, write_inputs

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument(
    "--features", type=Path, nargs="+", required=True, help="the speaker's feature shards"
)
parser.add_argument("--split", type=Path, required=True)
parser.add_argument("--clips", type=Path, required=True, help="clips.csv")
parser.add_argument("--speaker", required=True)
parser.add_argument("--references", choices=PROTOCOLS, nargs="+", required=True)
parser.add_argument("--framings", choices=get_args(FramingKind), nargs="+", required=True)
parser.add_argument("--sizes", type=int, nargs="+", required=True, help="pixels")
parser.add_argument("--folder", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    table = write_inputs(
        open_clips(flags.features, clips_of_part(flags.split, "test", flags.speaker)),
        {take.clip_id: take for take in read_clips(flags.clips)},
        flags.folder,
        protocols=flags.references,
        framings=[Framing(kind, size) for kind in flags.framings for size in flags.sizes],
    )
    with whole_file(flags.folder / "inputs.csv") as unfinished:
        table.to_csv(unfinished, index=False)
