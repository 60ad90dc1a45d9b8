"""One trainer for both stages: Lightning, Adam with exponential decay, resumable.

Paper section 3.1: Adam, learning rate 1e-4, exponential decay.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
from filelock import FileLock
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch.utils.data import DataLoader, Sampler

from emohead.checkpoint import Checkpoint, save_checkpoint
from emohead.files import whole_file


@dataclass(frozen=True)
class TrainOptions:
    """How a model is trained; the config's `train` keys.

    `decay` multiplies the learning rate after every epoch. `precision` is Lightning's
    (`32-true`, `bf16-mixed`). `threads` are torch's: the order of its sums, and so the result,
    depends on their number. `validation` is the fraction of the training clips held out for the
    validation curve. `frames_per_clip` is how many frames of each clip an epoch of the translator
    sees (None: all); `mfcc_offset` the random shift of a clip's MFCC that the landmark models
    learn with, see `emohead.landmarks.data`.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 1e-4
    decay: float = 0.95
    precision: str = "32-true"
    threads: int = 1
    device: str = "auto"
    validation: float = 0.0
    frames_per_clip: int | None = None
    mfcc_offset: float = 0.0


class SeededShuffle(Sampler[int]):
    """A new order of `size` samples every epoch, drawn from the seed and the epoch alone.

    So a resumed training sees the samples in the order of an undisturbed one.
    """

    def __init__(self, size: int, seed: int):
        self._size, self._seed, self._epoch = size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return iter(
            np.random.default_rng([self._seed, self._epoch]).permutation(self._size).tolist()
        )


def adam_with_exponential_decay(
    parameters: Iterable[torch.nn.Parameter], options: TrainOptions
) -> dict[str, Any]:
    """What `configure_optimizers` returns: Adam (.9, .999), the rate decaying by the epoch."""
    adam = torch.optim.Adam(parameters, lr=options.learning_rate)
    decay = torch.optim.lr_scheduler.ExponentialLR(adam, gamma=options.decay)
    return {"optimizer": adam, "lr_scheduler": {"scheduler": decay, "interval": "epoch"}}


class _SeedEveryEpoch(Callback):
    """Makes dropout's draws depend on seed and epoch alone, for the sake of resumed trainings."""

    def __init__(self, seed: int):
        self._seed = seed

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, task: lightning.LightningModule
    ) -> None:
        torch.manual_seed(self._seed * 100_003 + trainer.current_epoch)


class _History(Callback):
    """One row an epoch: what the task logged, and the seconds since the start."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._before = 0.0

    def on_train_start(self, trainer: lightning.Trainer, task: lightning.LightningModule) -> None:
        self._start = time.monotonic()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, task: lightning.LightningModule
    ) -> None:
        measured = {name: float(value) for name, value in trainer.callback_metrics.items()}
        seconds = self._before + time.monotonic() - self._start
        row = {"epoch": trainer.current_epoch + 1, "step": trainer.global_step, "seconds": seconds}
        self.rows.append(row | dict(sorted(measured.items())))
        losses = "  ".join(f"{name} {value:.4g}" for name, value in sorted(measured.items()))
        print(f"epoch {row['epoch']}/{trainer.max_epochs}  {seconds:.0f} s  {losses}", flush=True)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = state["rows"]
        self._before = self.rows[-1]["seconds"] if self.rows else 0.0


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


def fit(
    task: lightning.LightningModule,
    train_data: DataLoader,
    validation_data: DataLoader | None,
    options: TrainOptions,
    *,
    seed: int,
    state: Path,
) -> pd.DataFrame:
    """Train `task` in place and return its history, one row an epoch.

    After every epoch the whole training state goes to `state`/last.ckpt; a run that finds one
    there goes on from it. `state` is a folder of this training alone: see `training_state`.
    A lock keeps a second process out until the first has ended.
    """
    torch.set_num_threads(options.threads)
    state.mkdir(parents=True, exist_ok=True)
    history = _History()
    with FileLock(state / "lock"):
        trainer = lightning.Trainer(
            max_epochs=options.epochs,
            accelerator=options.device,
            devices=1,
            precision=options.precision,
            deterministic="warn",
            callbacks=[
                _SeedEveryEpoch(seed),
                history,
                ModelCheckpoint(state, save_last=True, save_top_k=0),
            ],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        last = state / "last.ckpt"
        resume_from = last if last.exists() else None
        if resume_from is not None:
            print(f"going on from {last}", flush=True)
        trainer.fit(task, train_data, validation_data, ckpt_path=resume_from, weights_only=True)
    return pd.DataFrame(history.rows)
