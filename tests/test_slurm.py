"""The smoke preset on a real Slurm of three nodes, beside the same run without it.

    tests/slurm/install.sh   # once, as root: Debian's Slurm
    EMOHEAD_SLURM=1 .venv/bin/pytest tests/test_slurm.py

In one run a training is cancelled, one is preempted and one lacks memory; a node dies while it
renders, and a scoring is cancelled. Not part of `make test`: it needs root, changes /etc/slurm
while it runs, and took 48 minutes on a busy machine.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from slurm import cluster

ROOT = Path(__file__).parent.parent
SMOKE = ROOT / "config/smoke.yaml"
# What is disturbed, as Snakemake tells Slurm of it.
CANCELLED = "train_translator", "aatu_0"
PREEMPTED = "train_translator", "aatu_warp_0"
LACKS_MEMORY = "train_translator", "unet_0"
RENDERING = "render_clips", "ours_same_emotion_0_W901"
SCORING = "score_clips", "ours_same_emotion_0_W901"


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
    #: Each end of a job: (JobId, state, node).
    ends: list[tuple[str, str, str]]
    dead: str
    states: dict[str, str]

    def of(self, rule: tuple[str, str]) -> list[dict[str, str]]:
        """A rule's jobs, in the order in which they were sent."""
        jobs = [job for job in self.jobs if rule_of(job) == rule]
        return sorted(jobs, key=lambda job: int(job["JobId"]))

    def states_of(self, job: dict[str, str]) -> list[str]:
        """How a job ended: once, or more often where Slurm requeued it."""
        return [state for number, state, _ in self.ends if number == job["JobId"]]

    def last_states_of(self, rule: tuple[str, str]) -> list[str]:
        """How each of a rule's jobs ended at last."""
        return [self.states_of(job)[-1] for job in self.of(rule)]

    def logs(self, name: str) -> tuple[str, str]:
        """A log of the run with Slurm, and of the one without."""
        path = Path("results/logs", f"{name}.log")
        return (self.cluster / path).read_text(), (self.local / path).read_text()


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
                "--configfile", SMOKE, *configs, *arguments,
            ],
            "env": {**variables, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"},
        }  # fmt: skip

    return of


