"""Why clips were rejected, without what differs from clip to clip."""

import re
from pathlib import Path

import pandas as pd

from emohead.data.mead import EMOTIONS, ClipName, parse_clip_id

LEFT_OUT = "…"
EXAMPLES = 3  # of a cause
LONGEST_REASON = 240  # characters of a table's cell; decoders can be wordy

# In this order: what a later pattern takes is often a part of what an earlier one does.
_DIFFERING = tuple(
    re.compile(pattern)
    for pattern in (
        rf"[^\s-]+-[^\s-]+-(?:{'|'.join(EMOTIONS)})-\d-\d{{3,}}",  # a clip id
        r"(?<!\w)(['\"])[^'\"]*[/\\.][^'\"]*\1",  # a quoted path
        r"(?:\w+:(?=[/\\]))?[^\s:'\"]*[/\\][^:'\"]*?\.\w{2,5}(?![\w./\\])",  # a file, with folders
        r"(?<![^\s('\"])(?:~|\.{0,2})[/\\][^\s:'\",;]+",  # a folder
        r"[^\s:'\"/\\]+[/\\][^\s:'\"/\\]+[/\\][^\s:'\",;]*",  # a folder, relative
        r"[^\s:'\"]*\w\.[A-Za-z]\w{1,4}(?!\w)",  # a file
        r"\b(?:0x[0-9a-fA-F]+|[0-9a-f]{16,})\b",  # an address or a checksum
        r"(?<!\w)[-+]?\d+(?:[.,:x×]\d+)*",  # a number; not the one in mp4
    )
)


def read_rejected(path: Path) -> pd.DataFrame:
    """The rows of rejected.csv, with speaker and emotion: None where one names no clip."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)  # a reason may be empty
    names = [_name_of(clip_id) for clip_id in rows["clip_id"]]
    return rows.assign(
        speaker=[name and name.speaker for name in names],
        emotion=[name and name.emotion for name in names],
    )


def cause_of(reason: str) -> str:
    """The reason with `…` for paths, clip ids and numbers, so that equal causes are equal texts.

    A path before everything else is left out without a trace.
    """
    for pattern in _DIFFERING:
        reason = pattern.sub(LEFT_OUT, reason)
    return " ".join(reason.split()).removeprefix(f"{LEFT_OUT}: ")


def shorten(reason: str) -> str:
    """The reason, cut where it is too long to be read in a table."""
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + LEFT_OUT


def group_by_cause(rejected: pd.DataFrame) -> pd.DataFrame:
    """The causes in rows of clip_id, stage, reason; the commonest first.

    Columns: cause, stage, count, speakers, and examples, each a clip or archive with its reason.
    """
    rows = rejected.assign(
        cause=rejected["reason"].map(cause_of).map(shorten).replace("", "no reason given"),
        # Of a clip id, or of an archive such as `M019 video.tar`.
        speaker=rejected["clip_id"].str.split(r"[-\s]", n=1, regex=True).str[0],
        example=rejected["clip_id"] + ": " + rejected["reason"].map(shorten),
    )
    causes = rows.groupby(["cause", "stage"], as_index=False).agg(
        count=("cause", "size"), speakers=("speaker", "nunique"),
        examples=("example", lambda texts: "; ".join(texts.head(EXAMPLES))),
    )  # fmt: skip
    return causes.sort_values("count", ascending=False, kind="stable")


def _name_of(clip_id: str) -> ClipName | None:
    try:
        return parse_clip_id(clip_id)
    except ValueError:  # an archive's name, or a folder's
        return None
