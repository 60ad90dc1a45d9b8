"""Rule report_crops: the clip table and the feature shards -> sample crops with landmarks."""

import argparse
from pathlib import Path

from emohead.data.mead import EMOTIONS
from emohead.report.crops_figure import write_crops_figure

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--clips", type=Path, required=True, help="the accepted clips, .csv")
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--emotions", nargs="+", default=EMOTIONS, help="the columns")
parser.add_argument("--output", type=Path, nargs="+", required=True, help=".png and .pdf files")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_crops_figure(flags.clips, flags.features, emotions=flags.emotions, outputs=flags.output)