ON_SLURM = [
    "--jobs", "6", "--latency-wait", "5",
    # There is no accounting to ask, and no reason to be patient.
    "--slurm-no-account", "--slurm-status-command", "squeue",
    "--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2",
]  # fmt: skip


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """--workflow-profile with ours, whose trainings ask for so many GPUs: they take the CPU."""

    def with_gpus(number: int, **translator: str) -> list[str | Path]:
        text = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
        text["set-resources"] = {
            "train_landmarks": {"gpu": number},
            "train_translator": {"gpu": number, **translator},
        }
        folder = tmp_path_factory.mktemp("profile")
        (folder / "config.yaml").write_text(yaml.safe_dump(text))
        return ["--workflow-profile", folder]

    return with_gpus


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> Iterator[dict[str, subprocess.Popen]]:
    with cluster.slurm(tmp_path_factory.mktemp("slurm")) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def runs(slurm, command, profile, snakemake, tmp_path_factory) -> Runs:
    local, folder = (tmp_path_factory.mktemp(name) for name in ("local", "cluster"))
    # Too little for the smallest model's first attempt, and enough for its second.
    memory = "(500 if wildcards.translator == 'unet' else 2000) * attempt"
    log = folder / "snakemake.log"
    with ThreadPoolExecutor() as pool, log.open("w") as stream:
        undisturbed = pool.submit(snakemake, local, "--configfile", str(SMOKE))
        running = subprocess.Popen(
            **command(folder, *profile(1, mem_mb=memory), *ON_SLURM),
            stdout=stream, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            dead = disturb(folder / "state", slurm)
            assert running.wait() == 0, log.read_text()
        finally:
            running.kill()
    done = undisturbed.result()
    assert done.returncode == 0, done.stderr
    return Runs(local, folder, cluster.jobs(), cluster.ends(), dead, cluster.states())


def disturb(state: Path, nodes: dict[str, subprocess.Popen]) -> str:
    """Do to a run what clusters do to runs; the node that is dead then."""
    job = in_the_middle(CANCELLED, state / "translator/aatu-seed0", "**/last.ckpt")
    subprocess.run(["scancel", job["JobId"]], check=True)
    job = in_the_middle(PREEMPTED, state / "translator/aatu_warp-seed0", "**/last.ckpt")
    # By a job that goes before it and wants all GPUs of its node.
    wanted = ("--nodes=1", f"--nodelist={job['NodeList']}", "--gres=gpu:2", "--mem=1")
    subprocess.run(["srun", "--partition=urgent", *wanted, "true"], check=True)
    run = "ours-same_emotion-seed0-W901"
    job = in_the_middle(RENDERING, state / "render_clips" / run, "frames/[!.]*.h5")
    nodes[dead := job["NodeList"]].kill()
    job = in_the_middle(SCORING, state / "score_clips" / run, "[!.]*.json")
    subprocess.run(["scancel", job["JobId"]], check=True)
    return dead


def in_the_middle(rule: tuple[str, str], state: Path, piece: str) -> dict[str, str]:
    """Wait until a rule's job has saved its first piece of work; that job."""
    deadline = time.monotonic() + 3600
    running = []
    while not (running and list(state.glob(piece))):
        assert time.monotonic() < deadline, f"{rule} has not begun"
        time.sleep(0.02)
        if not running:
            running = [
                job
                for job in cluster.jobs()
                if job["JobState"] == "RUNNING" and rule_of(job) == rule
            ]
    (job,) = running
    return job


def rule_of(job: dict[str, str]) -> tuple[str, str]:
    """And its wildcards, from what Snakemake tells Slurm of a job."""
    rule, _, wildcards = job.get("Comment", "").removeprefix("rule_").partition("_wildcards_")
    return rule, wildcards


def memory_mib(job: dict[str, str]) -> float:
    """What a job was given, which Slurm writes as 24000M or 62.50G."""
    number, unit = re.search(r"mem=([\d.]+)([MG])", job["TRES"]).groups()
    return float(number) * {"M": 1, "G": 1024}[unit]


def test_tables_are_those_of_a_run_without_slurm(runs):
    for name in ("table1.csv", "claims.csv", "neutral/emotions.csv"):
        path = Path("results/report", name)
        assert (runs.cluster / path).read_bytes() == (runs.local / path).read_bytes()


def test_jobs_run_on_every_node(runs):
    assert {node for _, state, node in runs.ends if state == "COMPLETED"} == set(cluster.NODES)


def test_a_rendering_whose_node_dies_goes_on_elsewhere_with_the_next_clip(runs):
    assert runs.states.pop(runs.dead) == "down*"
    assert set(runs.states.values()) == {"idle"}
    (job,) = runs.of(RENDERING)
    assert runs.states_of(job) == ["NODE_FAIL", "COMPLETED"]
    assert job["Restarts"] == "1"
    assert job["NodeList"] != runs.dead
    ours, undisturbed = runs.logs("render_clips/ours-same_emotion-seed0-W901")
    assert "going on: 1 of 2 clips" in ours
    assert "going on" not in undisturbed


def test_a_preempted_training_goes_on_with_the_next_epoch(runs):
    (job,) = runs.of(PREEMPTED)
    states = runs.states_of(job)
    assert (states[0], states[-1]) == ("PREEMPTED", "COMPLETED")
    ours, undisturbed = runs.logs("train_translator/aatu_warp-seed0")
    assert "going on with epoch" in ours
    assert "going on with epoch" not in undisturbed


def test_a_cancelled_training_is_sent_again_and_goes_on(runs):
    assert runs.last_states_of(CANCELLED) == ["CANCELLED", "COMPLETED"]
    ours, undisturbed = runs.logs("train_translator/aatu-seed0")
    assert "going on with epoch" in ours
    assert "going on with epoch" not in undisturbed


def test_cancelled_scores_are_sent_again_and_go_on_with_the_next_clip(runs):
    assert runs.last_states_of(SCORING) == ["CANCELLED", "COMPLETED"]
    ours, undisturbed = runs.logs("score_clips/ours-same_emotion-seed0-W901")
    assert "going on: 1 of 2 clips" in ours
    assert "going on" not in undisturbed


def test_a_training_that_lacks_memory_is_sent_again_with_twice_as_much(runs):
    assert runs.last_states_of(LACKS_MEMORY) == ["FAILED", "COMPLETED"]
    assert [memory_mib(job) for job in runs.of(LACKS_MEMORY)] == [500, 1000]
    (log,) = runs.cluster.glob(f".snakemake/slurm_logs/**/{runs.of(LACKS_MEMORY)[0]['JobId']}.log")
    assert "exceeded memory limit" in log.read_text()


def test_jobs_ask_for_what_their_rules_say(runs):
    trainings = [job for job in runs.jobs if rule_of(job)[0].startswith("train_")]
    assert {job["TresPerJob"] for job in trainings} == {"gres:gpu:1"}
    others = [job for job in runs.jobs if job not in trainings and "Comment" in job]
    assert not any("TresPerJob" in job for job in others)
    for rule in (CANCELLED, SCORING):
        first, again = map(memory_mib, runs.of(rule))
        assert again == 2 * first


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
