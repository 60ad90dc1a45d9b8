"""A person's own videos: any files, by a table or by their names instead of MEAD's folders."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emohead.data.mead import EMOTIONS, LEVELS, Clip, LeftOut
from emohead.data.named_footage import find_footage
from emohead.data.names import emotion_called
from emohead.data.spreadsheets import read_rows

#: The table's columns; `level` may be left out or empty, and is 1 then.
COLUMNS = ("file", "speaker", "emotion", "level")


def footage_of(data: Mapping[str, Any]) -> tuple[list[Clip], list[LeftOut]]:
    """The clips of a config's `data` with source footage, and what its names pass over.

    Raises ValueError, which begins with the key, when a key is missing or says what isn't there.
    """
    footage = data["footage"]
    table, names, folder = (footage[key] for key in ("table", "names", "folder"))
    if (table is None) == (names is None):
        raise ValueError(
            "data.footage.table: it, or names, is needed with data.source: footage"
            if table is None
            else "data.footage.names: is given beside table: one of them says what the clips are"
        )
    if folder is None:
        raise ValueError("data.footage.folder: is needed with data.source: footage")
    if not Path(folder).is_dir():
        raise ValueError(f"data.footage.folder: there is no folder {folder!r}")
    if table is not None and not Path(table).is_file():
        raise ValueError(f"data.footage.table: there is no file {table!r}")
    try:
        if table is not None:
            return read_footage(Path(table), Path(folder)), []
        chosen = {"speakers": data["speakers"], "emotions": data["emotions"]}
        return find_footage(Path(folder), names, **chosen)
    except (OSError, ValueError) as error:
        key = "names" if table is None else "table"
        raise ValueError(f"data.footage.{key}: {error}") from error


def read_footage(table: Path, folder: Path) -> list[Clip]:
    """The clips that a table of footage names, in its order.

    `file` is a path below `folder`; its own sound is used. Clips of one speaker, emotion and level
    are numbered as they come. Raises ValueError with the line and column of a mistake.
    """
    clips: list[Clip] = []
    numbers: Counter[tuple[str, str, str]] = Counter()
    videos: set[str] = set()
    for row in read_rows(table, COLUMNS[:3], COLUMNS[3:], free="file"):
        where = f"{table}, line {row.line}"
        file, speaker, emotion, level = (row.cells[column] for column in COLUMNS)
        if not speaker.isalnum():
            raise ValueError(f"{where}: speaker {speaker!r} must be letters and digits")
        named = emotion_called(emotion)
        if named is None:
            raise ValueError(f"{where}: emotion {emotion!r} is none of {', '.join(EMOTIONS)}")
        # Spreadsheets make 3.0 of a 3 where another cell of the column is empty.
        level = re.sub(r"[.,]0*$", "", level) or "1"
        if level not in map(str, LEVELS):
            raise ValueError(f"{where}: level {level!r} is none of 1, 2, 3")
        video = _find(folder, file)
        if video is None:
            hint = "" if file.isascii() else "; wrong letters: save the table as CSV UTF-8"
            raise ValueError(f"{where}: there is no file {folder / file}{hint}")
        if str(video) in videos:
            raise ValueError(f"{where}: {video} is in the table twice")
        videos.add(str(video))  # as text: 31,000 paths take seconds to compare
        take = speaker, named, level
        numbers[take] += 1
        clips.append(Clip(speaker, "front", named, int(level), numbers[take], video, video))
    if not clips:
        raise ValueError(f"{table}: names no file")
    return clips


def _find(folder: Path, file: str) -> Path | None:
    """The file of a folder, though its name be composed in another way, or a Windows path."""
    if file and os.path.isfile(path := os.path.join(folder, file)):
        return Path(path)  # almost always
    for name in (file, file.replace("\\", "/")):
        for form in (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))):
            if file and (folder / form).is_file():
                return folder / form
    return None
