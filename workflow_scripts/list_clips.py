"""Rule list_clips: a speaker's folder -> the table of one emotion's clips."""

import argparse
import sys
from pathlib import Path

from emohead.data.clip_tables import clip_table
from emohead.data.mead import EMOTIONS, find_clips
from emohead.files import whole_file

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--folder", type=Path, required=True, help="the speaker's, in MEAD's layout")
parser.add_argument("--speaker", required=True)
parser.add_argument("--view", required=True)
parser.add_argument("--emotion", choices=EMOTIONS, required=True)
parser.add_argument("--levels", type=int, nargs="+", required=True)
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    try:
        clips = find_clips(
            flags.folder,
            speaker=flags.speaker,
            view=flags.view,
            emotion=flags.emotion,
            levels=flags.levels,
        )
    except ValueError as error:
        sys.exit(str(error))
    with whole_file(flags.output) as unfinished:
        clip_table(clips).to_csv(unfinished, index=False)
