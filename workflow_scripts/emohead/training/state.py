"""The folder of an unfinished training, and what lies in it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import torch
from filelock import FileLock, Timeout

from emohead.files import whole_file
from emohead.training.checkpoint import Checkpoint, save_checkpoint


@contextmanager
def training_state(folder: Path, *inputs: Any, outputs: Sequence[Path]) -> Iterator[Path]:
    """The folder of one unfinished training below `folder`, named by a hash of its inputs.

    A Path among the inputs stands for the content of its file, anything else for its JSON form:
    a training whose options or data changed never goes on from the old state. The folder is
    removed when the block succeeds, in which `outputs` are written.

    It is this process's alone until then. One that comes later waits, and goes on from what is
    left there; if nothing is, the first has succeeded, its `outputs` are good, and the later one
    ends here: a killed Snakemake may leave a training behind that lives on.
    """
    total = hashlib.sha256()
    for part in inputs:
        if isinstance(part, Path):
            with part.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        else:
            total.update(json.dumps(part, sort_keys=True).encode())
    state = folder / total.hexdigest()[:16]
    with _alone(state, outputs):
        yield state
        StateFiles(state).remove()


@contextmanager
def _alone(state: Path, outputs: Sequence[Path]) -> Iterator[None]:
    """Keep other processes away from a state, see `training_state`."""
    if int(os.environ.get("LOCAL_RANK", 0)):  # of a further device: the first one's process has it
        yield
        return
    state.parent.mkdir(parents=True, exist_ok=True)
    path = state.with_name(f"{state.name}.lock")
    lock, waited = FileLock(path), False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"another process has this training in {state}: waiting", flush=True)
        lock.acquire()
        waited = True
    try:
        if waited and not state.exists() and all(output.exists() for output in outputs):
            print("it has finished it", flush=True)
            raise SystemExit
        state.mkdir(exist_ok=True)
        for left in state.glob(".*.unfinished-*"):  # of killed processes
            left.unlink()
        yield
    finally:
        if not state.exists():
            path.unlink(missing_ok=True)
        lock.release()


def save_training(checkpoint: Checkpoint, model: Path, history: Path) -> None:
    """Write a finished training: its checkpoint and its history, one row an epoch."""
    with whole_file(history) as unfinished:
        checkpoint.history.to_csv(unfinished, index=False)
    save_checkpoint(model, checkpoint)
    for path in (history, model):
        with path.open("rb") as file:
            _to_disk(file)  # before the state goes


class StateFiles:
    """`last.ckpt`, all that a training needs to go on, and `best.ckpt`, the best epoch's weights.

    Each is there whole or not at all, whenever the process or the power goes.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._last, self._best = folder / "last.ckpt", folder / "best.ckpt"

    def save(self, state: dict[str, Any]) -> None:
        """Take the place of the last state."""
        _save(self._last, state)

    def load(self) -> dict[str, Any] | None:
        """The last state, None at a training's beginning."""
        if not self._last.exists():
            return None
        return torch.load(self._last, weights_only=True, map_location="cpu")

    def save_best(self, weights: dict[str, torch.Tensor]) -> None:
        """Take the place of the best weights."""
        _save(self._best, weights)

    def load_best(self) -> dict[str, torch.Tensor]:
        """The best weights so far."""
        return torch.load(self._best, weights_only=True, map_location="cpu")

    def remove(self) -> None:
        """Remove the folder; if that is broken off, what is left is a training's beginning."""
        self._last.unlink(missing_ok=True)
        shutil.rmtree(self._folder)


def _save(path: Path, content: Any) -> None:
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        torch.save(content, file)
        _to_disk(file)


def _to_disk(file: BinaryIO) -> None:
    """Or a power cut may leave a new name with no content."""
    file.flush()
    os.fsync(file.fileno())
