"""Rule report_claims: the scores of all methods -> the paper's claims with their verdicts."""

from emohead.report.claims_forms import write_claims
from emohead.report.flags import report_parser

parser = report_parser(__doc__, "scores", "methods")

if __name__ == "__main__":
    flags = parser.parse_args()
    write_claims(flags.scores, flags.methods, flags.output)
