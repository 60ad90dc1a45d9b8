"""Rule report_published: this run beside the paper's and newer published rows, as md and html."""

import argparse
from pathlib import Path

from emohead.report.flags import add_score_flags
from emohead.report.published_forms import write_published

parser = argparse.ArgumentParser(description=__doc__)
add_score_flags(parser, required=False)
parser.add_argument("--md", type=Path, required=True)
parser.add_argument("--html", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_published(flags.scores, labels=flags.label, md=flags.md, html=flags.html)
