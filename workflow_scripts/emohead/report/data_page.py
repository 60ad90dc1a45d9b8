"""The data report: a page from which a person sees at a glance whether extraction worked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from emohead.data.mead import EMOTIONS
from emohead.files import whole_file
from emohead.report.concerns import MOST_REJECTED, find_concerns
from emohead.report.crops_figure import shown_speakers
from emohead.report.data_tables import (
    CLIPS_PER_SHARD,
    DataTables,
    Share,
    count_matrix,
    detection_by_speaker,
    detection_of_all,
    duration,
    lips_by_speaker,
    outside_by_speaker,
    part_lengths,
    read_tables,
    source_rows,
    worst_clips,
)
from emohead.report.embedding import data_uri
from emohead.report.lengths_figure import draw_lengths_figure, longest_shown
from emohead.report.rejects import group_by_cause, shorten
from emohead.report.render import render_template
from emohead.report.style import save_figure

TITLE = "Emotional talking heads: the data"
CAUSES_SHOWN = 20
REJECTS_LISTED = 500
ITEMS_SHOWN = 8  # of a concern, in the open; the rest is folded away


@dataclass(frozen=True)
class Total:
    """A number of the page's first line, with a remark."""

    name: str
    number: str
    remark: str = ""


@dataclass(frozen=True)
class Lengths:
    """The shortest and the longest clip as (seconds, clip id), and the middle; seconds.

    `axis_end` is where the histograms end when longer clips are in their last bar.
    """

    shortest: tuple[float, str]
    median: float
    longest: tuple[float, str]
    axis_end: float | None


def write_data_page(
    out: Path,
    *,
    clips: Path,
    rejected: Path,
    split: Path,
    shards: Sequence[Path],
    crops_figure: Path,
    speakers: Sequence[str],
    emotions: Sequence[str],
    pairs: Path | None = None,
) -> None:
    """Write `out`, a self-contained page.

    `clips`, `rejected` and `split` are the workflow's tables; `shards` the feature shards, for
    landmarks outside the crop; `crops_figure` is a .png; `speakers` and `emotions` are what was
    asked for, so that what is missing altogether is seen; `pairs` is the table of rule
    pair_sentences, where something is trained on them. ValueError for a missing file or column.
    """
    if not crops_figure.is_file():
        raise ValueError(f"the data report needs {crops_figure}, which is not there")
    tables = read_tables(clips, rejected, split)
    speakers = sorted({*speakers, *tables.clips["speaker"], *tables.lost["speaker"]})
    there = {*emotions, *tables.clips["emotion"], *tables.lost["emotion"]}
    emotions = [emotion for emotion in EMOTIONS if emotion in there]
    matrix = count_matrix(tables, speakers, emotions)
    outside = outside_by_speaker(shards)
    lips = lips_by_speaker(tables.clips)
    causes = group_by_cause(tables.rejected)
    sources, other_sources = source_rows(tables.clips)
    page = render_template(
        "data.html.j2",
        title=TITLE,
        totals=totals(tables, len(speakers)),
        in_both_parts=int(tables.split["clip_id"].duplicated().sum()),
        concerns=find_concerns(tables, matrix, emotions, outside, lips),
        lips=lips,
        items_shown=ITEMS_SHOWN,
        emotions=emotions,
        matrix=matrix,
        most_rejected=MOST_REJECTED,
        counts_of_all=[sum(row.cells[i].accepted for row in matrix) for i in range(len(emotions))],
        rejected_of_all=rejected_share(tables),
        lost=len(tables.lost),
        other_rejects=len(tables.rejected) - len(tables.lost),
        causes=causes[:CAUSES_SHOWN],
        other_causes=len(causes[CAUSES_SHOWN:]),
        rejects=[
            (row.clip_id, row.stage, shorten(row.reason))
            for row in tables.rejected.head(REJECTS_LISTED).itertuples()
        ],
        all_rejects=len(tables.rejected),
        clips_name=clips.name,
        rejected_name=rejected.name,
        pairs=None if pairs is None else list(pd.read_csv(pairs).itertuples()),
        lengths=clip_lengths(tables.clips),
        lengths_figure=lengths_figure(tables.clips, emotions),
        sources=sources,
        other_sources=other_sources,
        detection=detection_by_speaker(tables.clips, outside),
        detection_of_all=detection_of_all(tables.clips, outside),
        clips_per_shard=CLIPS_PER_SHARD,
        worst=worst_clips(tables.clips),
        crops_figure=data_uri(crops_figure),
        crops_speakers=len(shown_speakers(tables.clips["speaker"])),
        accepted_speakers=tables.clips["speaker"].nunique(),
    )
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def totals(tables: DataTables, speakers: int) -> list[Total]:
    """The page's first line."""
    accepted, lost = len(tables.clips), len(tables.lost)
    lengths = part_lengths(tables.split)
    train, test = (lengths.get(part, (0, 0.0)) for part in ("train", "test"))
    return [
        Total("Speakers", f"{speakers:,}"),
        Total("Clips in", f"{accepted + lost:,}"),
        Total("Accepted", f"{accepted:,}", duration(tables.clips["seconds"].sum())),
        Total("Rejected", f"{lost:,}", str(rejected_share(tables))),
        Total("Training part", f"{train[0]:,}", duration(train[1])),
        Total("Test part", f"{test[0]:,}", duration(test[1])),
    ]


def rejected_share(tables: DataTables) -> Share:
    """The clips that were rejected, of all that came in."""
    return Share(len(tables.lost), len(tables.clips) + len(tables.lost))


def clip_lengths(clips: pd.DataFrame) -> Lengths:
    """The extremes and the middle of the clips' lengths."""
    ordered = clips.sort_values(["seconds", "clip_id"])
    shortest, longest = ordered.iloc[0], ordered.iloc[-1]
    axis_end = longest_shown(clips["seconds"])
    return Lengths(
        (shortest["seconds"], shortest["clip_id"]),
        clips["seconds"].median(),
        (longest["seconds"], longest["clip_id"]),
        axis_end if longest["seconds"] > axis_end else None,
    )


def lengths_figure(clips: pd.DataFrame, emotions: Sequence[str]) -> str:
    """The histograms as a `data:` URI."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lengths.png"
        save_figure(draw_lengths_figure(clips, emotions), [path])
        return data_uri(path)
