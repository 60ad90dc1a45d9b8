"""This run, the paper and newer published rows, group by group, as .md and .html."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.evaluation.catalogue import THEVAL
from emohead.report.forms import write_forms
from emohead.report.methods import GROUND_TRUTH
from emohead.report.published import GROUPS, HEADINGS, PAPER, PublishedGroup, PublishedRow
from emohead.report.render import render_template
from emohead.report.scores import (
    REFERENCE_LABELS,
    label_methods,
    of_reference,
    read_scores,
    references_of,
    table_of,
)
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


THEVAL_CONVENTION = (
    "Five of its eight metrics, which need no weights; by dlib's 68 points, loudness and an "
    "average head in the place of MediaPipe, Silero and FaceXFormer, so that THEval's own figures "
    "are on another scale. In brackets 1 - |value - true| / |true|: 1 is as the true clips are."
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
    names = label_methods(scores, labels)
    of_theval = [
        theval_group(of_reference(scores, each), each, names) for each in references_of(scores)
    ]
    return [
        PAPER,
        *map(_group_of_run, this_run.protocols),
        *(group for group in of_theval if group.columns),
        *GROUPS,
    ]


def theval_group(scores: pd.DataFrame, reference: str, names: Mapping[str, str]) -> PublishedGroup:
    """THEval's five metrics without weights under one protocol: value, and score in brackets.

    The score is 1 - |value - true| / |true|, of means over a method's clips, as THEval's eq. (12).
    """
    true = {name: table_of(scores, GROUND_TRUTH, name, "theval") for name in THEVAL}
    rows = []
    for method, label in names.items():
        figures, found = {}, []
        for name in THEVAL:
            ours = table_of(scores, method, name, "theval")
            clips = ours.columns.intersection(true[name].columns)
            if not len(clips):
                continue
            value, truth = (float(table[clips].mean(axis=1).mean()) for table in (ours, true[name]))
            score = 1 - abs(value - truth) / abs(truth) if truth else float("nan")
            found.append(score)
            figures[name] = f"{value:.3g} ({score:.2f})"
        if len(found) == len(THEVAL):
            figures["theval"] = f"{np.mean(found):.3f}"
        if figures:
            rows.append(PublishedRow(label, figures))
    return PublishedGroup(
        f"This run by THEval: {REFERENCE_LABELS.get(reference, reference).lower()}",
        "the formulas of THEval, CVPR 2026, arxiv.org/abs/2511.04520",
        THEVAL_CONVENTION,
        tuple(rows),
    )


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
