"""Rule collect_notes: what became of each of somebody else's videos, of all speakers."""

import argparse
from pathlib import Path

from emohead.methods.flags import add_video_flags, foreign_videos
from emohead.methods.foreign_videos import collect_notes

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--notes", type=Path, nargs="+", required=True, help="of each speaker, .csv")
add_video_flags(parser)
parser.add_argument("--output", type=Path, required=True, help=".csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    collect_notes(flags.notes, foreign_videos(flags), flags.output)
