"""Rule report_page: claims, tables, videos, figures and settings -> one self-contained page."""

import json
from pathlib import Path

import yaml

from emohead.flags import name_and_path
from emohead.report.flags import report_parser
from emohead.report.results_page import write_page


def paths(text: str) -> dict[str, Path]:
    """A JSON object of files, for argparse's `type`."""
    return {name: Path(path) for name, path in json.loads(text).items()}


def figures_of(text: str) -> dict[str, dict[str, Path]]:
    """Likewise, of objects of files."""
    return {name: paths(json.dumps(each)) for name, each in json.loads(text).items()}


parser = report_parser(__doc__, "scores", "methods", "clips", "split")
parser.add_argument("--claims", type=Path, required=True, help="the claims' .html form")
parser.add_argument("--table1", type=Path, required=True, help="Table 1's .html form")
parser.add_argument("--published", type=Path, required=True, help="the published rows' .html form")
parser.add_argument("--figures", type=figures_of, required=True, help="JSON: reference, name, .png")
parser.add_argument("--training-figure", type=Path, required=True, help=".png")
parser.add_argument("--bases", type=paths, default={}, help="JSON: landmark model, basis.csv")
parser.add_argument("--study", type=Path, help="Table 2's .html form, if there are answers")
parser.add_argument("--data-page", type=Path, required=True, help="data.html, for a link to it")
parser.add_argument(
    "--provenance",
    nargs="+",
    default=[],
    type=name_and_path,
    metavar="NAME=FILE",
    help="a model's provenance.json",
)
parser.add_argument("--benchmarks", type=Path, required=True, help="Snakemake's benchmark files")
parser.add_argument("--config", type=json.loads, required=True, help="the run's, as JSON")
parser.add_argument("--notes", nargs="+", default=[], help="warnings on top")
parser.add_argument("--missing", nargs="+", default=[], help="what was not computed, and why")

if __name__ == "__main__":
    flags = parser.parse_args()
    given = vars(flags) | {
        "config": yaml.safe_dump(flags.config, sort_keys=False, allow_unicode=True),
        "provenance": dict(flags.provenance),
    }
    write_page(given.pop("output")[0], **given)
