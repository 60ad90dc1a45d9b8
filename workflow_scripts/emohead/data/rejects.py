"""Why clips were rejected, without what differs from clip to clip."""

import re

from emohead.data.mead import EMOTIONS

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


def cause_of(reason: str) -> str:
    """The reason with `…` for paths, clip ids and numbers, so that equal causes are equal texts.

    A path before everything else is left out without a trace.
    """
    for pattern in _DIFFERING:
        reason = pattern.sub(LEFT_OUT, reason)
    return " ".join(reason.split()).removeprefix(f"{LEFT_OUT}: ")
