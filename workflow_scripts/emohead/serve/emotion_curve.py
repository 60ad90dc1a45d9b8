"""The emotion curve: MSEF's belief, second by second."""

import numpy as np
from matplotlib.figure import Figure

from emohead.data.mead import EMOTIONS

# Okabe and Ito's palette, which colour-blind people can tell apart, with grey for neutral.
_COLOURS = {
    "angry": "#D55E00", "contempt": "#8C6D31", "disgusted": "#009E73", "fear": "#CC79A7",
    "happy": "#E69F00", "neutral": "#888888", "sad": "#0072B2", "surprised": "#56B4E9",
}  # fmt: skip


def draw_emotion_curve(beliefs: np.ndarray, seconds: float) -> Figure:
    """Steps over the sound's `seconds`, one a second, of beliefs [n, 8] in EMOTIONS' order."""
    figure = Figure(figsize=(5.0, 3.0), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    edges = [*range(len(beliefs)), seconds]
    for emotion, curve in zip(EMOTIONS, beliefs.T, strict=True):
        axes.stairs(curve, edges, baseline=None, color=_COLOURS[emotion], lw=2, label=emotion)
    axes.set(xlim=(0, seconds), ylim=(-0.03, 1.03), xlabel="second", ylabel="belief")
    axes.set_title("Emotion heard in the voice", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure
