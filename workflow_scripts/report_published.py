"""Rule report_published: this run beside the paper's and newer published rows, as md and html."""

from emohead.report.flags import add_scores_flags, report_parser
from emohead.report.published import write_published

parser = report_parser(__doc__)
add_scores_flags(parser, required=False)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_published(flags.scores, flags.methods, flags.output)
