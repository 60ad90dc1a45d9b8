"""Rule report_training: the training histories -> loss curves."""

import argparse
from pathlib import Path

from emohead.report.flags import name_and_path
from emohead.report.training_figure import write_training_figure

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument(
    "--history",
    action="append",
    required=True,
    type=name_and_path,
    metavar="LABEL=PATH",
    help="a model's label and its history.csv; repeat; the same label again for another seed",
)
parser.add_argument("--output", type=Path, nargs="+", required=True, help=".png and .pdf files")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_training_figure(flags.history, outputs=flags.output)
