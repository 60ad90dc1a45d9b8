"""Sample crops: a face of every speaker in every emotion, its landmarks drawn over it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.data.mead import FPS, parse_clip_id
from emohead.features.store import StoredClip, open_clips
from emohead.report.data_tables import read_clip_table
from emohead.report.methods import spread_frames
from emohead.report.style import RC, label_inches, save_figure
from emohead.translator.drawing import PARTS

MOST_SPEAKERS = 6
CELL_INCHES = 1.5  # one crop
TITLE, CAPTION, GAP = 0.25, 0.17, 0.04  # above all, below each crop, between crops; in cells


def write_crops_figure(
    clips: Path,
    shards: Sequence[Path],
    *,
    emotions: Sequence[str],
    outputs: Sequence[Path],
) -> None:
    """Draw sample crops of the clips in clips.csv; save as .png and .pdf, by suffix.

    `shards` are named `<speaker>-<emotion>.h5`. ValueError when one that is needed isn't there.
    """
    rows = read_clip_table(clips)
    speakers = shown_speakers(rows["speaker"])
    chosen = choose_clips(rows, speakers, emotions)
    by_name = {path.stem: path for path in shards}
    missing = sorted({f"{s}-{e}" for s, e in chosen} - by_name.keys())
    if missing:
        raise ValueError(f"no feature shard {missing[0]}.h5 was given: extract the features again")
    stored = open_clips([by_name[f"{s}-{e}"] for s, e in chosen], chosen.values())
    samples = {key: stored[clip_id] for key, clip_id in chosen.items()}
    save_figure(draw_crops_figure(samples, speakers, emotions), outputs)


def shown_speakers(speakers: pd.Series) -> list[str]:
    """At most `MOST_SPEAKERS` of the speakers, spread over their alphabetical order."""
    there = sorted(speakers.unique())
    if len(there) <= MOST_SPEAKERS:
        return there
    return [there[round(i)] for i in np.linspace(0, len(there) - 1, MOST_SPEAKERS)]


def choose_clips(
    clips: pd.DataFrame, speakers: Sequence[str], emotions: Sequence[str]
) -> dict[tuple[str, str], str]:
    """The clip id by (speaker, emotion): the strongest level, the lowest number."""
    wanted = clips[clips["speaker"].isin(speakers) & clips["emotion"].isin(emotions)]
    strongest = wanted.sort_values(["level", "number"], ascending=[False, True])
    first = strongest.drop_duplicates(["speaker", "emotion"]).sort_values("clip_id")
    return {(row.speaker, row.emotion): row.clip_id for row in first.itertuples()}


def draw_crops_figure(
    samples: Mapping[tuple[str, str], StoredClip], speakers: Sequence[str], emotions: Sequence[str]
) -> Figure:
    """Rows: speakers. Columns: emotions. The middle frame of each clip, or "none"."""
    margin = label_inches(speakers) / CELL_INCHES
    across, down = 1 + GAP, 1 + CAPTION + GAP
    width, height = margin + len(emotions) * across, TITLE + len(speakers) * down
    with rc_context(RC):
        figure = Figure(figsize=(width * CELL_INCHES, height * CELL_INCHES))
        for row, speaker in enumerate(speakers):
            y = 1 - (TITLE + row * down + 0.5) / height
            figure.text((margin - 0.06) / width, y, speaker, ha="right", va="center")
            for column, emotion in enumerate(emotions):
                left, bottom = margin + column * across, height - TITLE - row * down - 1
                axis = figure.add_axes((left / width, bottom / height, 1 / width, 1 / height))
                axis.set(xticks=[], yticks=[])
                axis.spines[:].set_visible(False)
                axis.grid(False)
                if row == 0:
                    axis.set_title(emotion, fontweight="bold")
                if (speaker, emotion) in samples:
                    _draw_sample(axis, samples[speaker, emotion])
                else:
                    axis.set_facecolor("#F3F3F3")
                    axis.text(
                        0.5, 0.5, "none", color="#777777", style="italic",
                        ha="center", va="center", transform=axis.transAxes,
                    )  # fmt: skip
    return figure


def _draw_sample(axis: Axes, clip: StoredClip) -> None:
    """The clip's middle frame with its landmarks; which frame it is stands below."""
    (middle,) = spread_frames(clip.length, 1)
    image, points = clip.frame(middle), clip.landmarks[middle]
    axis.imshow(image, interpolation="antialiased")
    axis.autoscale(False)  # points outside the crop must not widen it
    for part in PARTS.values():
        colour = np.array(part.colour) / 255
        for line in part.lines:
            x, y = points[np.append(line, line[:1]) if part.closed else line].T
            axis.plot(x, y, color=colour, lw=0.7, marker="o", ms=1.3, mew=0)
    name = parse_clip_id(clip.clip_id)
    axis.set_xlabel(
        f"level {name.level}, {name.number:03d}, {middle / FPS:.1f} s", fontsize=7, labelpad=2
    )
