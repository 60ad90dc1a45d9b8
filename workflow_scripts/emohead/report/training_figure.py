"""Training curves: every loss of every model, per epoch, on training and validation clips."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.report.style import RC, TRAIN_COLOUR, VALIDATION_COLOUR, save_figure

PROGRESS = ("epoch", "step", "seconds")
VALIDATION = "val_"
# A range that a linear axis would flatten.
# Between 0 and 1: nothing that a logarithmic axis would show better.
SHARES = ("accuracy",)
LOG_RATIO = 5


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
    if "epoch" not in history or history.empty or not _losses(history):
        raise ValueError(f"{path}: not a training history with the columns epoch and loss")
    return history


def draw_training_figure(histories: Sequence[tuple[str, pd.DataFrame]]) -> Figure:
    """A row per label and a panel per loss, the total first; each seed is a line."""
    models: dict[str, list[pd.DataFrame]] = {}
    for label, history in histories:
        models.setdefault(label, []).append(history)
    columns = max(len(_losses(seeds[0])) for seeds in models.values())
    with rc_context(RC):
        figure = Figure(
            figsize=(2.3 * columns + 1.3, 1.7 * len(models) + 0.4), layout="constrained"
        )
        axes = figure.subplots(len(models), columns, squeeze=False)
        for (label, seeds), row in zip(models.items(), axes, strict=True):
            losses = _losses(seeds[0])
            for axis, loss in zip(row, losses, strict=False):
                _draw_loss(axis, seeds, loss)
            for unused in row[len(losses) :]:
                unused.set_axis_off()
            row[0].set_ylabel(
                label, rotation=0, ha="right", va="center", fontsize=10, fontweight="bold"
            )
        lines = {"training": axes[0, 0].plot([], color=TRAIN_COLOUR)[0]}
        if any(VALIDATION + "loss" in seeds[0] for seeds in models.values()):
            lines["validation"] = axes[0, 0].plot([], color=VALIDATION_COLOUR)[0]
        figure.legend(
            lines.values(), lines.keys(), loc="outside upper right", ncols=2, frameon=False
        )
        figure.supxlabel("epoch", fontsize=9)
    return figure


def _losses(history: pd.DataFrame) -> list[str]:
    names = [name.removeprefix(VALIDATION) for name in history if name not in PROGRESS]
    return sorted(dict.fromkeys(names), key=lambda name: name != "loss")


def _draw_loss(axis: Axes, seeds: Sequence[pd.DataFrame], loss: str) -> None:
    drawn = []
    for history in seeds:
        for name, colour in ((loss, TRAIN_COLOUR), (VALIDATION + loss, VALIDATION_COLOUR)):
            if name in history:
                known = history[["epoch", name]].dropna()
                marker = "o" if len(known) < 3 else None
                axis.plot(known["epoch"], known[name], color=colour, lw=1.3, marker=marker, ms=3)
                drawn.append(known[name].to_numpy(float))
    values = np.concatenate(drawn) if drawn else np.array([])
    values = values[np.isfinite(values)]
    is_loss = loss not in SHARES
    if is_loss and len(values) and values.min() > 0 and values.max() / values.min() > LOG_RATIO:
        axis.set_yscale("log")
    axis.set_title(loss, loc="left")
    axis.tick_params(labelsize=7.5)
