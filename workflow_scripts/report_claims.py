"""Rule report_claims: the scores of all methods -> the paper's claims with their verdicts."""

import argparse
from pathlib import Path

from emohead.report.claims_forms import write_claims
from emohead.report.flags import add_given_flag, add_score_flags

parser = argparse.ArgumentParser(description=__doc__)
add_score_flags(parser)
add_given_flag(parser)
parser.add_argument("--csv", type=Path, required=True)
parser.add_argument("--md", type=Path, required=True)
parser.add_argument("--html", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_claims(
        flags.scores,
        labels=flags.label,
        given=dict(flags.given),
        csv=flags.csv,
        md=flags.md,
        html=flags.html,
    )
