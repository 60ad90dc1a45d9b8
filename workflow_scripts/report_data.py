"""Rule report_data: the clips, the rejects, the split and the shards -> a self-contained page."""

from pathlib import Path

from emohead.report.data_page import write_data_page
from emohead.report.flags import report_parser

parser = report_parser(__doc__, "clips", "split", "features", "emotions")
parser.add_argument("--rejected", type=Path, required=True, help="the rejected clips, .csv")
parser.add_argument("--crops-figure", type=Path, required=True, help=".png")
parser.add_argument("--speakers", nargs="+", default=[], help="asked for (default: those found)")
parser.add_argument("--pairs", type=Path, help="sentences in several emotions, .csv")

if __name__ == "__main__":
    given = vars(parser.parse_args())
    write_data_page(given.pop("output")[0], **given)
