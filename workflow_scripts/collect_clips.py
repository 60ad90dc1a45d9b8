"""Rule collect_clips: the tables of all shards -> clips.csv and rejected.csv."""

import argparse
import sys
from pathlib import Path

from emohead.data.clip_tables import collect_clips
from emohead.files import whole_file

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--lists", type=Path, nargs="+", required=True, help="clip tables")
parser.add_argument("--tables", type=Path, nargs="+", required=True, help="extraction's tables")
parser.add_argument("--problems", type=Path, nargs="*", default=[], help="earlier rejects")
parser.add_argument("--left-out", nargs="*", default=[], help="name, reason, name, reason, ...")
parser.add_argument("--max-rejected", type=float, required=True, help="a fraction of the clips")
parser.add_argument("--clips", type=Path, required=True)
parser.add_argument("--rejected", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    left_out = list(zip(flags.left_out[::2], flags.left_out[1::2], strict=True))
    try:
        clips, rejected = collect_clips(
            flags.lists,
            flags.tables,
            max_rejected=flags.max_rejected,
            problems=flags.problems,
            left_out=left_out,
        )
    except ValueError as error:
        sys.exit(str(error))
    for name, reason in left_out:
        print(f"{name}: left out: {reason}", flush=True)
    for table, path in ((clips, flags.clips), (rejected, flags.rejected)):
        with whole_file(path) as unfinished:
            table.to_csv(unfinished, index=False)
