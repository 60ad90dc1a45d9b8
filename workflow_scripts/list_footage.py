"""Rule list_footage: a person's own videos, by table or names -> one shard's table of clips."""

import argparse
from pathlib import Path

from emohead.data.clip_tables import clip_table
from emohead.data.footage import read_footage
from emohead.data.mead import EMOTIONS
from emohead.data.named_footage import find_footage
from emohead.files import whole_file

parser = argparse.ArgumentParser(description=__doc__)
named_by = parser.add_mutually_exclusive_group(required=True)
named_by.add_argument("--table", type=Path, help="file, speaker, emotion, level")
named_by.add_argument("--names", help="a pattern of names, or a data set's name")
parser.add_argument("--folder", type=Path, required=True, help="of the files")
parser.add_argument("--copies", type=Path, help="folder where the files will be read from")
parser.add_argument("--speaker", required=True)
parser.add_argument("--emotion", choices=EMOTIONS, required=True)
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    if flags.table:
        clips = read_footage(flags.table, flags.folder)
        clips = [c for c in clips if (c.speaker, c.emotion) == (flags.speaker, flags.emotion)]
    else:
        shard = {"speakers": [flags.speaker], "emotions": [flags.emotion]}
        clips, _ = find_footage(flags.folder, flags.names, **shard)
    table = clip_table(clips)
    if flags.copies:
        places = [flags.copies / clip.video.relative_to(flags.folder) for clip in clips]
        table["video"] = table["audio"] = places
    with whole_file(flags.output) as unfinished:
        table.to_csv(unfinished, index=False)
