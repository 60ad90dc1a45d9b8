"""Brings archives here: downloads that resume, are checked, and get their name only when whole.

A whole file with another checksum than the table's is kept as `video.tar.bad`: it may be the table
that is wrong.
"""

import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from emohead.archives.errors import TROUBLE, DownloadError, explain, shown
from emohead.archives.partial import PartialDownload
from emohead.archives.table import Archive, read_archive_table
from emohead.archives.transfers import (
    check_size,
    fill_from_drive,
    fill_from_server,
    in_words,
    no_room,
)
from emohead.files import put_link
from emohead.locks import locked

LONGEST_PAUSE = 300  # seconds between two tries

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def fetch(archive: Archive, target: Path, *, attempts: int = 8, pause: float = 5.0) -> Path:
    """The checked file of an archive: `target`, or where it is if that is a local path.

    After a break a download goes on from where it stopped, as does a later call; it is given up
    after `attempts` breaks in a row without a new byte, with pauses that grow from `pause` seconds.
    Two processes that want one target wait for each other. Raises DownloadError; whatever has
    arrived by then stays for the next call.
    """
    if archive.place == "local":
        return _checked_local(archive)
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(Path(f"{target}.lock")):
        part = PartialDownload(target)
        if not _is_here(archive, target, part):
            _download(archive, target, part, attempts, pause)
    return target


def provide(table: Path, speaker: str, kind: str, downloads: Path, link: Path) -> None:
    """A link to the checked file of a row of the table of archives.

    Downloads are kept as `<downloads>/<speaker>/<kind>.tar`, apart from the link, so that whoever
    removes the link (Snakemake, before it runs a rule again) doesn't remove gigabytes.
    """
    rows = {(row.speaker, row.kind): row for row in read_archive_table(table)}
    if (speaker, kind) not in rows:
        raise DownloadError(f"{table}: there is no url for {speaker} {kind}")
    path = fetch(rows[speaker, kind], Path(downloads) / speaker / f"{kind}.tar")
    put_link(link, path)


def _checked_local(archive: Archive) -> Path:
    """A local archive's path, absolute."""
    path = Path(archive.url).expanduser().absolute()
    if not path.is_file():
        raise DownloadError(f"{archive}: there is no file {str(path)!r}")
    check_size(archive, path.stat().st_size)
    if not archive.sha256:
        print(f"{archive}: the table has no sha256, so {path} is not checked", flush=True)
    elif (found := _sum(path)) != archive.sha256:
        raise DownloadError(_wrong_sum(archive, found, path))
    return path


def _is_here(archive: Archive, target: Path, part: PartialDownload) -> bool:
    """Whether the target is this archive already, from an earlier call."""
    for path in (target, _bad(target)):
        if not path.exists() or archive.bytes not in (None, path.stat().st_size):
            continue
        # A bad file is good after all once the table's sum is mended.
        from_there = path == target and part.target_is_from(archive.url)
        if (_sum(path) == archive.sha256) if archive.sha256 else from_there:
            os.replace(path, target)
            print(f"{archive}: {target} is here already", flush=True)
            return True
    return False


def _download(
    archive: Archive, target: Path, part: PartialDownload, attempts: int, pause: float
) -> None:
    """Fetches an archive and gives it its name once it is found good."""
    fill = fill_from_drive if archive.place == "drive" else fill_from_server
    _persist(fill, archive, part, attempts, pause)
    if archive.sha256 and part.sum != archive.sha256 and part.resumed:
        print(f"{archive}: wrong checksum after going on; fetching it anew", flush=True)
        part.reset()
        _persist(fill, archive, part, attempts, pause)
    if archive.sha256 and part.sum != archive.sha256:
        os.replace(part.path, _bad(target))
        raise DownloadError(_wrong_sum(archive, part.sum, _bad(target)))
    part.become_target()
    _bad(target).unlink(missing_ok=True)
    print(f"{archive}: {part.size} bytes in {target}", flush=True)
    if not archive.sha256:
        print(
            f"{archive}: the table has no sha256, so it is not checked; it is {part.sum}",
            flush=True,
        )


def _persist(
    fill: Callable[[Archive, PartialDownload], None],
    archive: Archive,
    part: PartialDownload,
    attempts: int,
    pause: float,
) -> None:
    """Fills the part, however often the connection breaks, as long as something arrives."""
    failures = 0
    while True:
        before = part.arrived
        part.resumed |= before > 0
        try:
            fill(archive, part)
            return
        except TROUBLE as error:
            if isinstance(error, OSError) and error.errno in _DISK_FULL:
                raise DownloadError(no_room(archive, part)) from error
            if isinstance(error, OSError) and error.filename:
                raise  # about a file here, not one there
            reason, final = explain(error)
            failures = 1 if part.arrived > before else failures + 1
            if final:
                raise DownloadError(f"{archive}: {shown(archive.url)}: {reason}") from error
            if failures >= attempts:
                raise DownloadError(
                    f"{archive}: {shown(archive.url)}: {reason} (given up after {attempts} tries; "
                    f"{in_words(part.arrived)} are here and stay for the next run)"
                ) from error
            wait = min(pause * 2 ** (failures - 1), LONGEST_PAUSE)
            print(f"{archive}: {reason}; once more in {wait:.0f} s", flush=True)
            time.sleep(wait)


def _wrong_sum(archive: Archive, found: str, path: Path) -> str:
    return (
        f"{archive}: wrong checksum: the table says {archive.sha256}, {path} has {found}; "
        f"the file, or the table, is wrong"
    )


def _sum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _bad(target: Path) -> Path:
    return target.with_name(f"{target.name}.bad")
