"""The data page: what was extracted, what was rejected, and whether it looks right."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.data.mead import EMOTIONS, FPS
from emohead.data.rejects import group_by_cause, read_rejected
from emohead.data.split import PARTS
from emohead.features import health
from emohead.files import whole_file
from emohead.report.figures import draw_lengths_figure, longest_shown
from emohead.report.page_parts import render_template
from emohead.report.tables import Table, duration, percent

MOST_SPEAKERS = 6  # in the sample crops
SOURCES_SHOWN, CAUSES_SHOWN = 12, 20


def read_clip_table(path: Path) -> pd.DataFrame:
    """The rows of a table of clips; a speaker may be called 007 or NA."""
    texts = dict.fromkeys(("clip_id", "speaker", "lips"), str)
    return pd.read_csv(path, dtype=texts, keep_default_na=False)


def write_data_page(
    out: Path,
    *,
    clips: Path,
    rejected: Path,
    split: Path,
    features: Sequence[Path],
    crops_figure: Path,
    speakers: Sequence[str],
    emotions: Sequence[str],
    pairs: Path | None = None,
) -> None:
    """Write `out`, a self-contained page.

    `features` are the shards, for landmarks outside the crop; `speakers` and `emotions` what was
    asked for, so that what is missing altogether is seen; `pairs` the table of rule pair_sentences,
    where something is trained on them. ValueError when no clip was accepted.
    """
    accepted, refused = read_clip_table(clips), read_rejected(rejected)
    stretches = read_clip_table(split)
    if accepted.empty:
        raise ValueError(f"{clips}: no clip was accepted; {rejected} says why")
    # Each clip once; a row may also name another file of a clip that was accepted.
    gone = refused[refused["speaker"].notna() & ~refused["clip_id"].isin(accepted["clip_id"])]
    gone = gone.drop_duplicates("clip_id")
    speakers = sorted({*speakers, *accepted["speaker"], *gone["speaker"]})
    there = {*emotions, *accepted["emotion"], *gone["emotion"]}
    emotions = [emotion for emotion in EMOTIONS if emotion in there]
    counts, lost = (
        pd.crosstab(rows["speaker"], rows["emotion"]).reindex(
            index=speakers, columns=emotions, fill_value=0
        )
        for rows in (accepted, gone)
    )
    outside, lips = health.outside_by_speaker(features), health.lips_by_speaker(accepted)
    seconds = (stretches["stop"] - stretches["start"]) / FPS
    parts = {part: seconds[stretches["part"] == part] for part in PARTS}
    drawn = BytesIO()
    draw_lengths_figure(accepted, emotions).savefig(drawn, dpi=160, metadata={"Software": None})
    page = render_template(
        "data.html.j2",
        speakers=len(speakers),
        clips=accepted.sort_values(["seconds", "clip_id"]),
        rejected=gone,
        percent=percent,
        parts=parts,
        duration=duration,
        in_both_parts=int(stretches["clip_id"].duplicated().sum()),
        concerns=health.find_concerns(refused, counts, lost, outside, lips)
        | {"parts": [f"no {part} clips" for part in PARTS if parts[part].empty]},
        tables={
            "clips": clips_table(counts, lost),
            "rejects": causes_table(refused),
            "sources": sources_table(accepted),
            "detection": detection_table(accepted, outside),
            "lips": lips_table(lips),
        },
        pairs=None if pairs is None else pd.read_csv(pairs)["kept"],
        longest_shown=longest_shown(accepted["seconds"]),
        lengths=drawn.getvalue(),
        crops=crops_figure.read_bytes(),
        most_rejected=percent(health.MOST_REJECTED),
        clips_per_shard=health.CLIPS_PER_SHARD,
        most_speakers=MOST_SPEAKERS,
    )
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def clips_table(counts: pd.DataFrame, lost: pd.DataFrame) -> Table:
    """Accepted clips by speaker and emotion; what was rejected stands below a number."""
    cells = counts.map(lambda count: f"{count:,}" if count else "**0**")
    cells = cells.where(lost == 0, cells + "\n−" + lost.astype(str))
    cells["all"] = counts.sum(axis=1).map("{:,}".format)
    gone, whole = lost.sum(axis=1), (counts + lost).sum(axis=1)
    rejected = pd.Series(map(percent, gone, whole), counts.index)
    too_many = gone > health.MOST_REJECTED * whole
    cells["rejected"] = rejected.mask(too_many, "**" + rejected + "**")
    sums = [*counts.sum(), counts.sum(axis=None)]
    cells.loc["all"] = [*map("{:,}".format, sums), percent(gone.sum(), whole.sum())]
    cells.insert(0, "Speaker", cells.index)
    heat = (counts / max(counts.max(axis=None), 1)).replace(0, np.nan)
    return Table("Clips by speaker and emotion", cells, heat=heat)


def causes_table(rejected: pd.DataFrame) -> Table:
    """Why clips were rejected, the commonest cause first."""
    causes = group_by_cause(rejected)
    cells = causes.head(CAUSES_SHOWN).astype(str)
    cells.columns = ["Cause", "stage", "count", "speakers", "for example"]
    return Table("Rejected clips", cells, _rarer(len(causes) - CAUSES_SHOWN))


def sources_table(clips: pd.DataFrame) -> Table:
    """Picture sizes and frame rates, the commonest first."""
    kinds = clips.assign(rate=clips["fps"].round(2))  # so that 29.97 is one kind
    kinds = kinds.value_counts(["width", "height", "rate"])
    lines = [
        {"Picture": f"{width} × {height}", "frames per second": f"{rate:g}",
         "clips": f"{count:,}", "share": percent(count, len(clips))}
        for (width, height, rate), count in kinds.head(SOURCES_SHOWN).items()
    ]  # fmt: skip
    return Table("Source videos", pd.DataFrame(lines), _rarer(len(kinds) - SOURCES_SHOWN))


def _rarer(more: int) -> str:
    return f"Rarer ones, not shown: {more}." if more > 0 else ""


def detection_table(clips: pd.DataFrame, outside: pd.DataFrame) -> Table:
    """How well the faces were found, of all speakers and of each."""
    found = clips.assign(
        clips=1, bridged=clips["frames_without_face"] > 0, several=clips["faces"] > 1
    )
    found = found.groupby("speaker").sum(numeric_only=True).join(outside).fillna(0).astype(int)
    found = pd.concat([found.sum().rename("all speakers").to_frame().T, found])
    cells = {"Speaker": found.index}
    for heading, count, of in (
        ("clips with bridged frames", "bridged", "clips"),
        ("frames without a face", "frames_without_face", "frames"),
        ("clips with several faces", "several", "clips"),
        ("frames with landmarks outside", "outside", "seen"),
    ):
        cells[heading] = [
            f"{part:,}\n{percent(part, whole)}" if whole else "not looked at"
            for part, whole in found[[count, of]].to_numpy()
        ]
    return Table("Face detection", pd.DataFrame(cells))


def lips_table(lips: pd.DataFrame) -> Table:
    """`lips_by_speaker` as printed."""
    forms = {"clips": "{}", "correlation": "{:.2f}", "lag": "{:+.2f} s"}
    cells = pd.DataFrame({name: lips[name].map(form.format) for name, form in forms.items()})
    cells.insert(0, "Speaker", lips.index)
    return Table("Lips and sound", cells)
