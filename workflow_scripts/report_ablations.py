"""Rule report_ablations: the scores of each stage's models -> their comparison."""

import argparse
from pathlib import Path

from emohead.report.ablations import compare, to_csv, to_markdown
from emohead.report.ablations_figure import draw_ablations
from emohead.report.flags import name_and_text
from emohead.report.forms import write_forms
from emohead.report.style import save_figure

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument(
    "--scores", type=Path, nargs="+", required=True, help="tables of scores, .parquet"
)
parser.add_argument("--sound", type=Path, required=True, help="of the plain sound, .parquet")
for stage in ("landmarks", "translator"):
    parser.add_argument(
        f"--{stage}",
        action="append",
        required=True,
        type=name_and_text,
        metavar="NAME=TEXT",
        help="a model and its label; repeat, the one to compare with first",
    )
parser.add_argument("--csv", type=Path, required=True)
parser.add_argument("--md", type=Path, required=True)
parser.add_argument("--figure", type=Path, required=True, help=".png or .pdf")

if __name__ == "__main__":
    flags = parser.parse_args()
    labels = {"landmarks": flags.landmarks, "translator": flags.translator}
    ablations = compare(flags.scores, flags.sound, labels)
    write_forms({flags.csv: to_csv(ablations), flags.md: to_markdown(ablations)})
    save_figure(draw_ablations(ablations), [flags.figure])
