"""Rule make_mini: one speaker of the embedded data set, in MEAD's own layout."""

import argparse
import sys
from pathlib import Path

from emohead.data.mead import EMOTIONS
from emohead.mini.dataset import make_speaker

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--speaker", required=True)
parser.add_argument("--emotions", nargs="+", default=EMOTIONS)
parser.add_argument("--levels", type=int, nargs="+", default=[3])
parser.add_argument("--sentences", type=int, default=10, help="clips of every emotion")
parser.add_argument("--frame-size", type=int, default=256, help="pixels")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--workers", type=int, default=1, help="processes")
parser.add_argument("--output", type=Path, required=True, help="the speaker's own folder")

if __name__ == "__main__":
    flags = parser.parse_args()
    if flags.output.name != flags.speaker:
        parser.error(f"--output {flags.output} has to end in the speaker's id {flags.speaker}")
    try:
        make_speaker(
            flags.output.parent,
            flags.speaker,
            emotions=flags.emotions,
            levels=flags.levels,
            sentences=flags.sentences,
            frame_size=flags.frame_size,
            seed=flags.seed,
            workers=flags.workers,
        )
    except ValueError as error:
        sys.exit(str(error))
