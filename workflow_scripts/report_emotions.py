"""Rule report_emotions: the scores of one protocol -> methods by emotion, figure and csv."""

import argparse
from pathlib import Path

from emohead.report.emotions_figure import write_emotions_figure
from emohead.report.flags import add_score_flags

parser = argparse.ArgumentParser(description=__doc__)
add_score_flags(parser)
parser.add_argument("--reference", required=True, help="the protocol to show")
parser.add_argument("--output", type=Path, required=True, help=".png or .pdf")
parser.add_argument("--csv", type=Path, required=True, help="the figure's numbers")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_emotions_figure(
        flags.scores,
        labels=flags.label,
        reference=flags.reference,
        output=flags.output,
        csv=flags.csv,
    )
