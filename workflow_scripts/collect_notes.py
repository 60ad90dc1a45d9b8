"""Rule collect_notes: what became of each of somebody else's videos, of all speakers."""

import argparse
from pathlib import Path

from emohead.methods.foreign_videos import collect_notes

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--notes", type=Path, nargs="+", required=True, help="of each speaker, .csv")
parser.add_argument("--videos", type=Path, required=True, help="the folder of the videos")
parser.add_argument("--output", type=Path, required=True, help=".csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    collect_notes(flags.notes, flags.videos, flags.output)
