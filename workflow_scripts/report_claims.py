"""Rule report_claims: the scores of all methods -> the paper's claims with their verdicts."""

from emohead.report.claims import write_claims
from emohead.report.flags import add_scores_flags, report_parser

parser = report_parser(__doc__)
add_scores_flags(parser)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_claims(flags.scores, flags.methods, flags.output)
