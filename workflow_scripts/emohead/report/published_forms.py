"""Published rows beside Table 1, group by group, each with how it was measured.

Every source has its own crop, actors, units and reference frames: the same method differs from
table to table (EAT's SSIM: .53, .679, .68, .690). So groups are shown apart, each under its own
line, and never in one column.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from emohead.evaluation.catalogue import BY_NETWORKS, THEVAL, metric
from emohead.evaluation.published import ROWS, SOURCES
from emohead.evaluation.statistics import mean_over_seeds
from emohead.evaluation.summary import (
    of_reference,
    read_scores,
    references_of,
    table_of,
    theval_scores,
)
from emohead.report.methods import PROTOCOL_LABELS, Method, label_methods, labels_of
from emohead.report.tables import MISSING, Table, Tables, heading_of, number, write_forms

#: Headings of the figures, with the direction of better.
HEADINGS = {
    "f_lmd": "F-LMD ↓", "m_lmd": "M-LMD ↓", "m_lvd": "M-LVD ↓",
    "ssim": "SSIM ↑", "psnr": "PSNR ↑", "psnr_legacy": "PSNR, wrapped ↑", "cpbd": "CPBD ↑",
    "fid": "FID ↓", "sync": "Sync ↑", "accuracy": "Emotion accuracy, % ↑",
    **THEVAL, "theval": "Mean of the five scores ↑",
    **{name: heading_of(metric(name, by)) for name, by in BY_NETWORKS.items()},
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

BY_NETWORK = (
    "By networks whose weights were given, as docs/networks.md says; FID and FVD of all test clips "
    "together, the others' mean over clips, then over seeds."
)


def write_published(
    scores: Sequence[Path], methods: Sequence[Method], outputs: Sequence[Path]
) -> None:
    """Write the groups' forms; errors as `read_scores`."""
    groups = published_groups(read_scores(scores), labels_of(methods))
    write_forms(outputs, tables=Tables("published", groups, introduction=INTRODUCTION))


def published_groups(scores: pd.DataFrame, labels: Mapping[str, str]) -> list[Table]:
    """The paper's group, this run's by THEval and by networks (each protocol), the newer ones."""
    names, rows = label_methods(scores, labels), dict([*ROWS.set_index("label").groupby("group")])
    paper, *newer = [
        _group(each.heading, f"{each.convention} Source: {each.source}.", rows[each.Index])
        for each in SOURCES.itertuples()
    ]
    of_run = [
        _group(
            f"This run by {means}: {PROTOCOL_LABELS[each].lower()}",
            about,
            figures(of_reference(scores, each), names),
        )
        for means, about, figures in (
            ("THEval", BY_THEVAL, theval_figures),
            ("networks", BY_NETWORK, network_figures),
        )
        for each in references_of(scores)
    ]
    return [paper, *(group for group in of_run if len(group.cells)), *newer]


def theval_figures(scores: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """`theval_scores` under one protocol as printed: value, and score in brackets; their mean."""
    rows = {}
    for method, label in names.items():
        found = theval_scores(scores, method)
        rows[label] = {
            each.Index: f"{each.value:.3g} ({each.score:.2f})" for each in found.itertuples()
        }
        if len(found) == len(THEVAL):
            rows[label]["theval"] = f"{found['score'].mean(skipna=False):.3f}"
    return pd.DataFrame.from_dict(rows, orient="index")


def network_figures(scores: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Means of `BY_NETWORKS` under one protocol as printed, a row for each method."""
    rows: dict[str, dict[str, str]] = {}
    for method, label in names.items():
        tables = {name: table_of(scores, method, name, by) for name, by in BY_NETWORKS.items()}
        rows[label] = {
            name: number(mean_over_seeds(table.to_numpy(float)), 3)
            for name, table in tables.items()
            if table.notna().any(axis=None)
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _group(heading: str, about: str, figures: pd.DataFrame) -> Table:
    """A group's table, with the columns and rows that have any figure."""
    cells = figures.reindex(columns=[name for name in HEADINGS if name in figures]).fillna("")
    cells = cells.loc[(cells != "").any(axis=1), (cells != "").any()].replace("", MISSING)
    cells = cells.rename(columns=HEADINGS)
    cells.insert(0, "Method", cells.index)
    return Table(heading, cells, about)
