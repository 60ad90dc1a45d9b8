"""The pictures: rendered frames (Fig. 4), predicted landmarks (Fig. 5), and sample crops."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.data.mead import FPS, parse_clip_id
from emohead.evaluation.shown import clips_to_show, of_emotions
from emohead.features.store import StoredClip, open_clips
from emohead.report.data import MOST_SPEAKERS, read_clip_table
from emohead.report.methods import (
    COPY_REFERENCE,
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
BLOCKS_ACROSS = 2  # in Fig. 5
EDGE = 0.015  # of a cell, around a picture


def write_picture(
    draw: Callable[[Sequence[MethodClips], Mapping[str, str]], Figure],
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
    methods: Sequence[MethodClips], clips: Mapping[str, str], frames_per_clip: int = 3
) -> Figure:
    """Rows: reference face, ground truth, methods. Columns: frames of `clips`, ids by emotion.

    What a method lacks stays empty. ValueError without the ground truth.
    """
    truth, others = split_ground_truth(methods)
    rows = [truth, *others]
    labels = ["Reference face", *(figure_label(method.id, method.label) for method in rows)]
    cell, title, below, gap = 0.9, 0.3, 0.25, 0.15  # inches; in cells, around a group of frames
    margin = label_inches(labels) / cell
    width = margin + len(clips) * (frames_per_clip + gap) - gap
    height = title + len(labels) + below
    with rc_context(RC):
        axis = _sheet(cell, margin, width, height)
        for row, label in enumerate(labels):
            _write(axis, label, -0.1, title + row + 0.5, ha="right")
        for group, (emotion, clip_id) in enumerate(clips.items()):
            left = group * (frames_per_clip + gap)
            _write_title(axis, emotion, clip_id, left, title / 2, 9)
            _place(axis, reference_face(truth, others, clip_id), left, title)
            for column, t in enumerate(spread_frames(truth.clips[clip_id].length, frames_per_clip)):
                for row, method in enumerate(rows, start=1):
                    if method.shows(clip_id, t):
                        frame = method.clips[clip_id].frame(t)
                        _place(axis, frame, left + column, title + row)
                _write_time(axis, t, left + column + 0.5, height - below / 2)
    return axis.figure


def reference_face(truth: MethodClips, others: Sequence[MethodClips], clip_id: str) -> np.ndarray:
    """The face that the methods were shown for a clip, uint8 [S, S, 3].

    It is what the copied reference shows; without that row, the clip's own first frame.
    """
    copies = [method for method in others if method.id == COPY_REFERENCE]
    return (copies or [truth])[0].clips[clip_id].frame(0)


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
    labels = [figure_label(method.id, method.label) for method in rows]
    cell, title, below, gap = 1.0, 0.35, 0.3, 0.3  # inches; in cells, around a block
    across = min(BLOCKS_ACROSS, len(clips))
    down = -(-len(clips) // across)
    block = frames_per_clip + gap, title + len(rows) + below
    margin = label_inches(labels) / cell
    with rc_context(RC):
        axis = _sheet(cell, margin, margin + across * block[0] - gap, down * block[1])
        for i, (emotion, clip_id) in enumerate(clips.items()):
            left, top = i % across * block[0], i // across * block[1]
            _write_title(axis, emotion, clip_id, left + 0.05, top + title / 2, 10)
            _draw_clip(axis, rows, clip_id, frames_per_clip, np.array([left, top + title]))
        for i in range(down):
            for row, label in enumerate(labels):
                _write(axis, label, -0.08, i * block[1] + title + row + 0.5, ha="right")
    return axis.figure


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
        _write_time(axis, t, *(corner + np.array([column + 0.5, len(rows) + 0.1])))


def _draw_face(axis: Axes, points: np.ndarray, colour: str, *, width: float) -> None:
    """Lines of points [68, 2]; the mouth's are stronger."""
    for name, part in PARTS.items():
        for line in part.lines:
            x, y = points[np.append(line, line[:1]) if part.closed else line].T
            stronger = 1.7 if name == "mouth" else 1.0
            axis.plot(x, y, color=colour, lw=width * stronger, solid_joinstyle="round")


def _sheet(cell: float, margin: float, width: float, height: float) -> Axes:
    """Axes over a whole figure, in cells of so many inches; left of 0 is the labels' margin."""
    figure = Figure(figsize=(width * cell, height * cell))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(-margin, width - margin), ylim=(height, 0), aspect="equal")
    axis.autoscale(False)
    axis.set_axis_off()
    return axis


