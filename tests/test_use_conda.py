"""The workflow with --use-conda, through the stand-in `conda` of tests/conda: see docs/conda.md."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

pytest.importorskip("rattler", reason="py-rattler is not installed: --use-conda is not tried")

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ("media", "train", "report")

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(
        "deb_system" in sysconfig.get_scheme_names(),
        reason="Debian's own Python can't be repacked: it keeps its packages elsewhere",
    ),
]


@pytest.fixture(scope="module")
def conda(tmp_path_factory):
    """The folder of the stand-in, its channel and the environments that it makes."""
    folder = tmp_path_factory.mktemp("conda")
    fetch = ["download", "--quiet", "--no-deps", "--retries", "0", "--dest", folder / "fetched"]
    if subprocess.run([sys.executable, "-m", "pip", *fetch, "six"]).returncode:
        pytest.skip("pip can't fetch packages here: there are no environments to try")
    subprocess.run([sys.executable, ROOT / "tests/conda/install.py", folder / "base"], check=True)
    yield folder
    shutil.rmtree(folder)  # of 100,000 files


@pytest.fixture(scope="module")
def use_conda(conda, variables):
    """Runs snakemake --use-conda with nothing but `conda` and the system's tools on PATH."""

    def run(folder: Path, *arguments: str, tree: Path = ROOT, **more: str):
        command = [
            sys.executable, "-m", "snakemake", *arguments,
            "--use-conda", "--conda-prefix", conda / "environments",
            "--snakefile", tree / "Snakefile", "--directory", folder,
            "--nocolor", "--cores", "2",
        ]  # fmt: skip
        path = f"{conda / 'base/bin'}{os.pathsep}{os.defpath}"
        return subprocess.run(
            command, env={**variables, "PATH": path, **more}, capture_output=True, text=True
        )

    return run


def text_of(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


# One rule in an environment of a few small packages.


@pytest.fixture
def clips(tmp_path) -> list[str]:
    """Arguments for one job of the environment `media` that needs pandas and nothing else."""
    for file in ("video/front/angry/level_1/001.mp4", "audio/angry/level_1/001.m4a"):
        path = tmp_path / "mead/W901" / file
        path.parent.mkdir(parents=True)
        path.touch()
    folder = str(tmp_path / "mead")
    data = {"source": "folder", "folder": folder, "speakers": ["W901"], "emotions": ["angry"]}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump({"data": data}))
    return ["results/data/lists/W901-angry.csv", "--configfile", str(tmp_path / "data.yaml")]


def tree_with(folder: Path, media: list[str]) -> Path:
    """A copy of the workflow whose environment `media` has these of its packages."""
    for part in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / part, folder)
    for part in ("rules", "schemas", "envs", "report", "profiles", "config", "workflow_scripts"):
        shutil.copytree(ROOT / part, folder / part)
    file = folder / "envs/media.yaml"
    environment = yaml.safe_load(file.read_text())
    *_, pip = environment["dependencies"]
    pip["pip"] = [line for line in pip["pip"] if Requirement(line).name in media]
    file.write_text(yaml.safe_dump(environment))
    return folder


def test_job_runs_in_its_environment_which_is_made_once(use_conda, tmp_path, clips):
    tree = tree_with(tmp_path, ["numpy", "pandas"])
    done = use_conda(tmp_path, *clips, tree=tree)
    assert done.returncode == 0, text_of(done)
    assert "Creating conda environment envs/media.yaml" in text_of(done)
    assert (tmp_path / clips[0]).exists()
    again = use_conda(tmp_path, *clips, "--forceall", tree=tree)
    assert again.returncode == 0, text_of(again)
    assert "Creating conda environment" not in text_of(again)


@pytest.fixture(scope="module")
def leaks(tmp_path_factory) -> dict[str, str]:
    """Variables by which a pandas that lies elsewhere could get into an environment's Python."""
    base = tmp_path_factory.mktemp("elsewhere")
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = base / "lib" / python / "site-packages"  # where Python looks under PYTHONUSERBASE
    (packages / "pandas").mkdir(parents=True)
    (packages / "pandas/__init__.py").write_text("raise ImportError('not from the environment')")
    return {"PYTHONPATH": str(packages), "PYTHONUSERBASE": str(base)}


@pytest.mark.parametrize("leak", [None, "PYTHONPATH", "PYTHONUSERBASE"])
def test_package_missing_from_the_environment_fails_the_run(
    use_conda, tmp_path, clips, leaks, leak
):
    tree = tree_with(tmp_path, ["numpy"])
    made = use_conda(tmp_path, *clips, "--conda-create-envs-only", tree=tree)
    assert made.returncode == 0, text_of(made)
    variables = {leak: leaks[leak]} if leak else {}
    done = use_conda(tmp_path, *clips, tree=tree, **variables)
    assert done.returncode != 0
    assert "No module named 'pandas'" in text_of(done)
    assert not (tmp_path / clips[0]).exists()


# The three environments as they are, and a chain of jobs through each of them.


@pytest.fixture(scope="module")
def room_on_disk(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    free = shutil.disk_usage(base).free / 1e9
    if free < 12 and base.stat().st_dev != os.stat(sys.prefix).st_dev:  # no hard links
        pytest.skip(f"the whole environments take 8 GB, and {free:.0f} GB are free")


@pytest.fixture(scope="module")
def chain(room_on_disk, tmp_path_factory) -> list[str]:
    """Arguments for one ablation and a page about the data, of one speaker."""
    small = tmp_path_factory.mktemp("config") / "small.yaml"
    override = {
        "data": {"speakers": ["W901"]},
        "evaluation": {"references": ["same_emotion"]},
        "translator": {"train": {"epochs": 1, "frames_per_clip": 4}},
    }
    small.write_text(yaml.safe_dump(override))
    smoke = str(ROOT / "config/smoke.yaml")
    return ["ours_wo_msef", "results/report/data.html", "--configfile", smoke, str(small)]


@pytest.fixture(scope="module")
def ablation(use_conda, chain, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ablation")
    done = use_conda(folder, *chain)
    assert done.returncode == 0, text_of(done)
    return folder


def test_one_ablation_runs_alone(ablation):
    results = ablation / "results"
    models = {str(path.relative_to(results)) for path in results.rglob("model.pt")}
    assert models == {"landmarks/at_net/seed0/model.pt", "translator/aatu/seed0/model.pt"}
    row = results / "evaluation/ours_wo_msef/same_emotion/seed0/row.csv"
    assert row.stat().st_size > 0
    assert (results / "report/data.html").stat().st_size > 0
    assert not (results / "report/index.html").exists()


def test_second_call_does_nothing(use_conda, ablation, chain):
    done = use_conda(ablation, *chain)
    assert done.returncode == 0
    assert "Nothing to be done" in text_of(done)
    assert "Creating conda environment" not in text_of(done)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environment_has_its_files_packages_and_no_other(conda, ablation, name):
    text = (ROOT / f"envs/{name}.yaml").read_text()
    *_, pip = yaml.safe_load(text)["dependencies"]
    requirements = [Requirement(line) for line in pip["pip"]]
    asked = {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }
    # Snakemake lays a copy of the file beside the environment that it made.
    (copy,) = [f for f in (conda / "environments").glob("*.yaml") if f.read_text() == text]
    python = copy.with_suffix("") / "bin/python"
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format=json"], check=True, capture_output=True, text=True
    )
    installed = {
        re.sub("[-_.]+", "-", package["name"]).lower(): package["version"]
        for package in json.loads(listed.stdout)
    }
    assert installed.pop("pip")
    assert installed == asked
