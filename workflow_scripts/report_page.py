"""Rule report_page: claims, tables, videos, figures and settings -> one self-contained page."""

import argparse
import json
from pathlib import Path

import yaml

from emohead.report.flags import add_score_flags, name_and_path
from emohead.report.page import write_page
from emohead.report.provenance import read_provenance


def pair_and_path(flag: str) -> tuple[tuple[str, str], Path]:
    """`ours/neutral=folder` as (("ours", "neutral"), Path("folder")), for argparse's `type`."""
    pair, path = name_and_path(flag)
    first, slash, second = pair.partition("/")
    if not (first and slash and second):
        raise argparse.ArgumentTypeError(f"{flag!r} is not NAME/NAME=PATH")
    return (first, second), path


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--claims", type=Path, required=True, help="claims.csv")
parser.add_argument("--table1", type=Path, required=True, help="Table 1's .html form")
parser.add_argument("--published", type=Path, required=True, help="the published rows' .html form")
add_score_flags(parser)
for name, path, what in (
    ("--run", "METHOD/REFERENCE=FOLDER", "the folder of a run's shown clips"),
    ("--figure", "REFERENCE/NAME=FILE", "a .png; names: landmarks, frames, emotions"),
):
    parser.add_argument(
        name,
        action="append",
        required=True,
        type=pair_and_path,
        metavar=path,
        help=f"{what}; repeat",
    )
parser.add_argument("--training-figure", type=Path, required=True, help=".png")
parser.add_argument(
    "--basis",
    action="append",
    default=[],
    type=name_and_path,
    metavar="NAME=FILE",
    help="a landmark model's basis.csv; repeat",
)
parser.add_argument("--study", type=Path, help="Table 2's .html form, if there are answers")
parser.add_argument("--clips", type=Path, required=True, help="the data's clips.csv")
parser.add_argument("--split", type=Path, required=True, help="split.csv")
parser.add_argument("--rejected", type=Path, required=True, help="rejected.csv")
parser.add_argument("--data-page", type=Path, required=True, help="data.html, for a link to it")
parser.add_argument(
    "--provenance",
    action="append",
    default=[],
    type=name_and_path,
    metavar="NAME=FILE",
    help="a model's provenance.json; repeat",
)
parser.add_argument("--benchmarks", type=Path, required=True, help="Snakemake's benchmark files")
parser.add_argument("--config", type=json.loads, required=True, help="the run's, as JSON")
parser.add_argument("--note", action="append", default=[], help="a warning on top; repeat")
parser.add_argument(
    "--missing", action="append", default=[], help="what was not computed, and why; repeat"
)
parser.add_argument("--output", type=Path, required=True)

if __name__ == "__main__":
    flags = parser.parse_args()
    write_page(
        flags.output,
        claims=flags.claims,
        table1=flags.table1,
        published=flags.published,
        scores=flags.scores,
        labels=flags.label,
        runs=dict(flags.run),
        figures=dict(flags.figure),
        training_figure=flags.training_figure,
        bases=dict(flags.basis),
        study=flags.study,
        clips=flags.clips,
        split=flags.split,
        rejected=flags.rejected,
        data_page=flags.data_page,
        provenance={name: read_provenance(path) for name, path in flags.provenance},
        benchmarks=flags.benchmarks,
        config=yaml.safe_dump(flags.config, sort_keys=False, allow_unicode=True),
        notes=flags.note,
        missing=flags.missing,
    )
