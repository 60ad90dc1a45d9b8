"""Rule report_table1: the per-clip scores of all methods -> Table 1 as csv, md, tex and html."""

import argparse
from pathlib import Path

from emohead.report.flags import add_method_flags
from emohead.report.methods import named_methods
from emohead.report.table1 import write_table1

parser = argparse.ArgumentParser(description=__doc__)
add_method_flags(parser, "its evaluation folder, with seed<k>/clips.csv in it")
parser.add_argument("--seeds", type=int, nargs="+", help="default: every seed<k> there is")
parser.add_argument("--note", action="append", default=[], help="a warning under the table; repeat")
parser.add_argument("--csv", type=Path, required=True)
parser.add_argument("--md", type=Path, required=True)
parser.add_argument("--tex", type=Path, required=True)
parser.add_argument("--html", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_table1(
        named_methods(flags.method, flags.label),
        seeds=flags.seeds,
        notes=flags.note,
        csv=flags.csv,
        md=flags.md,
        tex=flags.tex,
        html=flags.html,
    )
