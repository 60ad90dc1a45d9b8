"""Rule report_table1: the scores of all methods -> Table 1 as csv, md, tex and html."""

from emohead.report.flags import report_parser
from emohead.report.table1_forms import write_table1

parser = report_parser(__doc__, "scores", "methods")
parser.add_argument("--notes", nargs="+", default=[], help="warnings under the table")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_table1(flags.scores, flags.methods, flags.output, notes=flags.notes)
