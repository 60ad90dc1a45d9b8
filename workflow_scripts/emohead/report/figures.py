"""The statistical figures, drawn by seaborn: trainings, methods by emotion, ablations, lengths."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn.objects as so
from matplotlib import rc_context
from matplotlib.figure import Figure
from seaborn import axes_style, plotting_context

from emohead.data.mead import EMOTIONS
from emohead.evaluation.catalogue import HEADLINE, metric
from emohead.report.methods import GROUND_TRUTH, Method, labels_of
from emohead.report.scores import (
    label_methods,
    of_reference,
    protocol_label,
    read_scores,
    score_by,
    table_of,
)
from emohead.report.style import BLUE, FAINT, ORANGE, RC, figure_label, method_colours, save_figure
from emohead.report.tables import heading_of, write_csv

PARTS = {"training": BLUE, "validation": ORANGE}
PROGRESS = ("epoch", "step", "seconds")
#: Between 0 and 1: nothing that a logarithmic axis would show better.
SHARES = ("accuracy",)
LOG_RATIO = 5  # a range that a linear axis would flatten
VERDICTS = {"better": BLUE, "worse": ORANGE, "": "#777777", "first": "#000000"}
BARS = 30


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


def write_training_figure(
    histories: Sequence[tuple[str, Path]], *, outputs: Sequence[Path]
) -> None:
    """Draw the history.csv files, labelled; a label given several times has several seeds."""
    read = [(label, read_history(path)) for label, path in histories]
    save_figure(draw_training_figure(read), outputs)


def read_history(path: Path) -> pd.DataFrame:
    """A history.csv: columns epoch, step, seconds, then losses, `val_` before validation's."""
    if not path.is_file():
        raise ValueError(f"no training history {path}: train the model first")
    history = pd.read_csv(path)
    if "epoch" not in history or history.empty or not set(history) - set(PROGRESS):
        raise ValueError(f"{path}: not a training history with the columns epoch and loss")
    return history


def draw_training_figure(histories: Sequence[tuple[str, pd.DataFrame]]) -> Figure:
    """A row per label and a panel per loss, the total first; each seed is a line."""
    curves = pd.concat(
        history.drop(columns=["step", "seconds"], errors="ignore")
        .melt("epoch", var_name="loss")
        .assign(model=label, seed=seed)
        for seed, (label, history) in enumerate(histories)
    )
    curves = curves.dropna().reset_index(drop=True)
    is_validation = curves["loss"].str.startswith("val_")
    curves["part"] = np.where(is_validation, "validation", "training")
    curves["loss"] = curves["loss"].str.removeprefix("val_")
    losses = {
        model: sorted(part["loss"].unique(), key=lambda name: name != "loss")
        for model, part in curves.groupby("model", sort=False)
    }
    curves["place"] = [
        losses[model].index(loss)
        for model, loss in zip(curves["model"], curves["loss"], strict=True)
    ]
    places = range(max(map(len, losses.values())))
    plot = (
        so.Plot(curves, x="epoch", y="value", color="part", group="seed")
        .facet(col="place", row="model", order={"col": list(places), "row": list(losses)})
        .share(x=False, y=False)
        .add(so.Line(linewidth=1.3, marker="o", pointsize=1.5))
        .scale(color=PARTS)
    )
    figure = _draw(plot, 2.3 * len(places) + 0.6, 1.8 * len(losses) + 0.4)
    for axis, (model, place) in zip(figure.axes, product(losses, places), strict=True):
        if place >= len(losses[model]):
            axis.set_axis_off()
            continue
        loss = losses[model][place]
        values = curves.loc[(curves["model"] == model) & (curves["loss"] == loss), "value"]
        values = values[np.isfinite(values)]
        if loss not in SHARES and (values > 0).all() and values.max() > LOG_RATIO * values.min():
            axis.set_yscale("log")
        axis.set_title(loss, loc="left", fontsize=9)
        if place == 0:
            axis.set_ylabel(model, rotation=0, ha="right", va="center", fontweight="bold")
    figure.supxlabel("epoch")
    return figure


def write_emotions_figure(
    scores: Sequence[Path], methods: Sequence[Method], reference: str, outputs: Sequence[Path]
) -> None:
    """Draw one protocol of the tables of scores as .png or .pdf, its numbers as .csv."""
    numbers = group_scores(read_scores(scores), labels_of(methods), reference)
    for path in outputs:
        if path.suffix == ".csv":
            write_csv(path, numbers)
        else:
            save_figure(draw_emotions_figure(numbers), [path])


def group_scores(scores: pd.DataFrame, labels: Mapping[str, str], reference: str) -> pd.DataFrame:
    """Means of Table 1's metrics with 95 % intervals, by emotion and, if there are several, level.

    `group` is emotion or level, `name` which; the ground truth, perfect throughout, is left out.
    ValueError if there is nothing else.
    """
    rows = of_reference(scores, reference)
    rows = rows[rows["method"] != GROUND_TRUTH]
    if rows.empty:
        raise ValueError(f"no method but the ground truth has scores with {reference!r}")
    groups = {"emotion": rows}
    # Neutral has one level alone, and says nothing of levels.
    levels = rows[rows["emotion"] != "neutral"]
    if levels.loc[levels["level"] > 0, "level"].nunique() > 1:
        groups["level"] = levels
    return pd.DataFrame(
        {"reference": reference, "method": method, "label": label, "metric": name,
         "convention": convention, "group": group, "name": each,
         "clips": table_of(part[part[group] == each], method, name, convention).shape[1],
         "mean": found.mean, "low": found.low, "high": found.high}
        for method, label in label_methods(rows, labels).items()
        for name, convention in HEADLINE.items()
        for group, part in groups.items()
        for each, found in score_by(part, group, method, name, convention).items()
    )  # fmt: skip


