"""The folder of a training's state, from which a killed training resumes."""

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from fsspec.core import url_to_fs

from emohead.files import whole_file
from emohead.locks import acquire, locked
from emohead.training.checkpoint import Checkpoint, save_checkpoint

# The state of a training, for its other processes, which are started with its environment.
STATE = "EMOHEAD_STATE"


@contextmanager
def training_state(folder: Path, *inputs: Any) -> Iterator[Path]:
    """The folder of one training's state below `folder`, named by a hash of its inputs.

    A Path among the inputs stands for the content of its file, anything else for its JSON form, in
    which a clip is its `identity`: a training whose options, data or code changed never resumes
    from the old state. The state stays when the block succeeds, so that a longer training can
    resume from it; the states of others in `folder` are then removed, unless a process uses them.

    Until then it is locked: a later process waits, and resumes from what is there. A killed
    Snakemake may leave a training behind that lives on.
    """
    if int(os.environ.get("LOCAL_RANK", 0)):  # of a further device: the first one's process has it
        yield Path(os.environ[STATE])
        return
    state = folder / _hash_of(inputs)
    with _alone(state):
        os.environ[STATE] = str(state)
        try:
            yield state
        finally:
            os.environ.pop(STATE, None)
        for other in folder.iterdir():
            if other != state and other.is_dir():
                _remove(other)


def _hash_of(inputs: Sequence[Any]) -> str:
    total = hashlib.sha256()
    for part in inputs:
        if isinstance(part, Path):
            with part.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        else:
            told = json.dumps(part, sort_keys=True, default=attrgetter("identity"))
            total.update(told.encode())
    return total.hexdigest()[:16]


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Keep other processes away from a state."""
    state.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(_lock_of(state))
    try:
        acquire(lock, timeout=0)
    except Timeout:
        print(f"another process has this training in {state}: waiting", flush=True)
        acquire(lock)
    try:
        state.mkdir(exist_ok=True)
        for left in state.glob(".*.unfinished-*"):  # of killed processes
            left.unlink()
        yield
    finally:
        lock.release()


def _remove(state: Path) -> None:
    """Remove a training's state unless a process uses it."""
    with suppress(Timeout), locked(_lock_of(state), timeout=0):
        StateFiles(state).remove()
        shutil.rmtree(state)


def _lock_of(state: Path) -> Path:
    """Beside the state: who waits for it mustn't hold a lock that was removed with the folder."""
    return state.with_name(f"{state.name}.lock")


def save_training(checkpoint: Checkpoint, model: Path, history: Path, provenance: Path) -> None:
    """Write a finished training: its checkpoint, and two parts of it for readers without torch.

    These are its history, one row an epoch, and its provenance as JSON.
    """
    with whole_file(history) as unfinished:
        checkpoint.history.to_csv(unfinished, index=False)
    with whole_file(provenance) as unfinished:
        unfinished.write_text(checkpoint.provenance.to_json(), encoding="utf-8")
    save_checkpoint(model, checkpoint)


class StateFiles:
    """`last.ckpt`, all that a training needs to resume, and `best.ckpt`, the best epoch's weights.

    Each is there whole or not at all, whenever the process or the power goes. With `storage`, a
    folder's URL, they are also in its folder of this one's name, where another machine finds them.
    """

    def __init__(self, folder: Path, storage: str | None = None):
        self._last, self._best = folder / "last.ckpt", folder / "best.ckpt"
        self._storage = None
        if storage is not None:
            self._storage, path = url_to_fs(storage)
            self._stored = f"{path}/{folder.name}"

    def fetch(self) -> None:
        """Bring both from the storage, unless this machine has a state of its own."""
        if self._storage is None or self._last.exists():
            return
        for file in (self._best, self._last):
            stored = f"{self._stored}/{file.name}"
            if self._storage.exists(stored):
                with whole_file(file) as unfinished:
                    self._storage.get_file(stored, str(unfinished))
        if self._last.exists():
            print(f"the last state comes from {self._stored}", flush=True)

    def save(self, state: dict[str, Any]) -> None:
        """Take the place of the last state."""
        _save(self._last, state)
        self._store(self._last)

    def load(self) -> dict[str, Any] | None:
        """The last state, None at a training's beginning."""
        if not self._last.exists():
            return None
        return torch.load(self._last, weights_only=True, map_location="cpu")

    def save_best(self, weights: dict[str, torch.Tensor]) -> None:
        """Take the place of the best weights."""
        _save(self._best, weights)
        self._store(self._best)

    def load_best(self) -> dict[str, torch.Tensor]:
        """The best weights so far."""
        return torch.load(self._best, weights_only=True, map_location="cpu")

    def remove(self) -> None:
        """Remove both; if that is broken off, what is left is a training's beginning."""
        self._last.unlink(missing_ok=True)
        self._best.unlink(missing_ok=True)

    def remove_others(self) -> None:
        """Remove from the storage what other options or code left beside this training."""
        if self._storage is None:
            return
        folder, _, own = self._stored.rpartition("/")
        with _no_reason_to_end(f"{folder}: can't be tidied up"):
            for other in self._storage.ls(folder, detail=False):
                if Path(other).name != own:
                    self._storage.rm(other, recursive=True)

    def _store(self, file: Path) -> None:
        """Copy a file to the storage, whole or not at all."""
        if self._storage is None:
            return
        stored = f"{self._stored}/{file.name}"
        unfinished = f"{stored}.{socket.gethostname()}-{os.getpid()}"
        with _no_reason_to_end(f"{stored}: not stored, only on this machine"):
            self._storage.makedirs(self._stored, exist_ok=True)
            self._storage.put_file(str(file), unfinished)
            self._storage.mv(unfinished, stored)


@contextmanager
def _no_reason_to_end(problem: str) -> Iterator[None]:
    """Print the problem where the storage fails: the training goes on, and tries it again."""
    try:
        yield
    except Exception as error:  # every kind of storage has its own
        print(f"{problem}: {error!r}", flush=True)


def _save(path: Path, content: Any) -> None:
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        torch.save(content, file)
