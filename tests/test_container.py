"""The image's recipe, as far as it can be checked without building it (test_image.py runs one).

It installs the lock, and the workflow starts from the files that it copies, read-only and from
somewhere else.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INSTALL = "python -m pip install --no-cache-dir --require-hashes --requirement requirements.lock"


def copied_by_docker() -> list[str]:
    """What .dockerignore lets through, by name."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines  # all else stays out: results, environments, MEAD
    return sorted(line[1:] for line in lines if line.startswith("!"))


def test_packages_come_from_the_lock_with_their_hashes():
    text = (ROOT / "Dockerfile").read_text()
    lines = text.replace("\\\n", " ").splitlines()
    packages, own = [" ".join(line.split()) for line in lines if "pip install" in line]
    assert packages == f"RUN {INSTALL}"
    assert "--no-deps --no-build-isolation --editable ." in own
    # From whichever index pip is set up for: none is written down.
    assert "index" not in text and "http" not in text


def test_the_lock_has_only_exact_versions_with_hashes():
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.findall(r"^(\S+?)==\S+.*?\\\n((?: +--hash=\S+(?: \\)?\n)+)", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[A-Za-z]", lock, re.MULTILINE)) > 100
    assert "index" not in re.sub(r"#.*", "", lock) and "://" not in lock
    assert not re.search(r"^lightning==2\.6\.[23]\s", lock, re.MULTILINE)  # malicious releases


def test_it_has_a_python_that_the_project_allows():
    base = re.search(r"^FROM python:(\S+)-slim", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    (least,) = re.findall(r'requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text())
    assert base[1] == least


# `docker run --user`: a number without a name, of which Snakemake asks.
NOBODY = """
import pwd, runpy, sys
def unknown(number):
    raise KeyError(f"uid not found: {number}")
pwd.getpwuid = unknown
sys.argv[0] = "snakemake"
runpy.run_module("snakemake", run_name="__main__")
"""


@pytest.mark.end_to_end
def test_a_user_that_the_image_does_not_know_can_start_it(snakemake_command, tmp_path):
    command = snakemake_command(tmp_path, "--dry-run", "--quiet")
    command["args"][1:3] = ["-c", NOBODY]  # in the place of -m snakemake
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):  # where Python looks for one
        command["env"].pop(name, None)
    (variables,) = re.findall(r"^ENV (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    command["env"] |= dict(each.split("=") for each in variables.split()) | {"HOME": str(tmp_path)}
    done = subprocess.run(**command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.end_to_end
def test_the_workflow_starts_from_the_copied_files(snakemake_command, tmp_path):
    """Elsewhere and read-only, as in a container, with the commands that start it there."""
    source = tmp_path / "opt/emohead"
    for name in copied_by_docker():
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            source.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    for path in source.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    command = snakemake_command(tmp_path / "run", "--dry-run", "--quiet")
    command["args"][command["args"].index(str(ROOT / "Snakefile"))] = str(source / "Snakefile")
    done = subprocess.run(**command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
