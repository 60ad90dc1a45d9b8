"""Frames on their way into a network, a few at a time."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

BATCH = 16


def batches(frames: np.ndarray) -> Iterator[Tensor]:
    """Frames uint8 [T, S, S, 3] as tensors uint8 [B, 3, S, S] of up to BATCH frames."""
    for start in range(0, len(frames), BATCH):
        yield torch.from_numpy(frames[start : start + BATCH]).permute(0, 3, 1, 2).contiguous()
