"""A person's own videos: any files, named by a table instead of MEAD's folders."""

import re
import unicodedata
from collections import Counter
from pathlib import Path

from emohead.data.mead import EMOTIONS, LEVELS, Clip
from emohead.data.spreadsheets import read_rows

#: The table's columns; `level` may be left out or empty, and is 1 then.
COLUMNS = ("file", "speaker", "emotion", "level")


def read_footage(table: Path, folder: Path) -> list[Clip]:
    """The clips that a table of footage names, in its order.

    `file` is a path below `folder`; its own sound is used. Clips of one speaker, emotion and level
    are numbered as they come. Raises ValueError with the line and column of a mistake.
    """
    clips: list[Clip] = []
    numbers: Counter[tuple[str, str, str]] = Counter()
    videos: set[Path] = set()
    for row in read_rows(table, COLUMNS[:3], COLUMNS[3:], free="file"):
        where = f"{table}, line {row.line}"
        file, speaker, emotion, level = (row.cells[column] for column in COLUMNS)
        if not speaker.isalnum():
            raise ValueError(f"{where}: speaker {speaker!r} must be letters and digits")
        emotion = emotion.lower()
        if emotion not in EMOTIONS:
            raise ValueError(f"{where}: emotion {emotion!r} is none of {', '.join(EMOTIONS)}")
        # Spreadsheets make 3.0 of a 3 where another cell of the column is empty.
        level = re.sub(r"[.,]0*$", "", level) or "1"
        if level not in map(str, LEVELS):
            raise ValueError(f"{where}: level {level!r} is none of 1, 2, 3")
        video = _find(Path(folder), file)
        if video is None:
            hint = "" if file.isascii() else "; wrong letters: save the table as CSV UTF-8"
            raise ValueError(f"{where}: there is no file {Path(folder) / file}{hint}")
        if video in videos:
            raise ValueError(f"{where}: {video} is in the table twice")
        videos.add(video)
        take = speaker, emotion, level
        numbers[take] += 1
        clips.append(Clip(speaker, "front", emotion, int(level), numbers[take], video, video))
    if not clips:
        raise ValueError(f"{table}: names no file")
    return clips


def _find(folder: Path, file: str) -> Path | None:
    """The file of a folder, though its name be composed in another way, or a Windows path."""
    for name in (file, file.replace("\\", "/")):
        for form in (name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))):
            if file and (folder / form).is_file():
                return folder / form
    return None
