"""Rule report_published: this run beside the paper's and newer published rows, as md and html."""

from emohead.report.flags import report_parser
from emohead.report.published_forms import write_published

parser = report_parser(__doc__, "scores", "methods")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_published(flags.scores, flags.methods, flags.output)
