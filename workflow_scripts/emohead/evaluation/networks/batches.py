"""Frames on their way into a network, a few at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

BATCH = 16


def batches(frames: Iterable[np.ndarray]) -> Iterator[Tensor]:
    """Frames uint8 [S, S, 3] as tensors uint8 [B, 3, S, S] of up to BATCH frames."""
    frames = iter(frames)
    while some := list(islice(frames, BATCH)):
        yield torch.from_numpy(np.stack(some)).permute(0, 3, 1, 2).contiguous()
