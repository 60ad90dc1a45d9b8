"""Fig. 5: each method's predicted landmarks over time, drawn over the ground truth's."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.data.mead import FPS, parse_clip_id
from emohead.report.methods import (
    Method,
    MethodClips,
    open_methods,
    split_ground_truth,
    spread_frames,
)
from emohead.report.style import (
    FAINT,
    RC,
    figure_label,
    label_inches,
    method_colours,
    save_figure,
)
from emohead.translator.drawing import PARTS

OUTER_LIPS = PARTS["mouth"].lines[0]
CELL_INCHES = 1.0  # one face
TITLE, TIMES, GAP = 0.35, 0.3, 0.3  # around a block, in cells
BLOCKS_ACROSS = 2


def write_landmarks_figure(
    methods: Sequence[Method],
    *,
    clips: Mapping[str, str],
    frames_per_clip: int,
    outputs: Sequence[Path],
) -> None:
    """Draw the `clips`, ids by emotion, of the methods' runs; save as .png and .pdf, by suffix."""
    figure = draw_landmarks_figure(open_methods(methods), clips, frames_per_clip)
    save_figure(figure, outputs)


def draw_landmarks_figure(
    methods: Sequence[MethodClips], clips: Mapping[str, str], frames_per_clip: int = 5
) -> Figure:
    """A block for each of `clips`, ids by emotion; rows are methods, columns spread frames.

    The ground truth stands in every row behind the method, pale and broad. All faces share one
    axes whose unit is a cell. A method without landmarks, such as a folder of videos, has no row;
    of a clip or frame that a method lacks, the truth stands alone. ValueError without the truth.
    """
    truth, others = split_ground_truth(methods)
    rows = [truth, *(each for each in others if _has_landmarks(each, clips.values()))]
    across = min(BLOCKS_ACROSS, len(clips))
    down = -(-len(clips) // across)
    block_width, block_height = frames_per_clip + GAP, TITLE + len(rows) + TIMES
    labels = [figure_label(method.id, method.label) for method in rows]
    margin = label_inches(labels) / CELL_INCHES
    width, height = margin + across * block_width - GAP, down * block_height
    with rc_context(RC):
        figure = Figure(figsize=(width * CELL_INCHES, height * CELL_INCHES))
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set(xlim=(-margin, width - margin), ylim=(height, 0), aspect="equal")
        axis.set_axis_off()
        for i, (emotion, clip_id) in enumerate(clips.items()):
            corner = np.array([i % across * block_width, i // across * block_height])
            title = f"{emotion} ({parse_clip_id(clip_id).speaker})"
            axis.text(
                corner[0] + 0.05, corner[1] + TITLE / 2, title,
                fontsize=10, fontweight="bold", va="center",
            )  # fmt: skip
            _draw_clip(axis, rows, clip_id, frames_per_clip, corner + np.array([0, TITLE]))
        for block in range(down):
            for row, label in enumerate(labels):
                y = block * block_height + TITLE + row + 0.5
                axis.text(-0.08, y, label, ha="right", va="center", fontsize=9)
    return figure


def _has_landmarks(method: MethodClips, clip_ids: Iterable[str]) -> bool:
    return any(method.landmarks(clip_id, 0) is not None for clip_id in clip_ids)


def _draw_clip(
    axis: Axes, rows: Sequence[MethodClips], clip_id: str, count: int, corner: np.ndarray
) -> None:
    """`count` frames of a clip by every method, the top left cell's corner at `corner`."""
    truth = rows[0]
    times = spread_frames(truth.clips[clip_id].length, count)
    behind = truth.clips[clip_id].landmarks[times]  # [count, 68, 2]
    low, high = behind.min((0, 1)), behind.max((0, 1))
    scale = 0.9 / (high - low).max()  # cells per pixel, the same for the whole clip
    colours = method_colours([method.id for method in rows])
    for row, method in enumerate(rows):
        for column, t in enumerate(times):
            middle = corner + np.array([column + 0.5, row + 0.5])
            if method is not truth:
                truly = (behind[column] - (low + high) / 2) * scale + middle
                _draw_face(axis, truly, FAINT, width=3.0)
            landmarks = method.landmarks(clip_id, t)
            if landmarks is not None:
                placed = (landmarks - (low + high) / 2) * scale + middle
                _draw_face(axis, placed, colours[method.id], width=0.9)
                axis.fill(*placed[OUTER_LIPS].T, color=colours[method.id], alpha=0.2, lw=0)
    for column, t in enumerate(times):
        x, y = corner + np.array([column + 0.5, len(rows) + 0.1])
        axis.text(x, y, f"{t / FPS:.1f} s", ha="center", va="center", fontsize=8)


def _draw_face(axis: Axes, points: np.ndarray, colour: str, *, width: float) -> None:
    """Lines of points [68, 2]; the mouth's are stronger."""
    for name, part in PARTS.items():
        for line in part.lines:
            x, y = points[np.append(line, line[:1]) if part.closed else line].T
            stronger = 1.7 if name == "mouth" else 1.0
            axis.plot(x, y, color=colour, lw=width * stronger, solid_joinstyle="round")
