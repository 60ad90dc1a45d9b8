"""What this machine's processors compute fast, and whether torch.compile works on it."""

import importlib.util
import os
import shutil
import sysconfig
from pathlib import Path

import torch


def bf16_is_fast(device: str) -> bool:
    """Whether the hardware multiplies bf16 itself: NVIDIA since compute capability 8, AMX, AVX512.

    Elsewhere bf16 is emulated, and slower than float32.
    """
    if device == "cuda":
        return torch.cuda.get_device_capability() >= (8, 0)
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or found.get("avx512_bf16"))


def can_compile() -> bool:
    """Whether torch.compile finds what it needs for the GPU at hand.

    That is Triton, capability 7 or later, and for Triton's own launcher a C compiler and Python's
    headers, which slim images and many servers lack.
    """
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    return (
        importlib.util.find_spec("triton") is not None
        and torch.cuda.get_device_capability() >= (7, 0)
        and compiler is not None
        and Path(sysconfig.get_path("include"), "Python.h").exists()
    )


def int8_is_fast(device: str) -> bool:
    """Whether the hardware multiplies bytes and adds them up in 32 bits itself: AVX-512 VNNI.

    AMX comes with it. Without, sums of two products are cut off at 16 bits, and results are wrong.
    """
    return (
        device == "cpu"
        and torch.backends.mkldnn.is_available()
        and bool(torch.cpu.get_capabilities().get("avx512_vnni"))
    )
