"""Config mistakes stop the run, with one line that names key and remedy, before any job."""

import re

import pytest
import yaml

MISTAKES = {
    "unknown key": (
        {"landmarks": {"train": {"epoch": 5}}},
        ["landmarks.train", "epoch", "known keys", "epochs"],
    ),
    "no such emotion": (
        {"data": {"emotions": ["angry", "glad"]}},
        ["data.emotions.1", "glad", "happy"],
    ),
    "no such folder": (
        {"data": {"source": "folder", "folder": "nowhere/MEAD", "speakers": None}},
        ["data.folder", "nowhere/MEAD"],
    ),
    "no such model": (
        {"methods": {"mine": {"landmarks": "at_nett", "translator": "unet"}}},
        ["methods.mine.landmarks", "at_nett", "at_net, audio2lm_msef"],
    ),
    "speaker of another data set": ({"data": {"speakers": ["M003"]}}, ["data.speakers.0", "W901"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_named(snakemake, tmp_path, mistake):
    override, words = MISTAKES[mistake]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(override))
    done = snakemake(tmp_path, "--dry-run", "--configfile", str(tmp_path / "mine.yaml"))
    assert done.returncode != 0
    output = (done.stdout + done.stderr).splitlines()
    (line,) = [line for line in output if line.startswith("config: ")]
    assert not any("Traceback" in line or "Error in" in line for line in output)
    for word in words:
        assert word in line


def test_a_new_ablation_is_a_few_lines_of_config(snakemake, tmp_path):
    override = {
        "landmarks": {
            "models": {"audio2lm_plain": {"architecture": "audio2lm", "emotion": "none"}}
        },
        "methods": {"plain": {"landmarks": "audio2lm_plain", "translator": "unet"}},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(override))
    done = snakemake(
        tmp_path, "plain", "--dry-run", "--configfile", str(tmp_path / "mine.yaml")
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    output = (done.stdout + done.stderr).splitlines()
    jobs = dict(line.split() for line in output if re.fullmatch(r"train_\w+ +\d+", line))
    assert jobs == {"train_landmarks": "1", "train_translator": "1"}


def test_lint_is_clean(snakemake, tmp_path):
    done = snakemake(tmp_path, "--lint")
    assert done.returncode == 0, done.stderr
