"""Rule study: the videos of several methods -> a user study's page, its key and its protocol."""

import argparse
import json
from pathlib import Path

from emohead.data.split import clips_of_part
from emohead.flags import name_and_path
from emohead.study.page import write_study

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument(
    "--videos",
    action="append",
    required=True,
    type=name_and_path,
    metavar="METHOD=FOLDER",
    help="a folder of <clip_id>.mp4; repeat, several for one method too, in the table's order",
)
parser.add_argument("--split", type=Path, required=True, help="split.csv")
parser.add_argument("--clips", type=int, required=True, help="how many are rated")
parser.add_argument("--points", type=int, required=True, help="of each scale")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--reference", required=True, help="the reference face, for the protocol")
parser.add_argument("--questions", type=json.loads, required=True, help="as JSON")
parser.add_argument("--consent", required=True, help="what raters agree to")
parser.add_argument("--page", type=Path, required=True, help=".html")
parser.add_argument("--key", type=Path, required=True, help=".json")
parser.add_argument("--protocol", type=Path, required=True, help=".md")
parser.add_argument("--keys", type=Path, required=True, help="a folder that keeps every key")

if __name__ == "__main__":
    flags = parser.parse_args()
    folders: dict[str, list[Path]] = {}
    for method, folder in flags.videos:
        folders.setdefault(method, []).append(folder)
    write_study(
        folders,
        list(clips_of_part(flags.split, "test")),
        clips=flags.clips,
        points=flags.points,
        seed=flags.seed,
        reference=flags.reference,
        questions=flags.questions,
        consent=flags.consent,
        page=flags.page,
        key=flags.key,
        protocol=flags.protocol,
        keys=flags.keys,
    )
