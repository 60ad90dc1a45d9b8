"""The device, precision and workers of a training, chosen once and printed."""

import os
from dataclasses import dataclass

import torch

from emohead.training.hardware import bf16_is_fast, can_compile
from emohead.training.options import Recipe, Runtime

MOST_WORKERS = 8


@dataclass(frozen=True)
class Machine:
    """Device ("cpu" or "cuda"), their number, precision, torch.compile or not, loader workers."""

    device: str
    devices: int
    precision: str
    compile: bool
    workers: int

    def __str__(self) -> str:
        name = torch.cuda.get_device_name() if self.device == "cuda" else "CPU"
        return (
            f"training on {self.devices} x {name}, {self.precision}, "
            f"{'compiled' if self.compile else 'not compiled'}, {self.workers} loader workers"
        )


def choose_machine(recipe: Recipe, runtime: Runtime) -> Machine:
    """Fill in every `auto` of the options. ValueError when they ask for a GPU that isn't there."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    device = runtime.device
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    devices = 1 if runtime.device == "auto" and not gpus else recipe.devices
    if device == "cuda" and devices > gpus:
        raise ValueError(
            f"{devices} GPUs are asked for and torch finds {gpus}: set train.device to cpu or "
            "auto, or lower train.devices (CUDA_VISIBLE_DEVICES says which GPUs count)"
        )
    precision = recipe.precision
    if precision == "auto":
        precision = "bf16-mixed" if bf16_is_fast(device) else "32-true"
    compiled = runtime.compile
    if compiled == "auto":
        compiled = device == "cuda" and can_compile()
    workers = runtime.workers
    if workers == "auto":
        workers = min(MOST_WORKERS, max(1, cores() // devices - 1)) if device == "cuda" else 0
    return Machine(device, devices, precision, compiled, workers)


def set_up_torch(threads: int) -> None:
    """The same sums in the same order every time, where torch can; `threads` are a CPU's."""
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # for debugging alone, and slow


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
