"""Rule report_table1: the scores of all methods -> Table 1 as csv, md, tex and html."""

import argparse
from pathlib import Path

from emohead.report.flags import (
    add_given_flag,
    add_score_flags,
    name_and_path,
    name_and_text,
)
from emohead.report.table1_forms import write_table1

parser = argparse.ArgumentParser(description=__doc__)
add_score_flags(parser)
add_given_flag(parser)
parser.add_argument("--note", action="append", default=[], help="a warning under the table; repeat")
parser.add_argument(
    "--row-note", action="append", default=[], type=name_and_text, metavar="METHOD=TEXT",
    help="a sentence about a row; repeat",
)  # fmt: skip
parser.add_argument(
    "--placed", action="append", default=[], type=name_and_path, metavar="METHOD=FILE",
    help="notes.csv of somebody else's videos; repeat",
)  # fmt: skip
parser.add_argument(
    "--gates", action="append", default=[], type=name_and_path, metavar="METHOD=FILE",
    help="what a method's disentangler passes, of each seed; repeat",
)  # fmt: skip
parser.add_argument("--csv", type=Path, required=True)
parser.add_argument("--md", type=Path, required=True)
parser.add_argument("--tex", type=Path, required=True)
parser.add_argument("--html", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_table1(
        flags.scores,
        labels=flags.label,
        given=dict(flags.given),
        gates=flags.gates,
        notes=flags.note,
        row_notes=flags.row_note,
        placed=flags.placed,
        csv=flags.csv,
        md=flags.md,
        tex=flags.tex,
        html=flags.html,
    )
