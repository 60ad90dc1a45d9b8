"""Progress of a training: a line every few seconds, and TensorBoard's curves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

SECONDS_BETWEEN_LINES = 10.0


class Waiting:
    """Measures how long a loop waits for its data."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def of(self, batches: Iterable[Any]) -> Iterator[Any]:
        """The same batches, the wait for each measured."""
        iterator = iter(batches)
        while True:
            asked = time.monotonic()
            try:
                batch = next(iterator)
            except StopIteration:
                return
            finally:
                self.seconds += time.monotonic() - asked
            yield batch


class Progress:
    """Prints `epoch 3/7  step 120/350  loss 0.31  12.3 images/s  0.2 % waiting for data`.

    With a `curves` folder the same goes to TensorBoard, by the step, and the epoch's losses too.
    """

    def __init__(self, unit: str, *, epochs: int, batches: int, curves: Path | None, step: int):
        self.waiting = Waiting()
        self._unit, self._epochs, self._batches = unit, epochs, batches
        self._curves = open_curves(curves, step) if curves else None
        self.begin()

    def begin(self) -> None:
        """Start the clock anew: what comes between epochs doesn't count."""
        self._since, self._seen, self.waiting.seconds = time.monotonic(), 0, 0.0

    def step(
        self, epoch: int, batch: int, step: int, seen: int, means: Callable[[], dict[str, float]]
    ) -> None:
        """Count a batch of `seen` samples; every now and then ask for the means and print them."""
        self._seen += seen
        passed = time.monotonic() - self._since
        if passed < SECONDS_BETWEEN_LINES:
            return
        speed = {
            f"{self._unit} per second": self._seen / passed,
            "waiting for data": self.waiting.seconds / passed,
        }
        losses = means()
        print(
            f"epoch {epoch + 1}/{self._epochs}  step {batch + 1}/{self._batches}  {_text(losses)}  "
            f"{self._seen / passed:.3g} {self._unit}/s  "
            f"{100 * self.waiting.seconds / passed:.1f} % waiting for data",
            flush=True,
        )
        self._write("step", {**losses, **speed}, step)
        self.begin()

    def epoch(self, row: Mapping[str, float]) -> None:
        """Print a row of the history."""
        losses = {n: v for n, v in row.items() if n not in ("epoch", "step", "seconds")}
        print(
            f"epoch {row['epoch']}/{self._epochs}  {row['seconds']:.0f} s  {_text(losses)}",
            flush=True,
        )
        self._write("epoch", losses, int(row["step"]))

    def close(self) -> None:
        """Finish TensorBoard's file."""
        if self._curves is not None:
            self._curves.close()

    def _write(self, group: str, figures: Mapping[str, float], step: int) -> None:
        if self._curves is not None:
            for name, value in figures.items():
                self._curves.add_scalar(f"{group}/{name}", value, step)
            self._curves.flush()


def open_curves(folder: Path, step: int) -> SummaryWriter:
    """TensorBoard's writer for steps from `step` on.

    They take the place of those that a killed run may have written after its last state.
    """
    from tensorboardX import SummaryWriter  # a training without curves needs none

    if step == 0:
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
    return SummaryWriter(str(folder), purge_step=step or None)


def _text(figures: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
