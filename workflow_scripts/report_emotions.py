"""Rule report_emotions: the scores of one protocol -> methods by emotion, figure and csv."""

from emohead.report.figures import write_emotions_figure
from emohead.report.flags import add_scores_flags, report_parser

parser = report_parser(__doc__)
add_scores_flags(parser)
parser.add_argument("--reference", required=True, help="the protocol to show")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_emotions_figure(flags.scores, flags.methods, flags.reference, flags.output)
