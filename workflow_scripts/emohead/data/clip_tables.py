"""Tables of clips: what there is, what was made of it, and what was set aside."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from emohead.data.mead import Clip, parse_clip_id
from emohead.data.rejects import cause_of

CLIP_COLUMNS = (
    "clip_id", "speaker", "view", "emotion", "level", "number", "video", "audio"
)  # fmt: skip
_REJECTED_COLUMNS = ["clip_id", "stage", "reason"]


def clip_table(clips: list[Clip]) -> pd.DataFrame:
    """The clip table: one row a clip, columns CLIP_COLUMNS, `bytes` and `modified`.

    These two, of the video and audio together, change when a file is replaced.
    """
    rows = []
    for clip in clips:
        facts = [path.stat() for path in dict.fromkeys((clip.video, clip.audio))]
        rows.append(
            [getattr(clip, column) for column in CLIP_COLUMNS]
            + [sum(fact.st_size for fact in facts), max(fact.st_mtime_ns for fact in facts)]
        )
    return pd.DataFrame(rows, columns=[*CLIP_COLUMNS, "bytes", "modified"])


def read_clips(table: Path) -> list[Clip]:
    """The clips of a clip table on disk."""
    return [
        Clip(
            row.speaker, row.view, row.emotion, int(row.level), int(row.number),
            Path(row.video), Path(row.audio), int(getattr(row, "start", 0)),
        )
        for row in _read([table]).itertuples()
    ]  # fmt: skip


def collect_clips(
    lists: Iterable[Path],
    tables: Iterable[Path],
    *,
    max_rejected: float,
    problems: Iterable[Path] = (),
    left_out: Sequence[tuple[str, str]] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The clip table with what extraction found, and the rejects with stage and reason.

    `lists` are the shards' clip tables, `tables` those of their extraction, `problems` the rejects
    of earlier stages, which may name an archive in place of a clip, and `left_out` (name, reason)
    what the lists passed over. Raises ValueError when there
    is no clip, or, with the commonest reasons, when extraction rejected more than the fraction
    `max_rejected` of them.
    """
    made = _read(tables)
    clips = _read(lists).drop(columns="modified")
    # Each stretch of a recording is a row: a clip of the recording's name with another number.
    joined = clips.rename(columns={"clip_id": "take"}).merge(made, on="take", validate="1:m")
    joined = joined[[*clips, *made.columns.drop(["clip_id", "take"])]].sort_values("clip_id")
    joined["number"] = [parse_clip_id(clip_id).number for clip_id in joined["clip_id"]]
    is_rejected = joined["rejected"].notna()
    refused = joined.loc[is_rejected, ["clip_id", "rejected"]]
    refused = refused.rename(columns={"rejected": "reason"}).assign(stage="features")
    earlier = [pd.read_csv(path) for path in problems]
    passed = pd.DataFrame(
        [(name, "list", reason) for name, reason in left_out], columns=_REJECTED_COLUMNS
    )
    rejected = pd.concat([passed, *earlier, refused[_REJECTED_COLUMNS]], ignore_index=True)
    accepted = joined.loc[~is_rejected].drop(columns="rejected")
    # What was left out of a recording is named, but the recording isn't lost.
    refused = refused[~refused["clip_id"].isin(accepted["clip_id"])]
    if joined.empty:
        raise ValueError(
            "there is no clip: check data.speakers, data.emotions, data.levels and data.view"
        )
    if len(refused) > max_rejected * len(clips):
        reasons = refused["reason"].map(cause_of).value_counts().head(5)
        summary = "; ".join(f"{count} x {reason}" for reason, count in reasons.items())
        raise ValueError(
            f"{len(refused)} of {len(clips)} clips can't be used, more than data.max_rejected = "
            f"{max_rejected:.0%} allows: {summary}"
        )
    whole = ["start", "frames", "width", "height", "frames_without_face", "faces"]
    return accepted.astype(dict.fromkeys(whole, int)), rejected


def _read(tables: Iterable[Path]) -> pd.DataFrame:
    # A speaker may be called 007, or NA.
    names = dict.fromkeys(("clip_id", "take", "speaker", "view", "emotion"), str)
    read = [pd.read_csv(path, converters=names) for path in tables]
    return pd.concat(read, ignore_index=True)
