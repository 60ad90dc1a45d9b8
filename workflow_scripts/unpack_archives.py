"""Rule unpack_archives: a speaker's archives -> the wanted clips in MEAD's layout."""

import argparse
import sys
from pathlib import Path

from emohead.archives.unpacking import unpack, write_problems
from emohead.data.mead import EMOTIONS
from emohead.flags import name_and_path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--speaker", required=True)
parser.add_argument(
    "--archive", type=name_and_path, action="append", required=True, metavar="KIND=PATH",
    help="video=PATH, audio=PATH",
)  # fmt: skip
parser.add_argument("--view", required=True)
parser.add_argument("--emotions", choices=EMOTIONS, nargs="+", required=True)
parser.add_argument("--levels", type=int, nargs="+", required=True)
parser.add_argument("--output", type=Path, required=True, help="<root>/<speaker>")
parser.add_argument("--problems", type=Path, required=True, help="clip_id, stage, reason")

if __name__ == "__main__":
    flags = parser.parse_args()
    if flags.output.name != flags.speaker:
        parser.error(f"--output: the last folder of {flags.output} is not {flags.speaker}")
    try:
        problems = unpack(
            dict(flags.archive), flags.output.parent, speaker=flags.speaker, view=flags.view,
            emotions=flags.emotions, levels=flags.levels,
        )  # fmt: skip
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    write_problems(problems, flags.problems)
