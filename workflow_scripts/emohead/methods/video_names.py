"""Finds somebody else's videos of the clips: by the names of their files, or by a table.

Imports nothing but Python itself: the workflow looks for the files when it starts.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from emohead.data.mead import EMOTIONS, ClipName, parse_clip_id
from emohead.data.names import NamePattern, emotion_called, video_names
from emohead.data.spreadsheets import read_rows

#: The default pattern of names.
OUR_NAMES = "{clip_id}"
_TABLES = (".csv", ".tsv", ".txt")
#: A file's name, as far as it says which clip it is of.
_Fields = tuple[tuple[str, str | int], ...]


def is_table(names: str) -> bool:
    """Whether `names` is the file of a table, not a pattern."""
    return Path(names).suffix.lower() in _TABLES


def named_videos(folder: Path, names: str = OUR_NAMES) -> dict[_Fields, Path]:
    """Every video of a folder that is called by `names`, and the fields that its name has.

    `names` is a pattern (`emohead.data.names.NamePattern`), or a table with the columns clip_id
    and file, relative to the folder. Raises ValueError for a missing folder, a mistake in either,
    or two files of one clip.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder} to take videos from")
    found: dict[_Fields, Path] = {}
    for fields, path in _listed(folder, Path(names)) if is_table(names) else _called(folder, names):
        if fields in found:
            same = ", ".join(str(value) for _, value in fields)
            raise ValueError(f"{found[fields]} and {path} are both of {same}: leave one out")
        found[fields] = path
    return found


def find_videos(folder: Path, clip_ids: Collection[str], names: str = OUR_NAMES) -> dict[str, Path]:
    """The videos of these clips; errors as `named_videos`, and where a name fits two clips."""
    videos = named_videos(folder, names)
    fields = [name for name, _ in next(iter(videos), ())]
    whose: dict[_Fields, str] = {}
    found = {}
    for clip_id in clip_ids:
        key = _fields_of(parse_clip_id(clip_id), fields)
        if key not in videos:
            continue
        if key in whose:
            raise ValueError(
                f"{videos[key]} could be of {whose[key]} or of {clip_id}: put what tells them "
                f"apart into the names, {names!r}"
            )
        whose[key], found[clip_id] = clip_id, videos[key]
    return found


def videos_of_speaker(folder: Path, names: str, speaker: str) -> list[tuple[_Fields, Path]]:
    """The videos that can be of a speaker's clips and their fields, sorted."""
    return sorted(
        (fields, path)
        for fields, path in named_videos(folder, names).items()
        if dict(fields).get("speaker", speaker.casefold()) == speaker.casefold()
    )


def _called(folder: Path, names: str) -> list[tuple[_Fields, Path]]:
    """Find videos by a pattern."""
    pattern = NamePattern(names)
    found = []
    for name in video_names(folder, pattern.depth):
        fields = pattern.match(name)
        if fields and emotion_called(fields.get("emotion", EMOTIONS[0])):
            found.append((_normal(fields), folder / name))
    return found


def _listed(folder: Path, table: Path) -> list[tuple[_Fields, Path]]:
    """Find videos by a table."""
    found = []
    for row in read_rows(table, ("clip_id", "file"), free="file"):
        path = folder / row.cells["file"]
        try:
            name = parse_clip_id(row.cells["clip_id"])
        except ValueError as error:
            raise ValueError(f"{table}, line {row.line}: {error}") from error
        if not path.is_file():
            raise ValueError(f"{table}, line {row.line}: there is no file {path}")
        found.append((_fields_of(name, list(vars(name))), path))
    return found


def _fields_of(clip: ClipName, fields: Collection[str]) -> _Fields:
    return _normal({name: str(getattr(clip, name)) for name in fields})


def _normal(fields: Mapping[str, str]) -> _Fields:
    """Fields in one order and spelling."""
    plain = {"emotion": emotion_called, "level": int, "number": int}
    return tuple(sorted((name, plain.get(name, str.casefold)(v)) for name, v in fields.items()))
