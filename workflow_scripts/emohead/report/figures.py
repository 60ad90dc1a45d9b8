"""The statistical figures, drawn by seaborn: trainings, methods by emotion, ablations, lengths."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn.objects as so
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from seaborn import axes_style, plotting_context

from emohead.evaluation.catalogue import HEADLINE, metric
from emohead.evaluation.summary import read_scores
from emohead.evaluation.table1 import group_scores
from emohead.report.methods import PROTOCOL_LABELS, Method, label_methods, labels_of
from emohead.report.style import BLUE, FAINT, ORANGE, RC, figure_label, method_colours
from emohead.report.tables import heading_of, stage_heading, write_forms

PARTS = {"training": BLUE, "validation": ORANGE}
#: Between 0 and 1: nothing that a logarithmic axis would show better.
SHARES = "\naccuracy"
LOG_RATIO = 5  # a range that a linear axis would flatten
VERDICTS = {"better": BLUE, "worse": ORANGE, "": "#777777", "first": "#000000"}
ACROSS = 5  # panels of the trainings


def _draw(plot: so.Plot, width: float, height: float) -> Figure:
    """The plot on a figure of its own, inches."""
    look = {**axes_style("ticks"), **plotting_context("paper"), **RC}
    with rc_context(look):
        figure = Figure(figsize=(width, height), layout="constrained")
        plot.theme(look).label(x="", y="", color="").on(figure).plot()
    for legend in figure.legends:  # beside the figure, which is saved as wide as that needs
        legend.set(loc="center left", bbox_to_anchor=(1, 0.5), frame_on=False)
    for axis in figure.axes:
        axis.set_title("")
        axis.tick_params(labelsize=7.5)
    return figure


def draw_training_figure(histories: Sequence[tuple[str, Path]]) -> Figure:
    """A panel for each loss of each label's history.csv, the total first; each seed is a line."""
    curves = pd.concat(
        pd.read_csv(path)
        .drop(columns=["step", "seconds"])
        .melt("epoch", var_name="loss")
        .assign(model=label, seed=seed)
        for seed, (label, path) in enumerate(histories)
    ).dropna(ignore_index=True)
    is_validation = curves["loss"].str.startswith("val_")
    curves["part"] = np.where(is_validation, "validation", "training")
    curves["loss"] = curves["loss"].str.removeprefix("val_")
    curves["panel"] = curves["model"] + "\n" + curves["loss"]
    panels = [
        f"{model}\n{loss}"
        for model, part in curves.groupby("model", sort=False)
        for loss in sorted(part["loss"].unique(), key="loss".__ne__)
    ]
    plot = (
        so.Plot(curves, x="epoch", y="value", color="part", group="seed")
        .facet("panel", order=panels, wrap=ACROSS)
        .share(x=False, y=False)
        .add(so.Line(linewidth=1.3, marker="o", pointsize=1.5))
        .scale(color=PARTS)
    )
    figure = _draw(plot, 2.3 * ACROSS, 1.7 * -(-len(panels) // ACROSS) + 0.4)
    for axis, panel in zip(figure.axes, panels, strict=True):
        axis.set_title(panel, loc="left", fontsize=8)
        values = curves.loc[curves["panel"] == panel, "value"].replace(np.inf, np.nan)
        if not panel.endswith(SHARES) and values.max() > LOG_RATIO * values.min() > 0:
            axis.set_yscale("log")
            # Its own labels, as 3 x 10^-1, lie over each other in a panel of this height.
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_locator(NullLocator())
    figure.supxlabel("epoch")
    return figure


def write_emotions_figure(
    scores: Sequence[Path], methods: Sequence[Method], reference: str, outputs: Sequence[Path]
) -> None:
    """Draw one protocol of the tables of scores as .png or .pdf, its numbers as .csv."""
    rows = read_scores(scores)
    numbers = group_scores(rows, label_methods(rows, labels_of(methods)), reference)
    write_forms(outputs, numbers=numbers, figure=draw_emotions_figure(numbers))


def draw_emotions_figure(numbers: pd.DataFrame) -> Figure:
    """A panel per metric and, below, the levels' where there are any; dots with intervals."""
    methods = dict(zip(numbers["method"], numbers["label"], strict=True))
    names = {method: figure_label(method, label) for method, label in methods.items()}
    colours = {names[method]: colour for method, colour in method_colours(list(methods)).items()}
    groups = list(numbers["group"].unique())
    levels = "level " + numbers["name"].astype(str)
    frame = numbers.assign(
        drawn=numbers["method"].map(names),
        panel=numbers["group"] + " " + numbers["metric"],
        place=numbers["name"].where(numbers["group"] == "emotion", levels),
    ).sort_values("place", kind="stable")
    panels = {
        f"{group} {name}": metric(name, HEADLINE[name]) for group in groups for name in HEADLINE
    }
    plot = (
        so.Plot(frame, x="place", y="mean", ymin="low", ymax="high", color="drawn")
        .facet(col="panel", wrap=2, order=list(panels))
        .share(x=False, y=False)
        .add(so.Dot(pointsize=4), so.Dodge())
        .add(so.Range(linewidth=1.2), so.Dodge())
        .scale(color=so.Nominal(colours, order=list(colours)))
    )
    figure = _draw(plot, 10.8, 5 * len(groups) + 0.3)
    for axis, measured in zip(figure.axes, panels.values(), strict=True):
        unit = measured.unit.split()[0]
        shown_unit = f" ({unit})" if unit in ("px", "dB") else ""
        axis.set_title(f"{heading_of(measured)}{shown_unit}", fontsize=9)
    figure.suptitle(PROTOCOL_LABELS[numbers["reference"].iloc[0]], fontsize=10)
    return figure


def draw_ablations_figure(numbers: pd.DataFrame) -> Figure:
    """A row for each choice, a panel for each metric: means with their 95 % intervals over clips.

    `numbers` as `compare` gives them. The line is the first model's mean; blue is better than that
    one and orange worse, as far as the paired difference can tell.
    """
    frame = numbers.assign(
        drawn=[figure_label(*each) for each in numbers[["model", "label"]].to_numpy()],
        block=numbers["stage"] + " · " + numbers["reference"].map(PROTOCOL_LABELS),
        place=numbers.groupby(["stage", "reference", "model"]).cumcount(),
        colour=numbers["verdict"].mask(numbers["first"], "first"),
    )
    blocks, columns = list(frame["block"].unique()), range(frame["place"].max() + 1)
    plot = (
        so.Plot(frame, x="mean", y="drawn", xmin="low", xmax="high", color="colour")
        .facet(col="place", row="block", order={"row": blocks})
        .share(x=False, y=False)
        .add(so.Dot(pointsize=4), legend=False)
        .add(so.Range(linewidth=1.3), legend=False)
        .scale(color=VERDICTS)
    )
    rows = frame.groupby("block")["drawn"].nunique().sum()
    width = 2.1 * len(columns) + 0.085 * frame["drawn"].str.len().max()
    figure = _draw(plot, width, rows * 0.3 + len(blocks))
    for axis, (block, place) in zip(figure.axes, product(blocks, columns), strict=True):
        first = frame[(frame["block"] == block) & (frame["place"] == place)].iloc[0]
        axis.axvline(first["mean"], color=FAINT, lw=1.2, zorder=0)
        heading = stage_heading(first["metric"], first["convention"])
        axis.set_title(heading if place else f"{block}\n{heading}", loc="left", fontsize=9)
        axis.tick_params(axis="y", labelleft=not place)
    return figure


def longest_shown(seconds: pd.Series) -> float:
    """Where the axis ends: at the longest clip, unless a few clips are far longer than the rest."""
    return float(min(seconds.max(), 2 * seconds.quantile(0.99)))


def draw_lengths_figure(clips: pd.DataFrame, emotions: Sequence[str]) -> Figure:
    """A histogram per emotion; clips beyond `longest_shown` are in the last bar."""
    limit, across = longest_shown(clips["seconds"]), min(4, len(emotions))
    bars = so.Bar(color=BLUE, edgewidth=0, alpha=1, width=1)
    plot = (
        so.Plot(clips.assign(seconds=clips["seconds"].clip(upper=limit)), x="seconds")
        .facet("emotion", wrap=across, order=list(emotions))
        .add(bars, so.Hist(bins=30, binrange=(0, limit)))
    )
    figure = _draw(plot, 2.5 * across + 0.4, 1.6 * -(-len(emotions) // across) + 0.3)
    for axis, emotion in zip(figure.axes, emotions, strict=True):
        median = clips.loc[clips["emotion"] == emotion, "seconds"].median()
        axis.set_title(emotion, loc="left", fontsize=9, fontweight="bold")
        said = "none" if np.isnan(median) else f"median {median:.1f} s"
        axis.set_title(said, loc="right", fontsize=8)
        axis.axvline(median, color=ORANGE, lw=1.2)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("clips", fontsize=9)
    return figure
