"""Rule report_ablations: the scores of each stage's models -> their comparison."""

import json
from pathlib import Path

from emohead.report.ablations_forms import write_ablations
from emohead.report.flags import report_parser

parser = report_parser(__doc__, "scores")
parser.add_argument("--sound", type=Path, required=True, help="of the plain sound, .parquet")
parser.add_argument(
    "--models",
    type=json.loads,
    required=True,
    help="JSON: for each stage the models' labels, the one to compare with first",
)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_ablations(flags.scores, flags.sound, flags.models, flags.output)