def draw_emotions_figure(numbers: pd.DataFrame) -> Figure:
    """A panel per metric and, below, the levels' where there are any; dots with intervals."""
    methods = dict(zip(numbers["method"], numbers["label"], strict=True))
    names = {method: figure_label(method, label) for method, label in methods.items()}
    colours = method_colours(list(methods))
    groups = list(numbers["group"].unique())
    order = [*EMOTIONS, *sorted({each for each in numbers["name"] if each not in EMOTIONS})]
    frame = numbers.assign(
        drawn=numbers["method"].map(names),
        panel=numbers["group"] + " " + numbers["metric"],
        place=[f"level {each}" if group == "level" else each
               for group, each in zip(numbers["group"], numbers["name"], strict=True)],
    ).sort_values("name", key=lambda column: column.map(order.index), kind="stable")  # fmt: skip
    panels = {
        f"{group} {name}": metric(name, HEADLINE[name]) for group in groups for name in HEADLINE
    }
    plot = (
        so.Plot(frame, x="place", y="mean", ymin="low", ymax="high", color="drawn")
        .facet(col="panel", wrap=2, order=list(panels))
        .share(x=False, y=False)
        .add(so.Dot(pointsize=4), so.Dodge())
        .add(so.Range(linewidth=1.2), so.Dodge())
        .scale(
            color=so.Nominal({names[m]: colours[m] for m in methods}, order=list(names.values()))
        )
    )
    figure = _draw(plot, 10.8, 5 * len(groups) + 0.3)
    for axis, measured in zip(figure.axes, panels.values(), strict=True):
        unit = measured.unit.split()[0]
        shown_unit = f" ({unit})" if unit in ("px", "dB") else ""
        axis.set_title(f"{heading_of(measured)}{shown_unit}", fontsize=9)
    figure.suptitle(protocol_label(numbers["reference"].iloc[0]), fontsize=10)
    return figure


def draw_ablations_figure(numbers: pd.DataFrame) -> Figure:
    """A row for each choice, a panel for each metric: means with their 95 % intervals over clips.

    `numbers` as `compare` gives them. The line is the first model's mean; blue is better than that
    one and orange worse, as far as the paired difference can tell.
    """
    label = [figure_label(*each) for each in zip(numbers["model"], numbers["label"], strict=True)]
    blocks = {
        (stage, reference): f"{stage} · {protocol_label(reference)}"
        for stage, reference in zip(numbers["stage"], numbers["reference"], strict=True)
    }
    frame = numbers.assign(
        drawn=label,
        block=[blocks[each] for each in zip(numbers["stage"], numbers["reference"], strict=True)],
        colour=numbers["verdict"].where(numbers["difference"].notna() | ~numbers["first"], "first"),
    )
    columns = range(frame["place"].max() + 1)
    plot = (
        so.Plot(frame, x="mean", y="drawn", xmin="low", xmax="high", color="colour")
        .facet(col="place", row="block", order={"row": list(blocks.values())})
        .share(x=False, y=False)
        .add(so.Dot(pointsize=4), legend=False)
        .add(so.Range(linewidth=1.3), legend=False)
        .scale(color=VERDICTS)
    )
    rows = sum(part["drawn"].nunique() for _, part in frame.groupby("block"))
    figure = _draw(
        plot, 2.1 * len(columns) + 0.085 * max(map(len, label)), rows * 0.3 + len(blocks)
    )
    for axis, (block, place) in zip(figure.axes, product(blocks.values(), columns), strict=True):
        part = frame[(frame["block"] == block) & (frame["place"] == place)]
        axis.axvline(part["mean"].iloc[0], color=FAINT, lw=1.2, zorder=0)
        heading = part["heading"].iloc[0]
        axis.set_title(heading if place else f"{block}\n{heading}", loc="left", fontsize=9)
        axis.tick_params(axis="y", labelleft=not place)
    return figure


def longest_shown(seconds: pd.Series) -> float:
    """Where the axis ends: at the longest clip, unless a few clips are far longer than the rest."""
    return float(min(seconds.max(), 2 * seconds.quantile(0.99)))


def draw_lengths_figure(clips: pd.DataFrame, emotions: Sequence[str]) -> Figure:
    """A histogram per emotion, on the same axes, and the median.

    Clips beyond `longest_shown` are in the last bar.
    """
    limit, across = longest_shown(clips["seconds"]), min(4, len(emotions))
    frame = clips.assign(seconds=clips["seconds"].clip(upper=limit))
    plot = (
        so.Plot(frame, x="seconds")
        .facet("emotion", wrap=across, order=list(emotions))
        .add(
            so.Bar(color=BLUE, edgewidth=0, alpha=1, width=1),
            so.Hist(bins=BARS, binrange=(0, limit)),
        )
    )
    figure = _draw(plot, 2.5 * across + 0.4, 1.6 * -(-len(emotions) // across) + 0.3)
    for axis, emotion in zip(figure.axes, emotions, strict=True):
        seconds = clips.loc[clips["emotion"] == emotion, "seconds"]
        axis.set_title(emotion, loc="left", fontsize=9, fontweight="bold")
        said = f"median {seconds.median():.1f} s" if len(seconds) else "none"
        axis.set_title(said, loc="right", fontsize=8)
        if len(seconds):
            axis.axvline(seconds.median(), color=ORANGE, lw=1.2)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("clips", fontsize=9)
    return figure
