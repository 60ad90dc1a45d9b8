"""How long the clips are: a histogram per emotion."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from emohead.report.style import RC, TRAIN_COLOUR, VALIDATION_COLOUR

ACROSS = 4
BARS = 30


def longest_shown(seconds: pd.Series) -> float:
    """Where the axis ends: at the longest clip, unless a few clips are far longer than the rest."""
    return float(min(seconds.max(), 2 * seconds.quantile(0.99)))


def draw_lengths_figure(clips: pd.DataFrame, emotions: Sequence[str]) -> Figure:
    """A panel per emotion, on the same axes; clips beyond `longest_shown` are in the last bar."""
    limit = longest_shown(clips["seconds"])
    edges = np.linspace(0, limit, BARS + 1)
    across = min(ACROSS, len(emotions))
    down = -(-len(emotions) // across)
    with rc_context(RC):
        figure = Figure(figsize=(2.5 * across + 0.4, 1.6 * down + 0.3), layout="constrained")
        axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
        for axis, emotion in zip(axes, emotions, strict=False):
            seconds = clips.loc[clips["emotion"] == emotion, "seconds"]
            axis.set_title(emotion, loc="left", fontweight="bold")
            axis.set_axisbelow(True)
            axis.hist(seconds.clip(upper=limit), edges, color=TRAIN_COLOUR, lw=0)
            if len(seconds):
                axis.axvline(seconds.median(), color=VALIDATION_COLOUR, lw=1.2)
                axis.set_title(f"median {seconds.median():.1f} s", loc="right", fontsize=8)
            else:
                axis.set_title("none", loc="right", fontsize=8)
        for unused in axes[len(emotions) :]:
            unused.set_axis_off()
        figure.supxlabel("seconds", fontsize=9)
        figure.supylabel("clips", fontsize=9)
    return figure
