"""The smoke preset on a real Slurm of one node, beside the same run without it.

    tests/slurm/install.sh   # once, as root: Debian's Slurm
    EMOHEAD_SLURM=1 .venv/bin/pytest tests/test_slurm.py

Not part of `make test`: it needs root, changes /etc/slurm while it runs, and takes ten minutes.
"""

import os
import re
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from slurm import cluster

ROOT = Path(__file__).parent.parent
TRAINING = "translator/aatu-seed0"
SCORING = "score_clips/ours-same_emotion-seed0-W901"


def why_not() -> str | None:
    if not os.environ.get("EMOHEAD_SLURM"):
        return "starts a Slurm on this machine: only with EMOHEAD_SLURM=1, and as root"
    return cluster.missing()


pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(why_not() is not None, reason=why_not() or ""),
]


@dataclass(frozen=True)
class Runs:
    """Folders of a run without Slurm and one with it, and what Slurm says of its jobs."""

    local: Path
    cluster: Path
    jobs: list[dict[str, str]]


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory) -> Path:
    """Of an environment with the executor, which ours doesn't have: every start would cost 9 s."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text(sysconfig.get_path("purelib"))
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    install = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install"]
    subprocess.run([*install, "--quiet", *extra["slurm"]], check=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def command(bin_folder, variables):
    """What subprocess needs to run snakemake in a folder: command(folder, *arguments)."""

    def of(folder: Path, *arguments: str, configs: tuple[Path, ...] = ()) -> dict:
        return {
            "args": [
                bin_folder / "python", "-m", "snakemake", "--nocolor",
                "--snakefile", ROOT / "Snakefile", "--directory", folder,
                "--configfile", ROOT / "config/smoke.yaml", *configs, *arguments,
            ],
            "env": {**variables, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
        }  # fmt: skip

    return of


ON_SLURM = [
    "--jobs", "2", "--latency-wait", "5",
    # There is no accounting to ask, and no reason to be patient.
    "--slurm-no-account", "--slurm-status-command", "squeue",
    "--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2",
]  # fmt: skip


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """--workflow-profile with ours, whose trainings ask for so many GPUs: they take the CPU."""

    def with_gpus(number: int) -> list[str | Path]:
        text = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
        trainings = ("train_landmarks", "train_translator")
        text["set-resources"] = {rule: {"gpu": number} for rule in trainings}
        folder = tmp_path_factory.mktemp("profile")
        (folder / "config.yaml").write_text(yaml.safe_dump(text))
        return ["--workflow-profile", folder]

    return with_gpus


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("slurm")
    with cluster.slurm(folder):
        yield folder


@pytest.fixture(scope="module")
def runs(slurm, command, profile, tmp_path_factory) -> Runs:
    local, folder = (tmp_path_factory.mktemp(name) for name in ("local", "cluster"))
    subprocess.run(**command(local, "--cores", "2"), check=True)
    log = slurm / "snakemake.log"
    with log.open("w") as stream:
        running = subprocess.Popen(
            **command(folder, *profile(1), *ON_SLURM), stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        cancel(folder / "state" / TRAINING, "**/last.ckpt", ("train_translator", "aatu_0"))
        cancel(folder / "state" / SCORING, "*.json", ("score_clips", "ours_same_emotion_0_W901"))
        assert running.wait() == 0, log.read_text()
    finally:
        running.terminate()
    return Runs(local, folder, cluster.jobs())


def rule_of(job: dict[str, str]) -> tuple[str, str]:
    """And its wildcards, from what Snakemake tells Slurm of a job."""
    rule, _, wildcards = job["Comment"].removeprefix("rule_").partition("_wildcards_")
    return rule, wildcards


def memory_mib(job: dict[str, str]) -> float:
    """What a job was given, which Slurm writes as 24000M or 62.50G."""
    number, unit = re.search(r"mem=([\d.]+)([MG])", job["TRES"]).groups()
    return float(number) * {"M": 1, "G": 1024}[unit]


def cancel(state: Path, piece: str, rule: tuple[str, str]) -> None:
    """Cancel a rule's job in the middle, once it has saved its first piece of work."""
    deadline = time.monotonic() + 900
    running = []
    while not (running and list(state.glob(piece))):
        assert time.monotonic() < deadline, f"{rule} has not begun"
        time.sleep(0.02)
        running = [
            job["JobId"]
            for job in cluster.jobs()
            if job["JobState"] == "RUNNING" and rule_of(job) == rule
        ]
    (job,) = running
    subprocess.run(["scancel", job], check=True)


def test_tables_are_those_of_a_run_without_slurm(runs):
    for name in ("table1.csv", "claims.csv", "neutral/emotions.csv"):
        path = Path("results/report", name)
        assert (runs.cluster / path).read_bytes() == (runs.local / path).read_bytes()


def test_a_cancelled_training_is_sent_again_and_goes_on(runs):
    assert [job["JobState"] for job in runs.jobs].count("CANCELLED") == 2
    log = Path(f"results/logs/train_{TRAINING}.log")
    assert "going on with epoch" in (runs.cluster / log).read_text()
    assert "going on with epoch" not in (runs.local / log).read_text()


def test_cancelled_scores_are_sent_again_and_go_on_with_the_next_clip(runs):
    log = Path(f"results/logs/{SCORING}.log")
    assert "going on: 1 of 2 clips" in (runs.cluster / log).read_text()
    assert "going on" not in (runs.local / log).read_text()


def test_jobs_ask_for_what_their_rules_say(runs):
    trainings = [job for job in runs.jobs if rule_of(job)[0].startswith("train_")]
    assert {job["TresPerJob"] for job in trainings} == {"gres:gpu:1"}
    memory: dict[tuple[str, str], list[float]] = {}
    for job in sorted(trainings, key=lambda job: int(job["JobId"])):
        memory.setdefault(rule_of(job), []).append(memory_mib(job))
    first, again = memory.pop(("train_translator", "aatu_0"))
    assert again == 2 * first  # of the one that was sent again
    assert [len(each) for each in memory.values()] == [1, 1, 1]
    others = [job for job in runs.jobs if job not in trainings]
    assert not any("TresPerJob" in job for job in others)


def test_a_training_on_several_devices_is_one_job(slurm, runs, command, profile, tmp_path):
    """Lightning must not take Slurm's word for how many processes there are."""
    config = tmp_path / "two.yaml"
    config.write_text("landmarks: {train: {devices: 2, threads: 1}}")
    model = "results/landmarks/at_net/seed0/model.pt"
    before = len(cluster.jobs())
    # On the data that are there.
    subprocess.run(
        **command(runs.cluster, *profile(2), *ON_SLURM, "--rerun-triggers", "params", "--", model,
                  configs=(config,)),
        check=True,
    )  # fmt: skip
    assert len(cluster.jobs()) == before + 1
    log = (runs.cluster / "results/logs/train_landmarks/at_net-seed0.log").read_text()
    assert "training on 2 x CPU" in log
