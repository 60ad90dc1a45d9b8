"""Where the report's numbers come from: code, packages, data and machine."""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import emohead

PACKAGES = (
    "av", "dlib-bin", "h5py", "librosa", "lightning", "matplotlib", "numpy",
    "opencv-python-headless", "pandas", "scikit-image", "scikit-learn", "scipy", "snakemake",
    "torch", "torchvision",
)  # fmt: skip


@dataclass(frozen=True)
class Provenance:
    """Facts for a reader who wants to get the same numbers, as they are printed.

    `packages` are (name, version); `machine` are (what, which).
    """

    commit: str
    data_hash: str
    packages: tuple[tuple[str, str], ...]
    machine: tuple[tuple[str, str], ...]


def find_provenance(data: Sequence[Path]) -> Provenance:
    """The provenance of a report made here and now of the tables `data`."""
    return Provenance(git_commit(), hash_of(data), package_versions(), machine())


def git_commit(folder: Path = Path(emohead.__file__).parent) -> str:
    """The commit of the checkout that `folder` is in, `-dirty` when tracked files were changed."""
    if shutil.which("git") is None:
        return "unknown: git is not installed"
    # No tag matches "", so that the commit is named by its hash alone.
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if said.returncode:
        return f"unknown: {said.stderr.strip().splitlines()[0].removeprefix('fatal: ')}"
    return said.stdout.strip()


def hash_of(paths: Sequence[Path]) -> str:
    """SHA-256 of the files' bytes, one after the other, as `cat FILE ... | sha256sum` gives it."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def package_versions(names: Sequence[str] = PACKAGES) -> tuple[tuple[str, str], ...]:
    """The versions of these packages in this environment."""
    found = []
    for name in names:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not in the report's environment"))
    return (("Python", platform.python_version()), *found)


def machine() -> tuple[tuple[str, str], ...]:
    """The system, processor, cores, memory and GPUs, as far as the system tells."""
    return tuple(
        (what, which)
        for what, which in (
            ("System", platform.platform()),
            ("Processor", _processor()),
            ("Cores", str(os.cpu_count() or "")),
            ("Memory", _memory()),
            ("GPU", _gpus()),
        )
        if which
    )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return ""
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"


def _gpus() -> str:
    if shutil.which("nvidia-smi") is None:
        return "none"
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    said = subprocess.run(query, capture_output=True, text=True, check=False)
    return ", ".join(said.stdout.strip().splitlines()) if said.returncode == 0 else "none"
