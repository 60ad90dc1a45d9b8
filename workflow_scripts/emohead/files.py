"""Files that are there whole or not at all, and what a file is in place of what was expected."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What disks answer that have no fsync.
_NO_FSYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
_LFS = b"version https://git-lfs"
# The text of an unlocked file, and of its link where a disk, or a download, has no links.
_ANNEX = re.compile(rb"(?:\.\./)*(?:\.git)?/annex/objects/")
# The last one is what a store of objects (S3, and those like it) answers in place of a file.
_WEB_PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head|<\?xml[^>]*>\s*<Error)", re.IGNORECASE)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it takes the place of `path` when the block succeeds.

    The suffix stays, since writers choose their format by it. Folders above are made. When the
    block fails, or the power, an older `path` stays as it was; the unfinished file is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.unfinished-{os.getpid()}{path.suffix}")
    try:
        yield unfinished
        if not unfinished.is_symlink():
            _to_disk(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Or a power cut may leave a new name with no content."""
    with open(path, "rb") as file:
        try:
            os.fsync(file.fileno())
        except OSError as error:
            if error.errno not in _NO_FSYNC:
                raise


def put_link(link: Path, file: Path) -> None:
    """A symbolic link to a file; where the disk has none, a hard one, or a copy. Whole or not."""
    with whole_file(link) as unfinished:
        for make in (unfinished.symlink_to, unfinished.hardlink_to):
            try:
                make(file.absolute())
                return
            except OSError:  # exFAT and network disks have neither, and each its own error
                continue
        print(f"{link}: this disk has no links: {file} is copied", flush=True)
        shutil.copyfile(file, unfinished)


def stand_in(path: Path) -> str | None:
    """What a file is that stands in another one's place, for a sentence; None when nothing known.

    Downloads leave such files, with the names of what they should be. It is asked for where a file
    couldn't be used: one that can't be read either is told by the caller's own error.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(200)
    except OSError:
        return "a link to nothing" if os.path.lexists(path) and not os.path.exists(path) else None
    if not head:
        return "empty"
    if head.startswith(_LFS):
        return "a Git LFS pointer in place of the file: `git lfs pull` fetches it"
    if _ANNEX.match(head):
        return "a git-annex pointer in place of the file: `git annex get` fetches it"
    if _WEB_PAGE.match(head):
        return "a web page in place of the file: open its link in a browser"
    if not head.strip(b"\0"):
        return "zeros in place of the file: copy or fetch it again"
    return None
