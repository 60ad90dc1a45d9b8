"""Rule list_clips: a speaker's folder -> the table of one emotion's clips."""

import argparse
from pathlib import Path

from emohead.files import whole_file
from emohead.mead import EMOTIONS, clip_table, find_clips

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--speaker-folder", type=Path, required=True)
parser.add_argument("--view", required=True)
parser.add_argument("--emotion", choices=EMOTIONS, required=True)
parser.add_argument("--levels", type=int, nargs="+", required=True)
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    clips = find_clips(
        flags.speaker_folder, view=flags.view, emotion=flags.emotion, levels=flags.levels
    )
    with whole_file(flags.output) as unfinished:
        clip_table(clips).to_csv(unfinished, index=False)
