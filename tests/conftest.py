import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def snakemake():
    """Runs snakemake in a folder of its own: snakemake(folder, *arguments) -> finished process."""

    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        bin_folder = Path(sys.executable).parent
        return subprocess.run(
            [
                sys.executable, "-m", "snakemake", *arguments,
                "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder),
                "--nocolor", "--cores", "2",
            ],
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
        )  # fmt: skip

    return run
