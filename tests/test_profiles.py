"""The cluster's profile knows the workflow's rules, and leaves to them what they need."""

import subprocess
from pathlib import Path

import pytest
import yaml
from presets import rule_texts

ROOT = Path(__file__).parent.parent
SMOKE = ROOT / "config/smoke.yaml"
SLURM = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())


def value(expression: str | int, attempt: int) -> int:
    """What Snakemake makes of a resource."""
    return eval(str(expression), {"attempt": attempt})


def test_every_rule_that_is_named_exists():
    assert set(SLURM["groups"]) <= {name for _, name, _ in rule_texts()}


def test_a_job_that_is_sent_again_gets_more():
    assert SLURM["retries"] >= 1
    for key in ("mem_mb", "runtime"):
        wanted = SLURM["default-resources"][key]
        assert value(wanted, 2) == 2 * value(wanted, 1) > 0


def test_what_a_job_needs_stands_beside_its_rule():
    """A profile names no rule's memory, time or cores: it would not know of a new one."""
    assert not {"set-threads", "set-resources"} & set(SLURM)
    # A limit here would be the whole cluster's.
    assert "gpu" not in SLURM["resources"]


def test_groups_are_of_rules_that_follow_each_other_alone():
    """A speaker's scores all wait for the ground truth's: in a group they would be a single job."""
    groups = SLURM["groups"]
    assert {rule for rule, group in groups.items() if group == "shard"} == {
        "list_clips", "extract_features",
    }  # fmt: skip
    reports = {rule for rule, group in groups.items() if group == "report"}
    assert {rule for rule in reports if not rule.startswith("report_")} == {"collect_scores"}
    assert set(groups.values()) == {"shard", "report"}


@pytest.fixture
def elsewhere(snakemake_command, tmp_path):
    """Runs the smoke preset, trained on a device, by an executor that sends jobs elsewhere."""

    def run(target: str, device: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        config = tmp_path / "mine.yaml"
        config.write_text(f"translator: {{models: {{aatu: {{train: {{device: {device}}}}}}}}}")
        command = snakemake_command(
            tmp_path, target, *arguments, "--executor", "elsewhere", "--jobs", "1",
            "--seconds-between-status-checks", "1",
            "--configfile", str(SMOKE), str(config),
        )  # fmt: skip
        command["env"]["PYTHONPATH"] = str(ROOT / "tests/executor")
        return subprocess.run(**command, capture_output=True, text=True)

    return run


def test_a_remote_training_says_what_it_is_trained_on(elsewhere):
    """`auto` asks for a GPU if there is one where Snakemake is started."""
    done = elsewhere("all", "auto")
    assert done.returncode == 1
    assert "\nconfig: translator.train.device: is auto" in done.stderr
    assert "sent " not in done.stdout
    # Nothing is left locked; and what trains no such model doesn't ask.
    for target, device in (("all", "cuda"), ("baseline", "auto")):
        assert "sent make_mini" in elsewhere(target, device).stdout
