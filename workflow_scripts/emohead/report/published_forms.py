"""This run, the paper and newer published rows, group by group, as .md and .html."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from emohead.report.forms import write_forms
from emohead.report.published import GROUPS, HEADINGS, PAPER, PublishedGroup, PublishedRow
from emohead.report.render import render_template
from emohead.report.scores import read_scores
from emohead.report.table1 import COLUMNS, MISSING, Protocol, build_table1

INTRODUCTION = (
    "Figures of different groups can't be compared: crops, actors, formulas and reference frames "
    "differ, and one method's figures differ from source to source. As printed by the sources."
)
THIS_RUN = (
    "Landmarks re-detected, centroid removed, mean over points, in pixels of a 128-pixel crop; "
    "SSIM and PSNR in RGB; PSNR, wrapped: grey, squared difference modulo 256. {protocol}. The "
    "data are those of this run's configuration, which need not be MEAD's."
)


def write_published(
    scores: Sequence[Path], *, labels: Sequence[tuple[str, str]], md: Path, html: Path
) -> None:
    """Write both forms; without `scores`, without this run. ValueError as `read_scores`."""
    groups = published_groups(read_scores(scores) if scores else None, labels)
    write_forms({md: to_markdown(groups), html: to_html(groups)})


def published_groups(
    scores: pd.DataFrame | None, labels: Sequence[tuple[str, str]] = ()
) -> list[PublishedGroup]:
    """The paper's group, this run's (one for each protocol), then the newer ones."""
    if scores is None:
        return [PAPER, *GROUPS]
    this_run = build_table1(scores, labels, intervals=False)
    return [PAPER, *map(_group_of_run, this_run.protocols), *GROUPS]


def to_markdown(groups: Sequence[PublishedGroup]) -> str:
    """For each group a heading, its convention and a pipe table."""
    parts = [INTRODUCTION]
    for group in groups:
        lines = [
            ["Method", *(HEADINGS[name] for name in group.columns)],
            ["---"] + ["---:"] * len(group.columns),
            *([row.label.replace("|", r"\|"), *figures(group, row)] for row in group.rows),
        ]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        notes = [f"> {note}" for note in group.notes]
        parts += [f"### {group.heading}", f"{group.convention} Source: {group.source}.", table]
        parts += notes
    return "\n\n".join(parts) + "\n"


def to_html(groups: Sequence[PublishedGroup]) -> str:
    """A `<section>` with a figure for each group, to be set into a page."""
    return render_template(
        "published.html.j2",
        groups=groups,
        headings=HEADINGS,
        figures=figures,
        introduction=INTRODUCTION,
    )


def figures(group: PublishedGroup, row: PublishedRow) -> list[str]:
    """The row's figures under the group's columns."""
    return [row.figures.get(name, MISSING) for name in group.columns]


def _group_of_run(protocol: Protocol) -> PublishedGroup:
    rows = [
        PublishedRow(row.label, {name: row.shown(name) for name in COLUMNS})
        for row in protocol.rows
        if row.scores is not None
    ]
    return PublishedGroup(
        f"This run: {protocol.heading[0].lower()}{protocol.heading[1:]}",
        "this run's Table 1",
        THIS_RUN.format(protocol=protocol.heading),
        tuple(rows),
        protocol.notes,
    )
