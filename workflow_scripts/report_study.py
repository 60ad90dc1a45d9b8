"""Rule report_study: raters' answers and a study's key -> ratings, those left out, and Table 2."""

from pathlib import Path

from emohead.report.flags import report_parser
from emohead.study.table2_forms import write_table2

parser = report_parser(__doc__, "scores", "methods")
parser.add_argument("--answers", type=Path, required=True, help="a folder of answer files")
parser.add_argument("--key", type=Path, required=True, help="the study's key.json")
parser.add_argument("--seed", type=int, default=0, help="of the trainings whose videos were shown")
parser.add_argument("--ratings", type=Path, required=True, help=".csv")
parser.add_argument("--excluded", type=Path, required=True, help=".csv")

if __name__ == "__main__":
    write_table2(**vars(parser.parse_args()))
