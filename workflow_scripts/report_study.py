"""Rule report_study: raters' answers and a study's key -> ratings, those left out, and Table 2."""

import argparse
from pathlib import Path

from emohead.report.flags import add_score_flags
from emohead.study.table2_forms import write_table2

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--answers", type=Path, required=True, help="a folder of answer files")
parser.add_argument("--key", type=Path, required=True, help="the study's key.json")
add_score_flags(parser, required=False)
parser.add_argument("--seed", type=int, default=0, help="of the trainings whose videos were shown")
parser.add_argument("--ratings", type=Path, required=True, help=".csv")
parser.add_argument("--excluded", type=Path, required=True, help=".csv")
parser.add_argument("--csv", type=Path, required=True)
parser.add_argument("--md", type=Path, required=True)
parser.add_argument("--tex", type=Path, required=True)
parser.add_argument("--html", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_table2(
        flags.answers,
        flags.key,
        scores=flags.scores,
        seed=flags.seed,
        labels=flags.label,
        ratings=flags.ratings,
        excluded=flags.excluded,
        csv=flags.csv,
        md=flags.md,
        tex=flags.tex,
        html=flags.html,
    )
