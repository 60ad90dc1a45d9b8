"""The table of archives: where every actor's `video.tar` and `audio.tar` are.

The user fills in the links that MEAD's licence gives. Imports nothing heavy.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from emohead.data.spreadsheets import read_rows

KINDS = ("video", "audio")
TABLE_COLUMNS = ("speaker", "kind", "url", "sha256", "bytes")

_DRIVE_HOSTS = ("drive.google.com", "docs.google.com", "drive.usercontent.google.com")
_DRIVE_ID = re.compile(r"(?:^gdrive:|/file/(?:u/\d+/)?d/|[?&]id=)(?P<id>[A-Za-z0-9_-]+)")


@dataclass(frozen=True)
class Archive:
    """A row of the table of archives; `sha256` and `bytes` are None where it doesn't say."""

    speaker: str
    kind: str
    url: str
    sha256: str | None = None
    bytes: int | None = None

    def __str__(self) -> str:
        return f"{self.speaker} {self.kind}"

    @property
    def place(self) -> str:
        """What kind of place the url names: `local`, `http`, `s3`, `drive`, or another scheme."""
        parts = urlsplit(self.url)
        if self.url.startswith("gdrive:") or parts.hostname in _DRIVE_HOSTS:
            return "drive"
        if "://" not in self.url:
            return "local"
        return {"https": "http"}.get(parts.scheme, parts.scheme)

    @property
    def drive_id(self) -> str | None:
        """The file's id on Google Drive, if the url has one."""
        match = _DRIVE_ID.search(self.url) if self.place == "drive" else None
        return match["id"] if match else None


def read_archive_table(path: Path) -> list[Archive]:
    """The archives of a table with the columns TABLE_COLUMNS.

    Rows with an empty url are not filled in yet and left out. Raises ValueError that names the
    file, the line and the column of a mistake.
    """
    archives: dict[tuple[str, str], Archive] = {}
    for row in read_rows(path, TABLE_COLUMNS, free="url"):
        archive = _archive(row.cells, f"{path}, line {row.line}")
        if (archive.speaker, archive.kind) in archives:
            where = f"{path}, line {row.line}, column kind"
            raise ValueError(f"{where}: there is a second row for {archive}")
        archives[archive.speaker, archive.kind] = archive
    return [archive for archive in archives.values() if archive.url]


def _archive(cells: dict[str, str], where: str) -> Archive:
    """A row's archive, or a ValueError."""

    def wrong(column: str, problem: str) -> ValueError:
        return ValueError(f"{where}, column {column}: {problem}")

    if not re.fullmatch(r"[A-Za-z0-9_]+", cells["speaker"]):
        raise wrong("speaker", f"{cells['speaker']!r} is no speaker's id, such as M003")
    if cells["kind"] not in KINDS:
        raise wrong("kind", f"{cells['kind']!r} is not one of {', '.join(KINDS)}")
    if cells["sha256"] and not re.fullmatch(r"[0-9a-fA-F]{64}", cells["sha256"]):
        raise wrong("sha256", f"{cells['sha256']!r} is no SHA-256 sum (64 hexadecimal digits)")
    if cells["bytes"] and not re.fullmatch(r"[1-9][0-9]*", cells["bytes"]):
        raise wrong("bytes", f"{cells['bytes']!r} is no number of bytes")
    archive = Archive(
        cells["speaker"],
        cells["kind"],
        cells["url"],
        cells["sha256"].lower() or None,
        int(cells["bytes"]) if cells["bytes"] else None,
    )
    url = archive.url
    if archive.place not in ("local", "http", "s3", "drive"):
        known = "a local path, http(s)://, s3://bucket/key, gdrive:<file id>"
        raise wrong("url", f"{url!r} is of an unknown kind (known: {known})")
    if archive.place == "s3" and not re.fullmatch(r"s3://[^/]+/.+", url, re.IGNORECASE):
        raise wrong("url", f"{url!r} lacks the bucket or the key (s3://bucket/key)")
    if archive.place == "drive" and not archive.drive_id:
        raise wrong("url", f"{url!r} names no file on Google Drive: copy the file's own link")
    return archive
