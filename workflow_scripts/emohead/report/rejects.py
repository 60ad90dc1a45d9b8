"""Why clips were rejected: the causes, with their counts and examples."""

import re
from dataclasses import dataclass

import pandas as pd

from emohead.data.rejects import LEFT_OUT, cause_of

EXAMPLES = 3  # of every cause
LONGEST_REASON = 240  # characters shown; decoders can be wordy


@dataclass(frozen=True)
class Cause:
    """A reason that several clips share; examples are (clip id or archive, its own reason)."""

    text: str
    stage: str
    count: int
    speakers: int
    examples: tuple[tuple[str, str], ...]


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
