"""Every job says what it needs, and more when it is sent again."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from presets import rule_texts

ROOT = Path(__file__).parent.parent
# They only name what is to be made.
TARGETS = {"all", "ablations", "generated", "list_all"}
# Rules that copy files where Snakemake was started, with object storage alone.
BRINGING = {"bring_file", "bring_folder"}


def needs(done: subprocess.CompletedProcess[str]) -> dict[str, list[dict[str, int]]]:
    """Resources of the jobs of a dry run, by rule; of a local one, which adds none of its own."""
    found: dict[str, list[dict[str, int]]] = {}
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    rule = ""
    for line in (done.stdout + done.stderr).splitlines():
        if head := re.match(r" *(?:local)?rule (\w+):", line):
            rule = head[1]
        if line.strip().startswith("resources:"):
            pairs = re.findall(r"(\w+)=(\d+)(?=,|$)", line)
            found.setdefault(rule, []).append({name: int(value) for name, value in pairs})
    return found


@pytest.fixture(scope="module")
def dry_run(snakemake, tmp_path_factory):
    """Jobs' resources of a run with a config laid over the smoke preset: dry_run(config, ...)."""

    def run(config: dict, *arguments: str) -> dict[str, list[dict[str, int]]]:
        folder = tmp_path_factory.mktemp("run")
        (folder / "mine.yaml").write_text(yaml.safe_dump(config))
        presets = ["--configfile", str(ROOT / "config/smoke.yaml"), str(folder / "mine.yaml")]
        return needs(snakemake(folder, *arguments, "--dry-run", *presets))

    return run


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, dict]:
    """Configs that together need every rule."""
    folder = tmp_path_factory.mktemp("files")
    for name in ("voice.wav", "face.png", "alex.pth", "inception.pth", "syncnet.model", "a.mp4"):
        (folder / name).touch()
    (folder / "footage.csv").write_text("file,speaker,emotion\na.mp4,Ann,neutral\n")
    (folder / "archives.csv").write_text(
        "speaker,kind,url,sha256,bytes\nM003,video,https://example.org/M003.tar,,5000000000\n"
    )
    weights = {"lpips": "alex.pth", "fid": "inception.pth", "syncnet": "syncnet.model"}
    request = {"audio": str(folder / "voice.wav"), "face": str(folder / "face.png")}
    comparators = yaml.safe_load((ROOT / "config/comparators.yaml").read_text())
    return {
        "mini": {
            **comparators,
            "evaluation": {"weights": {k: str(folder / name) for k, name in weights.items()}},
            "generate": {"requests": {"talk": request}},
            "motion_audio": {
                "options": {"sound": "mfcc_fbank_f0"}, "train": {"mfcc_offset": 0}
            },
            "methods": {**comparators["methods"], "theirs": {"videos": str(folder)}},
            "study": {"answers": str(folder)},
        },
        "archives": {
            "data": {
                "source": "archives", "archives": {"table": str(folder / "archives.csv")},
                "speakers": ["M003"],
            },
            "translator": {"loss": {"vgg_weights": "imagenet", "vgg_width": 1}},
        },
        "footage": {
            "data": {
                "source": "footage",
                "footage": {"table": str(folder / "footage.csv"), "folder": str(folder)},
                "speakers": None,
            },
        },
    }  # fmt: skip


ALSO = {"mini": ["all", "ablations", "generated", "study", "export_inputs",
                 "results/evaluation/ours/neutral/seed0/row.csv"]}  # fmt: skip


@pytest.fixture(scope="module")
def plans(dry_run, sources) -> dict[str, dict[str, list[dict[str, int]]]]:
    """Of each source."""
    return {name: dry_run(config, *ALSO.get(name, [])) for name, config in sources.items()}


@pytest.fixture(scope="module")
def planned(plans) -> dict[str, list[dict[str, int]]]:
    """Of all sources together."""
    found: dict[str, list[dict[str, int]]] = {}
    for plan in plans.values():
        for rule, jobs in plan.items():
            found.setdefault(rule, []).extend(jobs)
    return found


def test_every_rule_says_its_memory_and_time(planned):
    rules = {name for _, name, _ in rule_texts()} - TARGETS - BRINGING
    assert rules <= set(planned), "a source above should have had a job of it"
    lacking = {
        rule for rule in rules for job in planned[rule] if not {"mem_mb", "runtime"} <= set(job)
    }
    assert not lacking


def test_a_job_that_is_sent_again_gets_more(dry_run, sources, plans):
    first = plans["mini"]
    second = dry_run(sources["mini"], *ALSO["mini"], "--attempt", "2")
    for rule in set(first) - TARGETS:
        for before, after in zip(first[rule], second[rule], strict=True):
            for name in ("mem_mb", "runtime"):
                assert after[name] == 2 * before[name] > 0


def test_of_clips_cut_in_time_all_are_scored(dry_run):
    """Five times as many as with test_fraction .2 of them: the tables are larger."""
    asked = {"data": {"mini": {"sentences": 14}}}
    whole, cut = (
        dry_run({**asked, "split": {"unit": unit, "test_fraction": 0.2}})
        for unit in ("clip", "time")
    )
    more, less = (run["collect_scores"][0]["mem_mb"] - 1000 for run in (cut, whole))
    assert 5 * (less - 1) < more <= 5 * less  # both rounded up


def test_more_to_do_asks_for_more(dry_run):
    """Four times the pixels, twice the clips."""
    small, large = (
        dry_run({"features": {"crop_size": size}, "data": {"mini": {"sentences": n}}})
        for size, n in ((128, 6), (256, 12))
    )
    disk = [max(job["disk_mb"] for job in run["render_clips"]) for run in (small, large)]
    assert disk[1] == pytest.approx(8 * disk[0], rel=0.1)
    for name in ("mem_mb", "runtime"):
        assert large["train_translator"][0][name] > small["train_translator"][0][name]
