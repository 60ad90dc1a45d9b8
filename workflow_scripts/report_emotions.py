"""Rule report_emotions: the scores of one protocol -> methods by emotion, figure and csv."""

from emohead.report.figures import write_emotions_figure
from emohead.report.flags import report_parser

parser = report_parser(__doc__, "scores", "methods", "reference")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_emotions_figure(flags.scores, flags.methods, flags.reference, flags.output)
