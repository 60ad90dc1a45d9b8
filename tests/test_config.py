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
    "no such layer": (
        {"translator": {"loss": {"vgg_layers": ["relu6_1"]}}},
        ["translator.loss.vgg_layers.0", "relu6_1", "relu5_4"],
    ),
    "no such weights": (
        {"translator": {"loss": {"vgg_weights": "nowhere/vgg19.pth", "vgg_width": 1}}},
        ["translator.loss.vgg_weights", "nowhere/vgg19.pth", "imagenet", "random"],
    ),
    "narrow VGG-19 with ImageNet's weights": (
        {"translator": {"loss": {"vgg_weights": "imagenet"}}},
        ["translator.loss.vgg_width", "must be 1", "random"],
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


def dry_run(snakemake, folder, override):
    """What a dry run of the page says, with its commands."""
    (folder / "mine.yaml").write_text(yaml.safe_dump(override))
    done = snakemake(
        folder, "results/report/index.html", "--dry-run", "--printshellcmds", "--configfile",
        str(folder / "mine.yaml"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_random_vgg_weights_are_noted(snakemake, tmp_path):
    output = dry_run(snakemake, tmp_path, {})
    assert "fetch_vgg_weights" not in output
    assert output.count("VGG-19 with random weights") == 2  # in the table, on the page


def test_imagenet_weights_are_fetched_and_awaited(snakemake, tmp_path):
    loss = {"vgg_weights": "imagenet", "vgg_width": 1}
    override = {"translator": {"loss": loss, "downloads": "kept here"}}
    output = dry_run(snakemake, tmp_path, override)
    assert re.search(r"^fetch_vgg_weights +1$", output, re.MULTILINE)
    assert "--downloads 'kept here' --output results/translator/vgg19.pth" in output
    inputs = re.findall(r"^rule train_translator:\n +input: (.*)", output, re.MULTILINE)
    assert len(inputs) == 2
    assert all("results/translator/vgg19.pth" in line for line in inputs)
    assert output.count('"vgg_weights": "results/translator/vgg19.pth"') == 2
    assert "random weights" not in output


def test_lint_is_clean(snakemake, tmp_path):
    done = snakemake(tmp_path, "--lint")
    assert done.returncode == 0, done.stderr
