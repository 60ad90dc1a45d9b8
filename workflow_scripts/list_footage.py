"""Rule list_footage: the table of a person's own videos -> the table of one shard's clips."""

import argparse
from pathlib import Path

from emohead.data.clip_tables import clip_table
from emohead.data.footage import read_footage
from emohead.data.mead import EMOTIONS
from emohead.files import whole_file

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--table", type=Path, required=True, help="file, speaker, emotion, level")
parser.add_argument("--folder", type=Path, required=True, help="of the table's files")
parser.add_argument("--speaker", required=True)
parser.add_argument("--emotion", choices=EMOTIONS, required=True)
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    clips = read_footage(flags.table, flags.folder)
    wanted = [c for c in clips if (c.speaker, c.emotion) == (flags.speaker, flags.emotion)]
    with whole_file(flags.output) as unfinished:
        clip_table(wanted).to_csv(unfinished, index=False)
