"""The training loop: epochs of steps, each epoch followed by a validation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR

from emohead.provenance import Provenance, find_provenance
from emohead.training.batches import EpochLoader
from emohead.training.best import best_epoch, out_of_patience
from emohead.training.checks import GRADIENT, FiniteCheck, gradient_norm
from emohead.training.gpus import gpu_names, reserved_gpus
from emohead.training.machine import Machine, choose_machine, set_up_torch
from emohead.training.means import EpochMeans
from emohead.training.options import Recipe, Runtime
from emohead.training.progress import Progress
from emohead.training.state import StateFiles
from emohead.training.task import TrainingTask

if TYPE_CHECKING:
    from lightning.fabric import Fabric

# Steps between two looks at what makes a GPU, or the other processes, wait.
LOOK_EVERY = 20


class Fitted(NamedTuple):
    """A training at its end: one row an epoch, and what made the weights."""

    history: pd.DataFrame
    provenance: Provenance


def fit(
    task: TrainingTask,
    train_data: EpochLoader,
    validation_data: EpochLoader | None,
    recipe: Recipe,
    runtime: Runtime,
    *,
    seed: int,
    state: Path,
    curves: Path | None = None,
    prepare: Callable[[torch.device], None] | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> Fitted:
    """Train `task` in place, and say how it went.

    Every `checkpoint_minutes` and after every epoch all that is needed to resume is saved in the
    folder `state`, which is this training's alone: see `training_state`. A run that finds a state
    there resumes from it, inside an epoch too, and ends with the weights and the history (but for
    its seconds) of one that was never stopped: on a CPU to the bit. The state of a shorter training
    is the beginning of this one; that of a longer one is discarded. Where `state` is empty, the one
    in `checkpoint_storage` is gone on with.

    `curves` is a folder for TensorBoard. `prepare` is called with this process's device, which is
    reserved by then, before the first sample is asked for; `after_epoch` with the number of the
    epoch, from 1, once its validation is done. With several devices the script is started again for
    each of the others; these processes end here. Raises Diverged when a loss or gradient is NaN or
    infinite.
    """
    machine = choose_machine(recipe, runtime)
    files = StateFiles(state, runtime.checkpoint_storage)
    files.fetch()
    found = files.load()
    saved = found if found is None or _is_beginning(found, recipe) else None
    if saved is not None:  # `precision: auto` was settled when the training began
        machine = replace(machine, precision=saved["precision"])
    with ExitStack() as stack:
        gpus = []
        if machine.device == "cuda":
            gpus = stack.enter_context(reserved_gpus(machine.devices, gpu_names()))
        fabric = _start(machine, gpus, recipe.threads, task)
        if fabric.is_global_zero:
            print(machine, flush=True)
        if prepare is not None:
            prepare(fabric.device)
        training = _Training(
            fabric, machine, task, train_data, validation_data, recipe, runtime,
            seed=seed, files=files, saved=saved, curves=curves, after_epoch=after_epoch,
        )  # fmt: skip
        begins_anew = found is not saved
        del found, saved  # a large part of the memory
        fabric.barrier()  # all have read the state, which the first one's process may replace
        if begins_anew and fabric.is_global_zero:
            print("the last state lies beyond this training's end: beginning anew", flush=True)
            files.remove()
        try:
            training.run()
        except torch.OutOfMemoryError as error:
            size = f"train.batch_size (it is {recipe.batch_size})"
            error.add_note(f"Lower {size}, or share it out to more GPUs with train.devices.")
            raise
    if not fabric.is_global_zero:
        raise SystemExit
    files.remove_others()
    provenance = replace(training.provenance, seconds=training.history[-1]["seconds"])
    return Fitted(pd.DataFrame(training.history), provenance)


def _is_beginning(saved: dict[str, Any], recipe: Recipe) -> bool:
    """Whether a training by the recipe passes through this state."""
    begun = saved["epoch"] + (saved["batch"] > 0)  # epochs
    return begun <= recipe.epochs and not any(
        out_of_patience(saved["history"][:ended], recipe.patience) for ended in range(begun)
    )


def _start(machine: Machine, gpus: list[int], threads: int, task: TrainingTask) -> Fabric:
    """Set torch up, and one process for each device; `gpus` are indices."""
    # Here, since it takes five seconds, and whoever only reads a checkpoint needs none of it.
    from lightning.fabric import Fabric
    from lightning.fabric.plugins.environments import LightningEnvironment

    shared = "ddp" if task.uses_all_parameters else "ddp_find_unused_parameters_true"
    fabric = Fabric(
        accelerator=machine.device,
        devices=gpus or machine.devices,
        strategy=shared if machine.devices > 1 else "auto",
        # Not a cluster's: Snakemake's jobs run on one machine each, and start their processes.
        plugins=[LightningEnvironment()],
    )
    fabric.launch()
    set_up_torch(threads)  # last: launching several processes chooses threads of its own
    return fabric


class _Training:
    """A training under way: its position is `epoch` and `batch`, the next ones, from 0."""

    def __init__(
        self,
        fabric: Fabric,
        machine: Machine,
        task: TrainingTask,
        train_data: EpochLoader,
        validation_data: EpochLoader | None,
        recipe: Recipe,
        runtime: Runtime,
        *,
        seed: int,
        files: StateFiles,
        saved: dict[str, Any] | None,
        curves: Path | None,
        after_epoch: Callable[[int], None] | None,
    ):
        self.fabric, self.task, self.recipe, self.seed = fabric, task, recipe, seed
        self.checkpoint_seconds = 60 * runtime.checkpoint_minutes
        self.precision, self.bf16 = machine.precision, machine.precision == "bf16-mixed"
        self.train_data, self.validation_data = train_data, validation_data
        self.files, self.after_epoch = files, after_epoch
        train_data.share(fabric.global_rank, fabric.world_size)
        for data in filter(None, (train_data, validation_data)):
            data.pin_memory = machine.device == "cuda"  # so that batches go there meanwhile
        if machine.device == "cuda" and machine.devices > 1:  # torch has none for CPUs
            task = nn.SyncBatchNorm.convert_sync_batchnorm(task)  # in place
        adam = torch.optim.Adam(
            task.parameters(),
            lr=recipe.learning_rate,
            betas=(0.9, 0.999),
            eps=recipe.adam_epsilon,
            fused=True,  # many small operations take a tenth of a small model's step
        )
        self.decay = ExponentialLR(adam, gamma=recipe.decay)
        self.step_task, self.adam = fabric.setup(
            torch.compile(task) if machine.compile else task, adam
        )
        alone_on_a_cpu = machine.device == "cpu" and machine.devices == 1
        self.look_every = 1 if alone_on_a_cpu else LOOK_EVERY
        self.check = FiniteCheck(recipe, machine.precision, every=self.look_every)

        self.epoch, self.batch, self.step, self.seconds = 0, 0, 0, 0.0
        self.means = EpochMeans()
        self.history: list[dict[str, float]] = []
        self.here = find_provenance(
            device=str(fabric.device), devices=machine.devices, precision=machine.precision
        )
        self.provenance = self.here
        self._go_on(saved)
        self.started = time.monotonic() - self.seconds
        self.saved = time.monotonic()
        self.progress = Progress(
            task.unit, epochs=recipe.epochs, batches=len(train_data),
            curves=curves if fabric.is_global_zero else None, step=self.step,
        )  # fmt: skip

    def run(self) -> None:
        """Train to the end; the task then has the weights to keep."""
        if self.validation_data is None and self.recipe.wants_best_epoch:
            self._say("no clips to validate on, of so few: all epochs, and the last one's weights")
        while self.epoch < self.recipe.epochs:
            if out_of_patience(self.history, self.recipe.patience):
                self._say(f"no better validation loss for {self.recipe.patience} epochs: enough")
                break
            self._train_epoch()
            self._end_epoch()
        self.progress.close()
        best = best_epoch(self.history)
        if self.recipe.keep == "best" and best is not None and self.fabric.is_global_zero:
            self._say(f"keeping the weights of epoch {best}, the best on the validation clips")
            self.task.load_state_dict(self.files.load_best())

    def _train_epoch(self) -> None:
        self.provenance = self.here  # also where others began
        self.step_task.train()
        self.train_data.go_to(self.epoch, self.batch)
        self.progress.begin()
        for batch in self.progress.waiting.of(self.train_data):
            count = len(batch[0])
            torch.manual_seed(self._step_seed())  # of dropout
            self.task.set_step(self.step)
            with self._autocast():
                figures = self.step_task(self.fabric.to_device(batch))
            self.fabric.backward(figures["loss"])
            norm = gradient_norm(self.task.parameters())
            self.check.note(self.epoch, self.batch, {**figures, GRADIENT: norm})
            self.adam.step()
            self.adam.zero_grad()
            self.means.add(figures, self._counts(figures, batch))
            if self.fabric.is_global_zero:
                seen = count * self.fabric.world_size
                self.progress.step(
                    self.epoch, self.batch, self.step, seen, lambda: self._values(self.means)
                )
            self.batch += 1
            self.step += 1
            if self._state_is_due():
                self._save()

    def _end_epoch(self) -> None:
        """Validate, write the epoch's row, and save; the last checkpoint is whole epochs."""
        self.check.look()
        self.decay.step()
        validation = self._validate()
        self.check.look_at_validation(self.epoch, validation)
        self.seconds = time.monotonic() - self.started
        row = {"epoch": self.epoch + 1, "step": self.step, "seconds": self.seconds}
        self.history.append(row | self._values(self.means.total(self.fabric)) | validation)
        self.epoch, self.batch, self.means = self.epoch + 1, 0, EpochMeans()
        if self.fabric.is_global_zero:
            self.progress.epoch(self.history[-1])
            if self.recipe.keep == "best" and best_epoch(self.history) == self.epoch:
                self.files.save_best(self.task.state_dict())
            if self.after_epoch is not None:
                self.after_epoch(self.epoch)
        self._save()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        if self.validation_data is None:
            return {}
        # The task itself: processes may have different numbers of batches.
        self.task.eval()
        means = EpochMeans()
        for number, batch in enumerate(self.validation_data):
            if number % self.fabric.world_size == self.fabric.global_rank:
                with self._autocast():
                    figures = self.task(self.fabric.to_device(batch))
                means.add(figures, self._counts(figures, batch))
        values = self._values(means.total(self.fabric))
        return {f"val_{name}": value for name, value in values.items()}

    def _counts(self, figures: Iterable[str], batch: tuple[torch.Tensor, ...]) -> dict[str, int]:
        return {name: self.task.count(name, batch) for name in figures}

    def _values(self, means: EpochMeans) -> dict[str, float]:
        """The means by name; of the loss, what those of its terms make."""
        values = means.values()
        return values | {"loss": self.task.loss_of(values)}

    def _autocast(self) -> torch.autocast:
        # No cache: a weight that is used twice gets both gradients in float32.
        return torch.autocast(
            self.fabric.device.type, torch.bfloat16, enabled=self.bf16, cache_enabled=False
        )

    def _step_seed(self) -> int:
        """One for each step and process, so that no generator's state needs saving."""
        entropy = [self.seed, self.step, self.fabric.global_rank]
        return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])

    def _state_is_due(self) -> bool:
        if self.step % self.look_every:
            return False
        due = time.monotonic() - self.saved >= self.checkpoint_seconds
        return self.fabric.broadcast(due)

    def _save(self) -> None:
        """Save all that is needed to resume from here."""
        self.check.look()
        means = self.means.total(self.fabric)
        if self.fabric.is_global_zero:
            self.files.save(
                {
                    "weights": self.task.state_dict(),
                    "adam": self.adam.state_dict(),
                    "decay": self.decay.state_dict(),
                    "epoch": self.epoch,
                    "batch": self.batch,
                    "step": self.step,
                    "seconds": time.monotonic() - self.started,
                    "means": means.state(),
                    "history": self.history,
                    "precision": self.precision,
                    "provenance": self.provenance.to_json(),
                }
            )
        self.saved = time.monotonic()

    def _go_on(self, saved: dict[str, Any] | None) -> None:
        if saved is None:
            return
        self.task.load_state_dict(saved["weights"])
        self.adam.load_state_dict(saved["adam"])
        self.decay.load_state_dict(saved["decay"])
        self.epoch, self.batch, self.step = saved["epoch"], saved["batch"], saved["step"]
        self.seconds, self.history = saved["seconds"], saved["history"]
        self.provenance = Provenance.from_json(saved["provenance"])
        if self.epoch < self.recipe.epochs:
            self._say(f"going on with epoch {self.epoch + 1}, step {self.batch + 1}")
        if self.fabric.is_global_zero:  # the sums are of all processes
            self.means = EpochMeans(
                {name: pair.to(self.fabric.device) for name, pair in saved["means"].items()}
            )

    def _say(self, text: str) -> None:
        if self.fabric.is_global_zero:
            print(text, flush=True)
