"""Lists of test clips that other people publish, by the names that they give MEAD's clips.

EAT's are a NumPy array of `W015_W015_sad_3_005`, EDTalk's JSON of `M003#angry#level_1#001`.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emohead.data.names import EMOTION_NAMES

_NAME = re.compile(
    r"(?:.*?[\W_])??(?P<speaker>[^\W_]+)(?:/video)?[-_#/]"
    r"(?:(?:front|down|top|(?:left|right)_\d+)[-_#/])?"
    rf"(?P<emotion>{'|'.join(EMOTION_NAMES)})[-_#/](?:level_)?(?P<level>[123])[-_#/]"
    r"(?P<number>\d+)(?:\.\w+)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ListedClip:
    """A clip in a list, which says everything but its view."""

    speaker: str
    emotion: str
    level: int
    number: int


def read_test_list(path: Path) -> tuple[set[ListedClip], list[str]]:
    """The clips of a list, and the names in it that aren't of clips.

    A .json file holds a list of names, .npy an array of them, any other file a name a line (or in
    the first column of a table); a folder before a name and a suffix after it don't count. Raises
    ValueError for a file of another kind, or in which no name is a clip's.
    """
    clips, others = set(), []
    for name in _names(Path(path)):
        found = _NAME.fullmatch(name)
        if not found:
            others.append(name)
            continue
        emotion = EMOTION_NAMES[found["emotion"].lower()]
        clips.add(ListedClip(found["speaker"], emotion, int(found["level"]), int(found["number"])))
    if not clips:
        shown = f", for example {others[0]!r}" if others else ""
        raise ValueError(
            f"{path}: none of its {len(others)} names is like M003-front-angry-3-025, "
            f"M003_ang_3_025 or M003#angry#level_3#025{shown}"
        )
    return clips, others


def _names(path: Path) -> Sequence[str]:
    try:
        if path.suffix == ".npy":
            names = np.load(path, allow_pickle=False).ravel().tolist()
        elif path.suffix == ".json":
            names = json.loads(path.read_bytes())
        else:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
            names = [re.split(r"[,;\t]", line)[0].strip() for line in lines]
    except ValueError as error:
        raise ValueError(f"{path}: is no list of names ({error})") from error
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise ValueError(f"{path}: is no list of names")
    return [name for name in names if name and name != "clip_id"]
