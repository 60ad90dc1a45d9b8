"""Fig. 4: the reference face, the ground truth's frames and each method's, side by side."""

from collections.abc import Sequence
from pathlib import Path

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
from emohead.report.style import RC, save_figure

FRAME_INCHES = 0.9
GAP = 0.15  # between emotions, in frames
LABEL_INCHES, TITLE_INCHES = 1.15, 0.45


def write_frames_figure(
    methods: Sequence[Method],
    *,
    emotions: Sequence[str],
    frames_per_clip: int,
    outputs: Sequence[Path],
) -> None:
    """Draw one test clip per emotion from the methods' shards; save as .png and .pdf, by suffix."""
    figure = draw_frames_figure(open_methods(methods), emotions, frames_per_clip)
    save_figure(figure, outputs)


def draw_frames_figure(
    methods: Sequence[MethodClips], emotions: Sequence[str], frames_per_clip: int = 3
) -> Figure:
    """Rows: reference face, ground truth, methods. Columns: frames, in groups by emotion.

    The reference face is the ground truth's first frame. ValueError if the ground truth, a clip
    or a frame of a method is missing.
    """
    truth, others = split_ground_truth(methods)
    chosen = clip_per_emotion(truth.clips, emotions)
    rows = [truth, *others]
    across = len(chosen) * frames_per_clip + (len(chosen) - 1) * GAP
    down = len(rows) + 1
    width, height = across * FRAME_INCHES + LABEL_INCHES, down * FRAME_INCHES + TITLE_INCHES
    with rc_context(RC):
        figure = Figure(figsize=(width, height))

        def place(column: float, row: int) -> Axes:
            """Axes for one picture, counted in frames from the top left."""
            left = (LABEL_INCHES + column * FRAME_INCHES) / width
            top = (TITLE_INCHES + row * FRAME_INCHES) / height
            across, down = 0.97 * FRAME_INCHES / width, 0.97 * FRAME_INCHES / height
            return figure.add_axes((left, 1 - top - down, across, down))

        for row, label in enumerate(["Reference face", *(method.label for method in rows)]):
            middle = 1 - (TITLE_INCHES + (row + 0.5) * FRAME_INCHES) / height
            figure.text(
                (LABEL_INCHES - 0.1) / width, middle, label, ha="right", va="center", fontsize=9
            )
        for group, (emotion, clip_id) in enumerate(chosen.items()):
            left = group * (frames_per_clip + GAP)
            length = truth.clip(clip_id).length
            reference = place(left, 0)
            _show(reference, truth.clip(clip_id).frame(0))
            reference.set_title(
                f"{emotion} ({parse_clip_id(clip_id).speaker})", loc="left", fontweight="bold"
            )
            for row, method in enumerate(rows, start=1):
                if method.clip(clip_id).length != length:
                    raise ValueError(
                        f"method {method.id!r}, clip {clip_id}: "
                        f"{method.clip(clip_id).length} frames, but the ground truth has {length}: "
                        "synthesize it again"
                    )
                for column, t in enumerate(spread_frames(length, frames_per_clip)):
                    axis = place(left + column, row)
                    _show(axis, method.clip(clip_id).frame(t))
                    if method is truth:
                        axis.set_title(f"{t / FPS:.1f} s", fontsize=8, pad=2)
    return figure


def _show(axis: Axes, image) -> None:
    axis.imshow(image, interpolation="antialiased")
    axis.set_axis_off()
