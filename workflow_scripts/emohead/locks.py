"""Locks between processes, on disks that may have none."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

# What a disk without locks answers: NFS without its lock daemon, Lustre without flock.
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


def acquire(lock: FileLock, timeout: float = -1) -> None:
    """`lock.acquire`; where the disk has no locks, a printed line in place of the lock.

    `lock.release` does nothing then. Raises Timeout as `lock.acquire` does.
    """
    try:
        lock.acquire(timeout)
    except Timeout:
        raise
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        print(
            f"{lock.lock_file}: this disk has no locks: make sure that no second run uses the same "
            "folder",
            flush=True,
        )


@contextmanager
def locked(path: Path, timeout: float = -1) -> Iterator[None]:
    """Keeps other processes out while the block lasts; they wait. As `acquire`."""
    # Its file stays, maybe in an environment or a folder of downloads that other users share.
    lock = FileLock(path, mode=0o666)
    acquire(lock, timeout)
    try:
        yield
    finally:
        lock.release()
