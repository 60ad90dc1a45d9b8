"""The methods emotion by emotion, in the metrics of Table 1, as a figure and as numbers."""

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.data.mead import EMOTIONS
from emohead.evaluation.catalogue import HEADLINE, metric
from emohead.files import whole_file
from emohead.report.methods import GROUND_TRUTH
from emohead.report.scores import (
    REFERENCE_LABELS,
    label_methods,
    levels_of,
    of_reference,
    read_scores,
    score_by,
)
from emohead.report.style import RC, figure_label, method_colours, save_figure

PANEL_INCHES = (5.4, 2.5)
TOP_INCHES, LEGEND_INCHES = 0.3, 0.35  # of the title and of a row of the legend
LEGEND_COLUMNS = 6
SPREAD = 0.7  # of the methods around an emotion's place on the axis
COLUMNS = (
    "reference", "method", "label", "metric", "convention", "group", "name", "clips", "mean",
    "low", "high",
)  # fmt: skip


def write_emotions_figure(
    scores: Sequence[Path],
    *,
    labels: Sequence[tuple[str, str]],
    reference: str,
    output: Path,
    csv: Path,
) -> None:
    """Draw one protocol of the tables of scores as .png or .pdf, its numbers as .csv."""
    numbers = group_scores(read_scores(scores), labels, reference)
    save_figure(draw_emotions_figure(numbers), [output])
    with whole_file(csv) as unfinished:
        numbers.to_csv(unfinished, index=False, float_format="%.6f", lineterminator="\n")


def group_scores(
    scores: pd.DataFrame, labels: Sequence[tuple[str, str]], reference: str
) -> pd.DataFrame:
    """Means with 95 % intervals by emotion and, where there are several, by level: `COLUMNS`.

    `group` is emotion or level, `name` which; the ground truth, perfect throughout, is left out.
    ValueError if there is nothing else.
    """
    names = label_methods(scores, labels)
    rows = of_reference(scores, reference)
    rows = rows[rows["method"] != GROUND_TRUTH]
    if rows.empty:
        raise ValueError(f"no method but the ground truth has scores with {reference!r}")
    # Neutral has one level alone, and says nothing of levels.
    levels = rows[rows["emotion"] != "neutral"]
    groups = [("emotion", rows)]
    if len(levels_of(levels)) > 1:
        groups.append(("level", levels))
    there = set(rows["method"].unique())
    found = [
        (
            reference, method, label, name, convention, group, each,
            _count_clips(part, group, each, method, name), score.mean, score.low, score.high,
        )
        for method, label in names.items()
        if method in there
        for name, convention in HEADLINE.items()
        for group, part in groups
        for each, score in score_by(part, group, method, name, convention).items()
    ]  # fmt: skip
    return pd.DataFrame(found, columns=COLUMNS)


def draw_emotions_figure(numbers: pd.DataFrame) -> Figure:
    """A panel per metric and, below, the levels' where there are any; dots with intervals."""
    groups = list(numbers["group"].unique())
    methods = dict(zip(numbers["method"], numbers["label"], strict=True))
    rows = 2 * len(groups)
    legend_rows = math.ceil(len(methods) / LEGEND_COLUMNS)
    foot = LEGEND_INCHES * legend_rows
    height = TOP_INCHES + rows * PANEL_INCHES[1] + foot
    with rc_context(RC):
        figure = Figure(figsize=(2 * PANEL_INCHES[0], height), layout="constrained")
        figure.get_layout_engine().set(rect=(0, foot / height, 1, 1 - foot / height), h_pad=0.1)
        panels = figure.subplots(rows, 2).ravel()
        wanted = [(group, name) for group in groups for name in HEADLINE]
        for panel, (group, name) in zip(panels, wanted, strict=True):
            part = numbers[(numbers["group"] == group) & (numbers["metric"] == name)]
            _draw_panel(panel, part, list(methods), name)
        reference = numbers["reference"].iloc[0]
        figure.suptitle(REFERENCE_LABELS.get(reference, reference), fontsize=10)
        # Of a method that lacks a panel's metric there is nothing in that panel.
        shown = {}
        for panel in panels:
            handles, labels = panel.get_legend_handles_labels()
            shown = dict(zip(labels, handles, strict=True)) | shown
        drawn = [method for method in methods if _handle(method) in shown]
        figure.legend(
            [shown[_handle(method)] for method in drawn],
            [figure_label(method, methods[method]) for method in drawn],
            loc="lower center", ncols=LEGEND_COLUMNS, frameon=False,
        )  # fmt: skip
    return figure


def _handle(method: str) -> str:
    """What matplotlib calls a method's dots; what begins with _ is in no legend."""
    return f"method {method}"


def _draw_panel(panel: Axes, part: pd.DataFrame, methods: Sequence[str], name: str) -> None:
    """Groups across, each with a dot per method: the mean and its interval."""
    colours = method_colours(methods)
    places = _in_order(part["name"].unique())
    step = SPREAD / max(1, len(methods) - 1)
    for i, method in enumerate(methods):
        rows = part[part["method"] == method]
        x = [places.index(each) - SPREAD / 2 + i * step for each in rows["name"]]
        # An unknown interval is drawn without a length.
        errors = [
            (rows["mean"] - rows["low"]).fillna(0).clip(lower=0),
            (rows["high"] - rows["mean"]).fillna(0).clip(lower=0),
        ]
        label = _handle(method) if len(rows) else "_"
        panel.errorbar(
            x, rows["mean"], yerr=errors, fmt="o", ms=4, lw=1.2, color=colours[method], label=label
        )
    measured = metric(name, HEADLINE[name])
    arrow = "↓" if measured.lower_is_better else "↑"
    unit = measured.unit.split()[0]
    panel.set_title(f"{measured.heading} {arrow}{f' ({unit})' if unit in ('px', 'dB') else ''}")
    shown = [f"level {each}" if isinstance(each, int) else each for each in places]
    panel.set_xticks(range(len(places)), shown, fontsize=8)
    panel.set_xlim(-0.5, max(len(places), 1) - 0.5)
    panel.grid(axis="x", visible=False)
    for edge in range(1, len(places)):
        panel.axvline(edge - 0.5, color=RC["grid.color"], lw=RC["grid.linewidth"], zorder=0)


def _in_order(names: Sequence[str | int]) -> list[str | int]:
    """Emotions in MEAD's order, levels from weak to strong."""
    return sorted(names, key=lambda name: EMOTIONS.index(name) if name in EMOTIONS else int(name))


def _count_clips(
    scores: pd.DataFrame, group: str, name: str | int, method: str, measure: str
) -> int:
    """The clips that have a value: of some, a metric can't be computed."""
    is_counted = (
        (scores[group] == name)
        & (scores["method"] == method)
        & (scores["metric"] == measure)
        & (scores["convention"] == HEADLINE[measure])
    )
    return scores.loc[is_counted, "clip_id"].nunique()
