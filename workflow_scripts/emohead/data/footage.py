"""A person's own videos: any files, named by a table instead of MEAD's folders."""

import csv
from collections import Counter
from pathlib import Path

from emohead.data.mead import EMOTIONS, LEVELS, Clip

#: The table's columns; `level` may be left out or empty, and is 1 then.
COLUMNS = ("file", "speaker", "emotion", "level")


def read_footage(table: Path, folder: Path) -> list[Clip]:
    """The clips that a table of footage names, in its order.

    `file` is a path below `folder`; its own sound is used. Clips of one speaker, emotion and level
    are numbered as they come. Raises ValueError with the line and column of a mistake.
    """
    with Path(table).open(newline="", encoding="utf-8-sig") as text:
        rows = csv.DictReader(text)
        missing = [c for c in COLUMNS[:3] if c not in (rows.fieldnames or [])]
        if missing:
            raise ValueError(f"{table}: no column {', '.join(missing)} (has {rows.fieldnames})")
        clips: list[Clip] = []
        numbers: Counter[tuple[str, str, str]] = Counter()
        videos: set[Path] = set()
        for row in rows:
            where = f"{table}, line {rows.line_num}"
            # Of a line that ends too early, the rest is None.
            file, speaker, emotion, level = ((row.get(c) or "").strip() for c in COLUMNS)
            level = level or "1"
            if not speaker.isalnum():
                raise ValueError(f"{where}: speaker {speaker!r} must be letters and digits")
            if emotion not in EMOTIONS:
                raise ValueError(f"{where}: emotion {emotion!r} is none of {', '.join(EMOTIONS)}")
            if level not in map(str, LEVELS):
                raise ValueError(f"{where}: level {level!r} is none of 1, 2, 3")
            video = Path(folder) / file
            if not video.is_file():
                raise ValueError(f"{where}: there is no file {video}")
            if video in videos:
                raise ValueError(f"{where}: {video} is in the table twice")
            videos.add(video)
            take = speaker, emotion, level
            numbers[take] += 1
            clips.append(Clip(speaker, "front", emotion, int(level), numbers[take], video, video))
    if not clips:
        raise ValueError(f"{table}: names no file")
    return clips
