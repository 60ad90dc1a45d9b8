"""Rule report_table1: the scores of all methods -> Table 1 as csv, md, tex and html."""

from emohead.report.flags import add_scores_flags, report_parser
from emohead.report.table1 import write_table1

parser = report_parser(__doc__)
add_scores_flags(parser)
parser.add_argument("--notes", nargs="+", default=[], help="warnings under the table")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_table1(flags.scores, flags.methods, flags.output, notes=flags.notes)
