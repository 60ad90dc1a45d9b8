"""The batches of an epoch, starting at any of them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler


class SeededShuffle(Sampler[int]):
    """A new order of `size` samples every epoch, drawn from the seed and the epoch alone.

    So a resumed training sees the samples in the order of an undisturbed one.
    """

    def __init__(self, size: int, seed: int):
        self._size, self._seed, self._epoch = size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return iter(
            np.random.default_rng([self._seed, self._epoch]).permutation(self._size).tolist()
        )


class EpochBatches(Sampler[list]):
    """Batches of samples, starting at batch `first`; one process's share of each.

    `drop_last` leaves a last batch out that would be smaller. Shares are of equal size: of a
    smaller last batch the first samples go to two processes where it can't be divided.
    """

    def __init__(self, samples: Sequence[Any] | Sampler, batch_size: int, *, drop_last: bool):
        self._samples, self._batch_size, self._drop_last = samples, batch_size, drop_last
        self.first = 0
        self.rank, self.processes = 0, 1

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of samples that are drawn anew."""
        if hasattr(self._samples, "set_epoch"):
            self._samples.set_epoch(epoch)

    def __len__(self) -> int:
        whole, rest = divmod(len(self._samples), self._batch_size)
        return whole + (rest > 0 and not self._drop_last)

    def __iter__(self) -> Iterator[list[Any]]:
        samples = list(self._samples)
        for number in range(self.first, len(self)):
            batch = samples[number * self._batch_size : (number + 1) * self._batch_size]
            share = -(-len(batch) // self.processes)
            padded = (batch * self.processes)[: share * self.processes]
            yield padded[self.rank :: self.processes]


class EpochLoader(DataLoader):
    """A DataLoader that can begin in the middle of an epoch, with or without workers.

    `samples` are indices of the data set, as they come, or drawn by a sampler that knows
    `set_epoch`. A data set that draws on its own has a `set_epoch` too. Batches that were seen
    before are left out without being loaded.
    """

    def __init__(
        self,
        dataset: Dataset,
        samples: Sequence[Any] | Sampler,
        batch_size: int,
        *,
        drop_last: bool = False,
        workers: int = 0,
        collate: Callable[[list], Any] | None = None,
    ):
        self._batches = EpochBatches(samples, batch_size, drop_last=drop_last)
        super().__init__(
            dataset,
            batch_sampler=self._batches,
            num_workers=workers,
            collate_fn=collate,
            prefetch_factor=4 if workers else None,
        )

    def go_to(self, epoch: int, batch: int = 0) -> None:
        """Begin the next iteration with this batch of this epoch."""
        # Workers are copies of the data set as it is when an iteration begins.
        for part in (self.dataset, self._batches):
            if hasattr(part, "set_epoch"):
                part.set_epoch(epoch)
        self._batches.first = batch

    def share(self, rank: int, processes: int) -> None:
        """Take every process's own part of each batch."""
        self._batches.rank, self._batches.processes = rank, processes
