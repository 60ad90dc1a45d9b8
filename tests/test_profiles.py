"""The cluster's profile knows the workflow's rules, and leaves to them what they need."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SMOKE = ROOT / "config/smoke.yaml"
SLURM = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())


def rules() -> set[str]:
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    return set(re.findall(r"^ *(?:use rule \w+ as|rule) (\w+)(?: with)?:", text, re.MULTILINE))


def value(expression: str | int, attempt: int) -> int:
    """What Snakemake makes of a resource."""
    return eval(str(expression), {"attempt": attempt})


def test_every_rule_that_is_named_exists():
    assert set(SLURM["groups"]) <= rules()


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


def on_storage(folder: Path) -> list[str]:
    """A folder in the place of a bucket; nothing else is shared."""
    return [
        "--default-storage-provider", "fs", "--default-storage-prefix", str(folder),
        "--shared-fs-usage", "none",
    ]  # fmt: skip


def test_a_run_on_object_storage_is_planned(snakemake, jobs, tmp_path):
    """Scripts and a user's own files stay where they are; all else must be brought to a job."""
    for name in ("voice.wav", "face.png"):
        (tmp_path / name).touch()
    requests = {"talk": {"audio": "voice.wav", "face": "face.png"}}
    config = tmp_path / "mine.yaml"
    config.write_text(yaml.safe_dump({"generate": {"requests": requests}}))
    done = snakemake(
        tmp_path, "all", "generated", "ablations", "study", "export_inputs",
        "--dry-run", "--printshellcmds", "--configfile", str(SMOKE), str(config),
        *on_storage(tmp_path / "bucket"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert jobs(done)["train_translator"] == 3
    assert jobs(done)["generate"] == 1
    commands = re.findall(r"^Shell command: .*", done.stdout + done.stderr, re.MULTILINE)
    assert len(commands) > 80
    # Curves and samples are to look at while a training runs.
    assert not [each for each in commands if re.search(r"(?<![\w/])results/(?!logs/)", each)]


@pytest.mark.end_to_end
@pytest.mark.skipif(
    not (os.environ.get("EMOHEAD_STORAGE") and shutil.which("rsync")),
    reason="runs the smoke preset twice: only with EMOHEAD_STORAGE=1, and rsync",
)
def test_tables_of_a_run_on_object_storage_are_the_same(snakemake, tmp_path):
    bucket, disk, work = (tmp_path / name for name in ("bucket", "disk", "work"))
    for folder, where in ((work, on_storage(bucket)), (disk, [])):
        folder.mkdir()
        done = snakemake(folder, "all", "--configfile", str(SMOKE), *where)
        assert done.returncode == 0, done.stdout + done.stderr
    assert not (work / "results/report").exists()
    assert (bucket / "results/report/index.html").exists()
    for name in ("table1.csv", "claims.csv", "neutral/emotions.csv"):
        found, expected = (each / "results/report" / name for each in (bucket, disk))
        assert found.read_bytes() == expected.read_bytes()


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
