"""Rule report_page: table, videos, figures and settings -> one self-contained HTML page."""

import argparse
import json
from pathlib import Path

import yaml

from emohead.report.flags import add_method_flags, name_and_path
from emohead.report.methods import named_methods
from emohead.report.page import write_page

parser = argparse.ArgumentParser(description=__doc__)
add_method_flags(parser, "its evaluation folder, with seed<k>/clips.csv in it")
parser.add_argument("--seeds", type=int, nargs="+", help="default: every seed<k> there is")
parser.add_argument(
    "--videos",
    action="append",
    required=True,
    type=name_and_path,
    metavar="ID=FOLDER",
    help="a method of --method and its folder of <clip_id>.mp4; repeat, in the order to show",
)
parser.add_argument("--table1", type=Path, required=True, help="Table 1's .html form")
parser.add_argument("--landmarks-figure", type=Path, required=True, help=".png")
parser.add_argument("--frames-figure", type=Path, required=True, help=".png")
parser.add_argument("--training-figure", type=Path, required=True, help=".png")
parser.add_argument("--config", type=json.loads, required=True, help="the run's, as JSON")
parser.add_argument("--note", action="append", default=[], help="a warning on top; repeat")
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    methods = named_methods(flags.method, flags.label)
    write_page(
        flags.output,
        notes=flags.note,
        table1=flags.table1,
        evaluations=methods,
        seeds=flags.seeds,
        videos=named_methods(
            flags.videos, [each for each in flags.label if each[0] in dict(flags.videos)]
        ),
        landmarks_figure=flags.landmarks_figure,
        frames_figure=flags.frames_figure,
        training_figure=flags.training_figure,
        config=yaml.safe_dump(flags.config, sort_keys=False, allow_unicode=True),
    )
