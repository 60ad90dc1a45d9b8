"""Jobs that go on after the clip at which they were killed."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emohead.files import whole_file
from emohead.locks import locked


@contextmanager
def resumable(state: Path, *inputs: Any) -> Iterator[Path]:
    """The folder for the finished pieces of a job; they stay there until the block succeeds.

    A job that was killed finds them when it is started again. `inputs` are what the pieces are made
    from: a Path stands for its file's name, size and time, anything else for its JSON form. Pieces
    that were made from other inputs are removed. The folder is this process's alone: another one
    that wants it waits, for a killed Snakemake may leave a job behind that lives on.
    """
    key = hashlib.sha256(json.dumps([_identity(each) for each in inputs]).encode()).hexdigest()
    state.parent.mkdir(parents=True, exist_ok=True)
    lock = state.with_name(f"{state.name}.lock")
    with locked(lock):
        named = state / "inputs.sha256"
        if state.exists() and not (named.exists() and named.read_text() == key):
            shutil.rmtree(state)
        if not state.exists():
            with whole_file(named) as unfinished:
                unfinished.write_text(key)
        for left in state.glob("**/.*.unfinished-*"):  # of killed processes
            left.unlink()
        yield state
        shutil.rmtree(state, ignore_errors=True)
        lock.unlink(missing_ok=True)


@contextmanager
def timed(state: Path) -> Iterator[None]:
    """Count the block's wall time into the job's, in the folder of `resumable`."""
    started = time.monotonic()
    yield
    total = seconds_of(state) + time.monotonic() - started
    with whole_file(state / "seconds") as unfinished:
        unfinished.write_text(str(total))


def seconds_of(state: Path) -> float:
    """What has been timed so far, in all attempts."""
    path = state / "seconds"
    return float(path.read_text()) if path.exists() else 0.0


def say_resumed(done: int, clips: int) -> None:
    """Tell the log how much an earlier attempt has left to do."""
    if done:
        print(f"going on: {done} of {clips} clips were done before", flush=True)


def _identity(value: Any) -> Any:
    if isinstance(value, Path):
        found = value.stat()
        return [str(value), found.st_size, found.st_mtime_ns]
    return value
