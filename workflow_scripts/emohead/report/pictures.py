"""The pictures: rendered frames (Fig. 4), predicted landmarks (Fig. 5), and sample crops.

All of them are grids whose unit is a cell: a face is in [column, column + 1] x [row, row + 1].
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.data.mead import FPS, parse_clip_id
from emohead.evaluation.shown import clips_to_show, of_emotions
from emohead.evaluation.summary import COPY_REFERENCE
from emohead.features.store import StoredClip, open_clips
from emohead.report.data_page import MOST_SPEAKERS, read_clip_table
from emohead.report.methods import Method, open_methods
from emohead.report.style import FAINT, RC, figure_label, method_colours, save_figure
from emohead.translator.drawing import PARTS

OUTER_LIPS = PARTS["mouth"].lines[0]
EDGE = 0.015  # of a cell, around a picture
#: The face's lines, each with its part, as indices of points; a closed one ends where it begins.
FACE_LINES = [
    (part, np.append(line, line[:1]) if part.closed else line)
    for part in PARTS.values()
    for line in part.lines
]


def write_picture(
    draw: Callable[[Sequence[Method], Mapping[str, str]], Figure],
    *,
    methods: Sequence[Method],
    reference: str,
    split: Path,
    emotions: Sequence[str],
    output: Sequence[Path],
) -> None:
    """Draw a clip of each emotion by the methods that were run with this reference face."""
    clips = of_emotions(clips_to_show(split), emotions)
    save_figure(draw(open_methods(methods, reference), clips), output)


def draw_frames_figure(
    methods: Sequence[Method], clips: Mapping[str, str], frames_per_clip: int = 3
) -> Figure:
    """Rows: reference face, ground truth, methods. Columns: frames of `clips`, ids by emotion.

    The ground truth is the first method. The reference face is what the copied reference shows;
    without that row, the clip's own first frame. What a method lacks stays empty.
    """
    truth = methods[0]
    copies = [method for method in methods if method.id == COPY_REFERENCE] or [truth]
    labels = ["Reference face", *(figure_label(method.id, method.label) for method in methods)]
    figure, axes = _grids(len(clips), len(clips), labels, frames_per_clip, cell=0.9)
    for axis, (emotion, clip_id) in zip(axes, clips.items(), strict=True):
        times = spread_frames(truth.clips[clip_id].length, frames_per_clip)
        _label(axis, emotion, clip_id, times)
        _place(axis, copies[0].clips[clip_id].frames()[0], 0, 0)
        for row, method in enumerate(methods, start=1):
            frames = method.clips[clip_id].frames() if clip_id in method.clips else ()
            for column, t in enumerate(times):
                if t < len(frames):
                    _place(axis, frames[t], column, row)
    return figure


def draw_landmarks_figure(
    methods: Sequence[Method], clips: Mapping[str, str], frames_per_clip: int = 5
) -> Figure:
    """A grid for each of `clips`, ids by emotion; rows are methods, columns spread frames.

    The ground truth, which is the first method, stands behind the others, pale and broad. A method
    without landmarks, such as a folder of videos, has no row.
    """
    truth = methods[0]
    rows = [m for m in methods if any(clip.face(0) is not None for clip in m.clips.values())]
    labels = [figure_label(method.id, method.label) for method in rows]
    figure, axes = _grids(len(clips), min(2, len(clips)), labels, frames_per_clip, cell=1)
    colours = method_colours([method.id for method in rows])
    for axis, (emotion, clip_id) in zip(axes, clips.items(), strict=True):
        times = spread_frames(truth.clips[clip_id].length, frames_per_clip)
        _label(axis, emotion, clip_id, times)
        behind = truth.clips[clip_id].landmarks[times]  # [count, 68, 2]
        low, high = behind.min((0, 1)), behind.max((0, 1))
        centre, scale = (low + high) / 2, 0.9 / (high - low).max()  # a cell for the clip's face
        for row, method in enumerate(rows):
            for column, t in enumerate(times):
                middle = np.array([column + 0.5, row + 0.5])
                if method is not truth:
                    _draw_face(axis, (behind[column] - centre) * scale + middle, FAINT, 3)
                clip = method.clips.get(clip_id)
                if clip and (face := clip.face(t)) is not None:
                    placed = (face - centre) * scale + middle
                    _draw_face(axis, placed, colours[method.id], 0.9)
                    axis.fill(*placed[OUTER_LIPS].T, color=colours[method.id], alpha=0.2, lw=0)
    return figure


def write_crops_figure(
    clips: Path, features: Sequence[Path], *, emotions: Sequence[str], output: Sequence[Path]
) -> None:
    """Draw sample crops of the clips in clips.csv, from the shards; errors as `open_clips`."""
    rows = read_clip_table(clips)
    speakers = shown_speakers(rows["speaker"])
    # Of each speaker and emotion the strongest level, the lowest number.
    wanted = rows[rows["speaker"].isin(speakers) & rows["emotion"].isin(emotions)]
    strongest = wanted.sort_values(["level", "number"], ascending=[False, True])
    chosen = strongest.groupby(["speaker", "emotion"])["clip_id"].first()
    stored = open_clips(features, chosen)
    samples = {key: stored[clip_id] for key, clip_id in chosen.items()}
    save_figure(draw_crops_figure(samples, speakers, emotions), output)


def shown_speakers(speakers: pd.Series) -> list[str]:
    """At most `MOST_SPEAKERS` of the speakers, spread over their alphabetical order."""
    there = sorted(speakers.unique())
    places = np.linspace(0, len(there) - 1, min(len(there), MOST_SPEAKERS))
    return [there[round(place)] for place in places]


def draw_crops_figure(
    samples: Mapping[tuple[str, str], StoredClip], speakers: Sequence[str], emotions: Sequence[str]
) -> Figure:
    """Rows: speakers. Columns: emotions. The middle frame of each clip, or "none"."""
    figure, axes = _grids(len(speakers), 1, [""], len(emotions), cell=1.5)
    for axis, speaker in zip(axes, speakers, strict=True):
        axis.set_yticks([0.5], [speaker])
        said = []
        for column, emotion in enumerate(emotions):
            clip = samples.get((speaker, emotion))
            said.append(f"{emotion}: none")
            if clip is None:
                continue
            (middle,) = spread_frames(clip.length, 1)
            name = parse_clip_id(clip.clip_id)
            said[-1] = f"{emotion}\nlevel {name.level}, {name.number:03d}, {middle / FPS:.1f} s"
            _place(axis, clip.frame(middle), column, 0)
            inside = (clip.landmarks[middle] + 0.5) / clip.crop_size
            placed = EDGE + (1 - 2 * EDGE) * inside + np.array([column, 0])
            for part, line in FACE_LINES:
                colour = np.array(part.colour) / 255
                axis.plot(*placed[line].T, color=colour, lw=0.7, marker="o", ms=1.3, mew=0)
        axis.set_xticks(np.arange(len(emotions)) + 0.5, said, fontsize=7)
    return figure


def _grids(
    count: int, across: int, rows: Sequence[str], columns: int, *, cell: float
) -> tuple[Figure, list[Axes]]:
    """Axes of rows x columns cells each, of so many inches; the rows' labels stand on the left."""
    down = -(-count // across)
    with rc_context({**RC, "axes.grid": False}):
        width = 0.085 * max(map(len, rows)) + across * (columns + 0.2) * cell
        figure = Figure((width, down * (len(rows) * cell + 0.5)), layout="constrained")
        axes = figure.subplots(down, across, squeeze=False, sharey="row").flat
    for axis in axes[count:]:
        axis.remove()
    for axis in axes[:count]:
        axis.set(xlim=(0, columns), ylim=(len(rows), 0), aspect="equal", xticks=[], frame_on=False)
        axis.set_yticks(np.arange(len(rows)) + 0.5, rows, fontsize=9)
        axis.tick_params(length=0)
    return figure, list(axes[:count])


def _label(axis: Axes, emotion: str, clip_id: str, times: Sequence[int]) -> None:
    """Whose clip it is, and the columns' times."""
    title = f"{emotion} ({parse_clip_id(clip_id).speaker})"
    axis.set_title(title, loc="left", fontsize=9, fontweight="bold")
    axis.set_xticks(np.arange(len(times)) + 0.5, [f"{t / FPS:.1f} s" for t in times], fontsize=8)


def _place(axis: Axes, image: np.ndarray, column: int, row: int) -> None:
    """Show uint8 [S, S, 3] in a cell, with a white edge."""
    extent = (column + EDGE, column + 1 - EDGE, row + 1 - EDGE, row + EDGE)
    axis.imshow(image, extent=extent, interpolation="antialiased", clip_on=False)
    axis.autoscale(False)


def _draw_face(axis: Axes, points: np.ndarray, colour: str, width: float) -> None:
    """Lines of points [68, 2]; the mouth's are stronger."""
    for part, line in FACE_LINES:
        stronger = 1.7 if part is PARTS["mouth"] else 1.0
        axis.plot(*points[line].T, color=colour, lw=width * stronger, solid_joinstyle="round")


def spread_frames(length: int, count: int) -> list[int]:
    """Indices of `count` frames in the middle of equal parts of a clip of `length` frames."""
    return [int(t) for t in (np.arange(count) + 0.5) * length / count]
