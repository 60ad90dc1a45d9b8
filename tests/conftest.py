import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from warm_python import warm_python

ROOT = Path(__file__).parent.parent
#: Files of minutes, the longest first: what begins last keeps one of two workers waiting.
LONGEST = (
    "workflow", "data_sets", "config", "sources", "use_conda", "extraction", "training_kills",
    "gpu_script", "reruns", "scale", "serve_page", "study_page",
)  # fmt: skip

# Before torch is imported. Workers side by side keep the cores busy: threads of theirs would only
# wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before Gradio's client is imported, which calls home else.
os.environ["HF_HUB_OFFLINE"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {f"test_{name}": k for k, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(autouse=True)
def own_number_of_threads():
    """Training sets it for good, and the last bits of the next test's sums depend on it."""
    torch = sys.modules.get("torch")
    before = torch and torch.get_num_threads()
    yield
    if before:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def finder():
    """A `FaceFinder`; imported here, since most tests need no dlib."""
    from emohead.features.faces import FaceFinder

    return FaceFinder()


@pytest.fixture(scope="module")
def portrait():
    """The astronaut's face, about 90 px wide, in 256 x 256."""
    from media_factory import astronaut

    return astronaut().copy()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder with a small study."""
    from study_factory import make_study, make_videos

    folder = tmp_path_factory.mktemp("study")
    make_study(folder, make_videos(folder / "videos"))
    return folder


@pytest.fixture
def run_script(monkeypatch):
    """`run_script(name, *words)`: a script of the workflow, in this process."""

    def run(name: str, *words: object) -> None:
        monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
        runpy.run_path(str(ROOT / "workflow_scripts" / name), run_name="__main__")

    return run


@pytest.fixture(scope="session")
def variables() -> dict[str, str]:
    """Ours, without a person's own profile of Snakemake, and packages from elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("SNAKEMAKE_")
    }


@pytest.fixture(scope="session")
def snakemake_command(variables):
    """What subprocess needs to run snakemake in a folder: snakemake_command(folder, *arguments).

    `root` is the checkout whose workflow it is.
    """

    def command(folder: Path, *arguments: str, root: Path = ROOT) -> dict:
        bin_folder = Path(sys.executable).parent
        return {
            "args": [
                sys.executable, "-m", "snakemake", *arguments,
                "--snakefile", str(root / "Snakefile"), "--directory", str(folder),
                "--nocolor", "--cores", "2",
            ],
            "env": {**variables, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
        }  # fmt: skip

    return command


@pytest.fixture(scope="session")
def python() -> Iterator[str]:
    """Starts without a second of imports what runs our scripts: see warm_python.py."""
    with warm_python() as python:
        yield python


@pytest.fixture(scope="session")
def snakemake(snakemake_command, python):
    """Runs snakemake in a folder of its own: snakemake(folder, *arguments) -> finished process.

    It and its jobs are run by the warm Python, unless another one is named.
    """

    def run(
        folder: Path, *arguments: str, python: str = python, **where: Path
    ) -> subprocess.CompletedProcess[str]:
        command = snakemake_command(folder, *arguments, **where)
        command["args"][0] = python
        return subprocess.run(**command, capture_output=True, text=True)

    return run


@pytest.fixture(scope="session")
def jobs():
    """Jobs by rule, from the table that snakemake prints: jobs(finished) -> {rule: count}."""

    def count(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
        lines = (done.stdout + done.stderr).splitlines()
        rows = [re.fullmatch(r"([a-z][a-z0-9_]*) +(\d+)", line) for line in lines]
        return {row[1]: int(row[2]) for row in rows if row and row[1] != "total"}

    return count
