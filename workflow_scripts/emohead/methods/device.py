"""The device and precision in which a method's clips are rendered."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import cv2
import torch

from emohead.methods.options import RenderingOptions
from emohead.provenance import Provenance, find_provenance
from emohead.training.gpus import gpu_names, reserved_gpus
from emohead.training.hardware import bf16_is_fast

# Pixels of the frames that pass the translator at once with `auto`. A CPU's cache holds the maps of
# few frames only.
_PIXELS = {"cpu": 4 * 256**2, "cuda": 64 * 256**2}


@dataclass(frozen=True)
class RenderingDevice:
    """`device` is torch's, "cpu" or "cuda:1"; `precision` "32-true" or "bf16-true"."""

    device: str
    precision: str
    batch_size: int | Literal["auto"]

    def frames_at_once(self, crop_size: int) -> int:
        """How many frames of this size pass the translator at once."""
        if self.batch_size != "auto":
            return self.batch_size
        return max(1, _PIXELS[self.device.partition(":")[0]] // crop_size**2)

    @property
    def provenance(self) -> Provenance:
        """The provenance of what is rendered here."""
        return find_provenance(device=self.device, precision=self.precision)

    def __str__(self) -> str:
        return f"{self.provenance.device}, {self.precision}"


@contextmanager
def rendering_device(options: RenderingOptions, *, threads: int) -> Iterator[RenderingDevice]:
    """Set torch up to compute the same every time, and reserve a GPU if one is used.

    Like a training, it waits for a GPU that no other job has. Raises ValueError when a GPU is asked
    for and there is none.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    found = torch.cuda.is_available()
    if options.device == "cuda" and not found:
        raise ValueError(
            "rendering.device is cuda and torch finds no GPU: set it to cpu or auto "
            "(CUDA_VISIBLE_DEVICES says which GPUs count)"
        )
    kind = "cuda" if found and options.device != "cpu" else "cpu"
    precision = options.precision
    if precision == "auto":
        precision = "bf16-true" if bf16_is_fast(kind) else "32-true"
    # Float32 is whole float32, on a GPU too.
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        if kind == "cpu":
            yield RenderingDevice("cpu", precision, options.batch_size)
            return
        with reserved_gpus(1, gpu_names()) as (index,):
            torch.cuda.set_device(index)
            yield RenderingDevice(f"cuda:{index}", precision, options.batch_size)
