"""The folder of an unfinished training, and what lies in it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from emohead.checkpoint import Checkpoint, save_checkpoint
from emohead.files import whole_file


@contextmanager
def training_state(folder: Path, *inputs: Any) -> Iterator[Path]:
    """The folder of one unfinished training below `folder`, named by a hash of its inputs.

    A Path among the inputs stands for the content of its file, anything else for its JSON form:
    a training whose options or data changed never goes on from the old state. The folder is
    removed when the block succeeds.
    """
    total = hashlib.sha256()
    for part in inputs:
        if isinstance(part, Path):
            with part.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        else:
            total.update(json.dumps(part, sort_keys=True).encode())
    state = folder / total.hexdigest()[:16]
    yield state
    shutil.rmtree(state)


def save_training(checkpoint: Checkpoint, model: Path, history: Path) -> None:
    """Write a finished training: its checkpoint and its history, one row an epoch."""
    with whole_file(history) as unfinished:
        checkpoint.history.to_csv(unfinished, index=False)
    save_checkpoint(model, checkpoint)


class StateFiles:
    """`last.ckpt`, all that a training needs to go on, and `best.ckpt`, the best epoch's weights.

    Each is there whole or not at all, whenever the process or the power goes.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._last, self._best = folder / "last.ckpt", folder / "best.ckpt"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out; wait for one that came first.

        A killed Snakemake may leave a training behind that lives on.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"another process has this training in {self._folder}: waiting", flush=True)
            lock.acquire()
        try:
            for left in self._folder.glob(".*.unfinished-*"):  # of killed processes
                left.unlink()
            yield
        finally:
            lock.release()

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


def _save(path: Path, content: Any) -> None:
    with whole_file(path) as unfinished, unfinished.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())  # or a power cut may leave the new name with no content
