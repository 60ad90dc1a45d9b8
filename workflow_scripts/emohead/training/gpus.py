"""Locks on GPUs, so that trainings that run side by side take different ones."""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from emohead.locks import acquire

# The GPUs of a training, for its other processes, which are started with its environment.
RESERVED = "EMOHEAD_GPUS"


def gpu_names() -> list[str]:
    """A name for each GPU that torch sees, the same in every process of this machine."""
    return [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]


@contextmanager
def reserved_gpus(count: int, names: Sequence[str]) -> Iterator[list[int]]:
    """The indices of `count` of the GPUs `names` that no other training has, until the block ends.

    Waits while too few are free.
    """
    if RESERVED in os.environ:
        yield [int(index) for index in os.environ[RESERVED].split(",")]
        return
    folder = Path(tempfile.gettempdir())
    locks = [FileLock(folder / f"emohead-gpu-{name}.lock", mode=0o666) for name in names]
    held = _take(locks, count)
    if len(held) < count:
        print(f"other trainings have the GPUs ({count} wanted): waiting", flush=True)
    while len(held) < count:
        # All or none: or two trainings could wait for each other.
        for index in held:
            locks[index].release()
        time.sleep(1)
        held = _take(locks, count)
    os.environ[RESERVED] = ",".join(map(str, held))
    try:
        yield held
    finally:
        del os.environ[RESERVED]
        for index in held:
            locks[index].release()


def _take(locks: Sequence[FileLock], count: int) -> list[int]:
    held: list[int] = []
    for index, lock in enumerate(locks):
        if len(held) < count:
            with suppress(Timeout):
                acquire(lock, timeout=0)
                held.append(index)
    return held
