"""Fig. 4: the reference face, the ground truth's frames and each method's, side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.data.mead import FPS, parse_clip_id
from emohead.report.methods import (
    COPY_REFERENCE,
    Method,
    MethodClips,
    open_methods,
    split_ground_truth,
    spread_frames,
)
from emohead.report.style import RC, figure_label, label_inches, save_figure

FRAME_INCHES = 0.9
TITLE, TIMES, GAP = 0.3, 0.25, 0.15  # around a group of frames, in frames
EDGE = 0.015  # white around each frame


def write_frames_figure(
    methods: Sequence[Method],
    *,
    clips: Mapping[str, str],
    frames_per_clip: int,
    outputs: Sequence[Path],
) -> None:
    """Draw the `clips`, ids by emotion, of the methods' runs; save as .png and .pdf, by suffix."""
    figure = draw_frames_figure(open_methods(methods), clips, frames_per_clip)
    save_figure(figure, outputs)


def draw_frames_figure(
    methods: Sequence[MethodClips], clips: Mapping[str, str], frames_per_clip: int = 3
) -> Figure:
    """Rows: reference face, ground truth, methods. Columns: frames of `clips`, ids by emotion.

    What a method lacks stays empty. ValueError without the ground truth.
    """
    truth, others = split_ground_truth(methods)
    rows = [truth, *others]
    labels = ["Reference face", *(figure_label(method.id, method.label) for method in rows)]
    margin = label_inches(labels) / FRAME_INCHES
    width = margin + len(clips) * (frames_per_clip + GAP) - GAP
    height = TITLE + len(labels) + TIMES
    with rc_context(RC):
        figure = Figure(figsize=(width * FRAME_INCHES, height * FRAME_INCHES))
        axis = figure.add_axes((0, 0, 1, 1))
        for row, label in enumerate(labels):
            axis.text(-0.1, TITLE + row + 0.5, label, ha="right", va="center", fontsize=9)
        for group, (emotion, clip_id) in enumerate(clips.items()):
            left = group * (frames_per_clip + GAP)
            title = f"{emotion} ({parse_clip_id(clip_id).speaker})"
            axis.text(left, TITLE / 2, title, fontsize=9, fontweight="bold", va="center")
            _place(axis, reference_face(truth, others, clip_id), left, TITLE)
            times = spread_frames(truth.clips[clip_id].length, frames_per_clip)
            for row, method in enumerate(rows, start=1):
                for column, t in enumerate(times):
                    if method.shows(clip_id, t):
                        frame = method.clips[clip_id].frame(t)
                        _place(axis, frame, left + column, TITLE + row)
            for column, t in enumerate(times):
                x, y = left + column + 0.5, height - TIMES / 2
                axis.text(x, y, f"{t / FPS:.1f} s", ha="center", va="center", fontsize=8)
        axis.set(xlim=(-margin, width - margin), ylim=(height, 0), aspect="equal")
        axis.set_axis_off()
    return figure


def reference_face(truth: MethodClips, others: Sequence[MethodClips], clip_id: str) -> np.ndarray:
    """The face that the methods were shown for a clip, uint8 [S, S, 3].

    It is what the copied reference shows; without that row, the clip's own first frame.
    """
    copies = [method for method in others if method.id == COPY_REFERENCE]
    return (copies or [truth])[0].clips[clip_id].frame(0)


def _place(axis: Axes, image: np.ndarray, left: float, top: float) -> None:
    """Show uint8 [S, S, 3] in the unit square whose top left corner is given."""
    extent = (left + EDGE, left + 1 - EDGE, top + 1 - EDGE, top + EDGE)
    axis.imshow(image, extent=extent, interpolation="antialiased")
