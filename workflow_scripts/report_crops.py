"""Rule report_crops: the clip table and the feature shards -> sample crops with landmarks."""

from pathlib import Path

from emohead.data.mead import EMOTIONS
from emohead.report.flags import report_parser
from emohead.report.pictures import write_crops_figure

parser = report_parser(__doc__)
parser.add_argument("--clips", type=Path, required=True, help="the accepted clips, .csv")
parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
parser.add_argument("--emotions", nargs="+", default=EMOTIONS, help="the columns")

if __name__ == "__main__":
    write_crops_figure(**vars(parser.parse_args()))
