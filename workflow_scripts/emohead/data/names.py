"""Clips by the names of their files: patterns such as `{emotion}/{speaker}_{number}.mp4`.

Imports nothing but Python itself: the workflow reads names when it starts.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from emohead.data.mead import EMOTIONS, VIDEO_SUFFIXES

#: What a pattern can have in braces, and which characters stand for it in a name.
FIELDS = {
    "speaker": r"\w+?",
    "view": r"\w+?",
    "emotion": r"[^\W_]+",
    "level": r"\d+",
    "number": r"\d+",
}
#: In braces, too: our own name of a clip.
CLIP_ID = "clip_id"

_TOKEN = re.compile(r"(\{[^{}]*\}|\*\*/|\*)")


def short_emotion(emotion: str) -> str:
    """An emotion in three letters, `ang`, as EAT, EDTalk and CREMA-D write it."""
    return emotion[:3]


#: The eight emotions by their names, three letters of them, and usual other names.
EMOTION_NAMES = {
    **{emotion: emotion for emotion in EMOTIONS},
    **{short_emotion(emotion): emotion for emotion in EMOTIONS},
    "anger": "angry",
    "disgust": "disgusted",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}


def emotion_called(name: str) -> str | None:
    """One of the eight emotions by any of EMOTION_NAMES, in any case."""
    return EMOTION_NAMES.get(name.lower())


class NamePattern:
    """A pattern of names below a folder, with `/` between folders.

    `{speaker}`, `{emotion}`, `{level}`, `{number}`, `{view}` stand for these, `{clip_id}` for all
    five; `*` for anything within a name, `**/` for any folders. Without a suffix, those of videos
    are meant. Letters count in any case.
    """

    def __init__(self, pattern: str):
        """Raises ValueError for an unknown field, or for a pattern without fields."""
        self.pattern = pattern.replace("\\", "/")
        full = "-".join(f"{{{field}}}" for field in ("speaker", "view", "emotion", "level"))
        text = self.pattern.replace(f"{{{CLIP_ID}}}", f"{full}-{{number}}")
        self.fields: list[str] = []
        regex = "".join(map(self._regex_of, _TOKEN.split(text)))
        if not self.fields:
            known = ", ".join(f"{{{field}}}" for field in (*FIELDS, CLIP_ID))
            raise ValueError(f"{pattern!r}: has none of {known} in it")
        if Path(self.pattern).suffix.lower() not in VIDEO_SUFFIXES:
            regex += "" if self.pattern.endswith(".*") else r"\.\w+"
        self._regex = re.compile(regex, re.IGNORECASE)

    def _regex_of(self, token: str) -> str:
        if token in ("*", "**/"):
            return "[^/]*" if token == "*" else "(?:[^/]+/)*"
        if not token.startswith("{"):
            return re.escape(token)
        field = token[1:-1]
        if field not in FIELDS:
            known = ", ".join((*FIELDS, CLIP_ID))
            raise ValueError(f"{self.pattern!r}: there is no {token} (known: {known})")
        if field in self.fields:
            return f"(?P={field})"
        self.fields.append(field)
        return f"(?P<{field}>{FIELDS[field]})"

    @property
    def depth(self) -> int | None:
        """How many folders deep the files lie; None for any."""
        return None if "**/" in self.pattern else self.pattern.count("/")

    def match(self, name: str) -> dict[str, str] | None:
        """The fields of a file's name below the folder; None where it doesn't fit."""
        found = self._regex.fullmatch(name)
        return found and found.groupdict()


def video_names(folder: Path, depth: int | None = None) -> Iterator[str]:
    """The videos below a folder, by their names there with `/`, sorted; at most `depth` deep.

    Where videos differ in their suffix alone, the first suffix in VIDEO_SUFFIXES is taken.
    Names that begin with a point are nobody's. Links to folders are followed, to each folder once:
    a recording under two names could be trained on and tested, and a link may lead upwards.
    """
    found: dict[str, str] = {}
    seen = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        below = Path(here).relative_to(folder)
        is_deepest = depth is not None and len(below.parts) >= depth
        if (real := os.path.realpath(here)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [] if is_deepest else sorted(f for f in folders if not f.startswith("."))
        for file in files:
            stem, suffix = os.path.splitext(file)
            if suffix.lower() in VIDEO_SUFFIXES and not file.startswith("."):
                name, take = (below / file).as_posix(), (below / stem).as_posix()
                found[take] = min(name, found.get(take, name), key=_suffix_rank)
    yield from sorted(found.values())


def _suffix_rank(name: str) -> int:
    return VIDEO_SUFFIXES.index(os.path.splitext(name)[1].lower())
