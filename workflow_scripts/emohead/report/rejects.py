"""Why clips were rejected: the reasons, with what differs from clip to clip taken out."""

import re
from dataclasses import dataclass

import pandas as pd

from emohead.mead import EMOTIONS

EXAMPLES = 3  # of every cause
LONGEST_REASON = 240  # characters shown; decoders can be wordy
LEFT_OUT = "…"

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


@dataclass(frozen=True)
class Cause:
    """A reason that several clips share; examples are (clip id or archive, its own reason)."""

    text: str
    stage: str
    count: int
    speakers: int
    examples: tuple[tuple[str, str], ...]


def cause_of(reason: str) -> str:
    """The reason with `…` for paths, clip ids and numbers, so that equal causes are equal texts.

    A path before everything else is left out without a trace.
    """
    for pattern in _DIFFERING:
        reason = pattern.sub(LEFT_OUT, reason)
    return " ".join(reason.split()).removeprefix(f"{LEFT_OUT}: ")


def speaker_of(name: str) -> str:
    """The speaker of a clip id, or of an archive such as `M019 video.tar`."""
    return re.split(r"[-\s]", name, maxsplit=1)[0]


def shorten(reason: str) -> str:
    """The reason, cut where it is too long to be read in a table."""
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + LEFT_OUT


def group_by_cause(rejected: pd.DataFrame) -> list[Cause]:
    """The causes in rows of clip_id, stage, reason; the commonest first."""
    rows = rejected.assign(
        cause=rejected["reason"].map(cause_of), speaker=rejected["clip_id"].map(speaker_of)
    )
    causes = [
        Cause(
            shorten(str(text)),
            str(stage),
            len(part),
            part["speaker"].nunique(),
            tuple((row.clip_id, shorten(row.reason)) for row in part.head(EXAMPLES).itertuples()),
        )
        for (stage, text), part in rows.groupby(["stage", "cause"])
    ]
    return sorted(causes, key=lambda cause: -cause.count)