def _place(axis: Axes, image: np.ndarray, left: float, top: float) -> None:
    """Show uint8 [S, S, 3] in the unit square whose top left corner is given, with a white edge."""
    extent = (left + EDGE, left + 1 - EDGE, top + 1 - EDGE, top + EDGE)
    axis.imshow(image, extent=extent, interpolation="antialiased")


def _write(axis: Axes, text: str, x: float, y: float, **look: Any) -> None:
    """A text around a point."""
    axis.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 9} | look)


def _write_title(axis: Axes, emotion: str, clip_id: str, x: float, y: float, size: float) -> None:
    title = f"{emotion} ({parse_clip_id(clip_id).speaker})"
    _write(axis, title, x, y, ha="left", fontsize=size, fontweight="bold")


def _write_time(axis: Axes, t: int, x: float, y: float) -> None:
    _write(axis, f"{t / FPS:.1f} s", x, y, fontsize=8)


def write_crops_figure(
    clips: Path, features: Sequence[Path], *, emotions: Sequence[str], output: Sequence[Path]
) -> None:
    """Draw sample crops of the clips in clips.csv; save as .png and .pdf, by suffix.

    `features` are the shards, named `<speaker>-<emotion>.h5`. ValueError when one is missing.
    """
    rows = read_clip_table(clips)
    speakers = shown_speakers(rows["speaker"])
    # Of each speaker and emotion the strongest level, the lowest number.
    wanted = rows[rows["speaker"].isin(speakers) & rows["emotion"].isin(emotions)]
    strongest = wanted.sort_values(["level", "number"], ascending=[False, True])
    first = strongest.drop_duplicates(["speaker", "emotion"]).sort_values("clip_id")
    chosen = {(row.speaker, row.emotion): row.clip_id for row in first.itertuples()}
    by_name = {path.stem: path for path in features}
    if missing := sorted({f"{s}-{e}" for s, e in chosen} - by_name.keys()):
        raise ValueError(f"no feature shard {missing[0]}.h5 was given: extract the features again")
    stored = open_clips([by_name[f"{s}-{e}"] for s, e in chosen], chosen.values())
    samples = {key: stored[clip_id] for key, clip_id in chosen.items()}
    save_figure(draw_crops_figure(samples, speakers, emotions), output)


def shown_speakers(speakers: pd.Series) -> list[str]:
    """At most `MOST_SPEAKERS` of the speakers, spread over their alphabetical order."""
    there = sorted(speakers.unique())
    if len(there) <= MOST_SPEAKERS:
        return there
    return [there[round(i)] for i in np.linspace(0, len(there) - 1, MOST_SPEAKERS)]


def draw_crops_figure(
    samples: Mapping[tuple[str, str], StoredClip], speakers: Sequence[str], emotions: Sequence[str]
) -> Figure:
    """Rows: speakers. Columns: emotions. The middle frame of each clip, or "none"."""
    cell, title, below = 1.5, 0.25, 0.17  # inches; in cells, above all and below each crop
    margin = label_inches(speakers) / cell
    down = 1 + below
    with rc_context(RC):
        axis = _sheet(cell, margin, margin + len(emotions), title + len(speakers) * down)
        for column, emotion in enumerate(emotions):
            _write(axis, emotion, column + 0.5, title / 2, fontweight="bold")
        for row, speaker in enumerate(speakers):
            top = title + row * down
            _write(axis, speaker, -0.06, top + 0.5, ha="right")
            for column, emotion in enumerate(emotions):
                if (speaker, emotion) in samples:
                    _draw_sample(axis, samples[speaker, emotion], column, top, below)
                else:
                    _write(axis, "none", column + 0.5, top + 0.5, color="#777777", style="italic")
    return axis.figure


def _draw_sample(axis: Axes, clip: StoredClip, left: float, top: float, below: float) -> None:
    """The clip's middle frame with its landmarks; which frame it is stands below."""
    (middle,) = spread_frames(clip.length, 1)
    _place(axis, clip.frame(middle), left, top)
    inside = EDGE + (1 - 2 * EDGE) * (clip.landmarks[middle] + 0.5) / clip.crop_size
    points = np.array([left, top]) + inside
    for part in PARTS.values():
        for line in part.lines:
            x, y = points[np.append(line, line[:1]) if part.closed else line].T
            colour = np.array(part.colour) / 255
            axis.plot(x, y, color=colour, lw=0.7, marker="o", ms=1.3, mew=0)
    name = parse_clip_id(clip.clip_id)
    said = f"level {name.level}, {name.number:03d}, {middle / FPS:.1f} s"
    _write(axis, said, left + 0.5, top + 1 + below / 2, fontsize=7)
