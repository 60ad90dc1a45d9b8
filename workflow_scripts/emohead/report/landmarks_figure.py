"""Fig. 5: each method's predicted landmarks over time, drawn over the ground truth's."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.mead import FPS, parse_clip_id
from emohead.report.methods import (
    Method,
    MethodClips,
    clip_per_emotion,
    open_methods,
    split_ground_truth,
    spread_frames,
)
from emohead.report.style import FAINT, RC, method_colours, save_figure
from emohead.translator.drawing import PARTS

OUTER_LIPS = PARTS["mouth"].lines[0]
FACE_INCHES = 0.95
BLOCKS_ACROSS = 2


def write_landmarks_figure(
    methods: Sequence[Method],
    *,
    emotions: Sequence[str],
    frames_per_clip: int,
    outputs: Sequence[Path],
) -> None:
    """Draw one test clip per emotion from the methods' shards; save as .png and .pdf, by suffix."""
    figure = draw_landmarks_figure(open_methods(methods), emotions, frames_per_clip)
    save_figure(figure, outputs)


def draw_landmarks_figure(
    methods: Sequence[MethodClips], emotions: Sequence[str], frames_per_clip: int = 5
) -> Figure:
    """A block per emotion; rows are methods, columns are frames spread over the clip.

    The ground truth stands in every row behind the method, pale and broad. ValueError if the
    ground truth, a clip or a frame of a method is missing.
    """
    truth, _ = split_ground_truth(methods)
    chosen = clip_per_emotion(truth.clips, emotions)
    across = min(BLOCKS_ACROSS, len(chosen))
    down = -(-len(chosen) // across)
    size = (
        across * (frames_per_clip * FACE_INCHES + 0.2) + 1.2,
        down * (len(methods) * FACE_INCHES + 0.4),
    )
    with rc_context(RC):
        figure = Figure(figsize=size, layout="constrained")
        blocks = np.atleast_1d(figure.subfigures(down, across, squeeze=False)).ravel()
        for block, (emotion, clip_id) in zip(blocks, chosen.items(), strict=False):
            _draw_block(block, methods, truth, emotion, clip_id, frames_per_clip)
    return figure


def _draw_block(block, methods, truth, emotion, clip_id, frames_per_clip) -> None:
    speaker = parse_clip_id(clip_id).speaker
    block.suptitle(f"{emotion} ({speaker})", fontsize=10, fontweight="bold")
    times = spread_frames(truth.clip(clip_id).length, frames_per_clip)
    behind = truth.clip(clip_id).landmarks[times]
    colours = method_colours([method.id for method in methods])
    axes = block.subplots(len(methods), frames_per_clip, squeeze=False)
    margin = 0.06 * np.ptp(behind[..., 1])
    low, high = behind.min((0, 1)) - margin, behind.max((0, 1)) + margin
    for method, row in zip(methods, axes, strict=True):
        clip = method.clip(clip_id)
        if clip.length != truth.clip(clip_id).length:
            raise ValueError(
                f"method {method.id!r}, clip {clip_id}: {clip.length} frames, but the ground "
                f"truth has {truth.clip(clip_id).length}: synthesize it again"
            )
        landmarks = clip.landmarks[times]
        for axis, points, true_points, t in zip(row, landmarks, behind, times, strict=True):
            if method is not truth:
                _draw_face(axis, true_points, FAINT, width=2.6, fill=0.0)
            _draw_face(axis, points, colours[method.id], width=0.8, fill=0.18)
            axis.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal")
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
            axis.spines[:].set_visible(False)
            if method is methods[-1]:
                axis.set_xlabel(f"{t / FPS:.1f} s", fontsize=8)
        row[0].set_ylabel(method.label, fontsize=9, rotation=0, ha="right", va="center")


def _draw_face(axis: Axes, points: np.ndarray, colour: str, *, width: float, fill: float) -> None:
    """Lines of points [68, 2]; the mouth drawn stronger and, with `fill`, its lips tinted."""
    for name, part in PARTS.items():
        for line in part.lines:
            x, y = points[np.append(line, line[:1]) if part.closed else line].T
            stronger = 1.6 if name == "mouth" else 1.0
            axis.plot(x, y, color=colour, lw=width * stronger, solid_joinstyle="round")
    if fill:
        axis.fill(*points[OUTER_LIPS].T, color=colour, alpha=fill, lw=0)
