"""Published rows beside Table 1, group by group, each with how it was measured.

Every source has its own crop, actors, units and reference frames: the same method differs from
table to table (EAT's SSIM: .53, .679, .68, .690). So groups are shown apart, each under its own
line, and never in one column.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.evaluation.catalogue import THEVAL
from emohead.report.methods import GROUND_TRUTH, Method, labels_of
from emohead.report.paper import ROWS, SOURCES
from emohead.report.scores import (
    label_methods,
    of_reference,
    protocol_label,
    read_scores,
    references_of,
    table_of,
)
from emohead.report.tables import MISSING, Table, Tables, write_tables

#: Headings of the figures, with the direction of better.
HEADINGS = {
    "f_lmd": "F-LMD ↓", "m_lmd": "M-LMD ↓", "m_lvd": "M-LVD ↓",
    "ssim": "SSIM ↑", "psnr": "PSNR ↑", "psnr_legacy": "PSNR, wrapped ↑", "cpbd": "CPBD ↑",
    "fid": "FID ↓", "sync": "Sync ↑", "accuracy": "Emotion accuracy, % ↑",
    **THEVAL, "theval": "Mean of the five scores ↑",
}  # fmt: skip
INTRODUCTION = (
    "Figures of different groups can't be compared: crops, actors, formulas and reference frames "
    "differ, and one method's figures differ from source to source. As printed by the sources."
)
BY_THEVAL = (
    "Five of its eight metrics, which need no weights; by dlib's 68 points, loudness and an "
    "average head in the place of MediaPipe, Silero and FaceXFormer, so that THEval's own figures "
    "are on another scale. In brackets 1 - |value - true| / |true|: 1 is as the true clips are. "
    "Source: the formulas of THEval, CVPR 2026, arxiv.org/abs/2511.04520."
)


def write_published(
    scores: Sequence[Path], methods: Sequence[Method], outputs: Sequence[Path]
) -> None:
    """Write the groups' forms; without `scores`, without this run. ValueError as `read_scores`."""
    rows = read_scores(scores) if scores else None
    tables = Tables(
        "published", published_groups(rows, labels_of(methods)), introduction=INTRODUCTION
    )
    write_tables(outputs, tables)


def published_groups(scores: pd.DataFrame | None, labels: Mapping[str, str]) -> list[Table]:
    """The paper's group, this run's by THEval (for each protocol), then the newer ones."""
    paper, *newer = [
        _group(
            source.heading, f"{source.convention} Source: {source.source}.",
            ROWS[ROWS["group"] == source.Index].set_index("label"),
        )
        for source in SOURCES.itertuples()
    ]  # fmt: skip
    if scores is None:
        return [paper, *newer]
    names = label_methods(scores, labels)
    by_theval = [
        _group(
            f"This run by THEval: {protocol_label(each).lower()}", BY_THEVAL,
            theval_figures(of_reference(scores, each), names),
        )
        for each in references_of(scores)
    ]  # fmt: skip
    return [paper, *(group for group in by_theval if len(group.cells)), *newer]


def theval_figures(scores: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """THEval's five metrics without weights under one protocol: value, and score in brackets.

    The score is 1 - |value - true| / |true|, of means over a method's clips, as THEval's eq. (12).
    """
    true = {name: table_of(scores, GROUND_TRUTH, name, "theval") for name in THEVAL}
    rows = {}
    for method, label in names.items():
        figures, found = {}, []
        for name in THEVAL:
            ours = table_of(scores, method, name, "theval")
            clips = ours.columns.intersection(true[name].columns)
            if len(clips):
                value, truth = (float(t[clips].mean(axis=1).mean()) for t in (ours, true[name]))
                found.append(1 - abs(value - truth) / abs(truth) if truth else float("nan"))
                figures[name] = f"{value:.3g} ({found[-1]:.2f})"
        if len(found) == len(THEVAL):
            figures["theval"] = f"{np.mean(found):.3f}"
        if figures:
            rows[label] = figures
    return pd.DataFrame.from_dict(rows, orient="index")


def _group(heading: str, about: str, figures: pd.DataFrame) -> Table:
    """A group's table, with the columns and rows that have any figure."""
    cells = figures.reindex(columns=[name for name in HEADINGS if name in figures]).fillna("")
    cells = cells.loc[(cells != "").any(axis=1), (cells != "").any()].replace("", MISSING)
    cells = cells.rename(columns=HEADINGS)
    cells.insert(0, "Method", cells.index)
    return Table(heading, cells, about)
