"""What runs again after a change, and what doesn't: Snakemake's own word on a finished run.

No job is run: its outputs are empty files that Snakemake is told to take for the real ones
(`--touch`), with all that it keeps of a job.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOW = (
    "Snakefile", "config", "config.yaml", "envs", "profiles", "pyproject.toml", "report", "rules",
    "schemas", "workflow_scripts",
)  # fmt: skip
LIBRARY = "workflow_scripts/emohead"
TARGETS = ("all", "ablations")
# Models with each part of the library that only some have, and the methods made of them.
MSEF = {"audio2lm_msef", "ours_wo_aatu", "ours", "ours_warp"}
CBAM = {"aatu", "aatu_warp", "ours_wo_msef", "ours_wo_msef_joint", "ours", "ours_warp"}
WARP = {"aatu_warp", "ours_warp"}
AT_NET = {"at_net", "baseline", "ours_wo_msef"}
LANDMARK_MODELS = {"at_net", "audio2lm_plain", "audio2lm_msef"}
EVERYONE = MSEF | CBAM | AT_NET | {"audio2lm_plain", "unet", "ground_truth", "copy_reference"}

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of the workflow, to be changed."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in WORKFLOW:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def run(snakemake, checkout, tmp_path_factory) -> Callable[..., str]:
    """run(*arguments): what snakemake says in a folder with a finished run."""
    return finished(snakemake, checkout, tmp_path_factory.mktemp("finished"))


def finished(
    snakemake, checkout: Path, folder: Path, *own_configs: Path, targets=TARGETS
) -> Callable[..., str]:
    """run(*arguments): what snakemake says in this folder, in which it takes `targets` for made."""

    def run(*arguments: str, configs: tuple[Path, ...] = ()) -> str:
        smoke = checkout / "config/smoke.yaml"
        configfiles = ["--configfile", *map(str, (smoke, *own_configs, *configs))]
        done = snakemake(folder, *targets, *configfiles, *arguments, root=checkout)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    for line in re.findall(r"^    output: (.*)$", run("--dry-run"), re.MULTILINE):
        for path in (folder / name for name in line.split(", ")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch() if path.suffix else path.mkdir()
    run("--touch", "--forceall")
    return run


@contextmanager
def changed(checkout: Path, name: str, old: str, new: str) -> Iterator[None]:
    """Change a file of the checkout, in one place, until the block ends."""
    path = checkout / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    try:
        yield
    finally:
        path.write_text(text)


def nothing_to_be_done(said: str) -> bool:
    return "Nothing to be done" in said and "missing provenance" not in said


def planned(said: str) -> list[tuple[str, dict[str, str]]]:
    """Rule and wildcards of every job of a dry run."""
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", said, re.MULTILINE)
    return [
        (rule, dict(re.findall(r"(\w+)=(\w+)", (re.findall("wildcards: (.*)", text) or [""])[0])))
        for rule, text in jobs
    ]


def of_models(jobs: list[tuple[str, dict[str, str]]]) -> set[str]:
    """The models that are trained or scored, and the methods that are rendered or scored."""
    named = ("landmarks", "translator", "method", "name")
    return {values[name] for _, values in jobs for name in named if name in values}


def trained(jobs: list[tuple[str, dict[str, str]]]) -> set[str]:
    return of_models([job for job in jobs if job[0].startswith("train_")])


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (f"{LIBRARY}/data/rejects.py", "import re\n", "import re  # regular expressions\n"),
        (f"{LIBRARY}/training/loop.py", '"""The training loop: ', '"""A training loop: '),
        ("pyproject.toml", '\nversion = "', '\nversion = "9.'),
        (f"{LIBRARY}/__init__.py", '__version__ = "', '__version__ = "9.'),
        (f"{LIBRARY}/training/progress.py", "BETWEEN_LINES = 10.0", "BETWEEN_LINES = 60.0"),
    ],
)
def test_code_that_makes_no_difference_runs_nothing(run, checkout, name, old, new):
    with changed(checkout, name, old, new):
        assert nothing_to_be_done(run("--dry-run"))


def test_newer_files_of_the_same_code_run_nothing(run, checkout):
    """As a checkout of another branch and back leaves them."""
    for path in (checkout / "workflow_scripts").rglob("*.py"):
        os.utime(path)
    assert nothing_to_be_done(run("--dry-run"))


@pytest.mark.parametrize(
    "train", [{"workers": 3}, {"checkpoint_minutes": 60}, {"compile": True}, {"device": "auto"}]
)
def test_what_decides_the_speed_runs_nothing(run, tmp_path, train):
    stages = {stage: {"train": train} for stage in ("landmarks", "translator")}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(stages))
    assert nothing_to_be_done(run("--dry-run", configs=(tmp_path / "mine.yaml",)))


@pytest.mark.parametrize(
    ("name", "old", "new", "models"),
    [
        ("landmarks/msef.py", "(mask.sum(dim=1) < 2)", "(mask.sum(dim=1) < 3)", MSEF),
        ("landmarks/at_net.py", "nn.MaxPool2d(3, stride=2)", "nn.AvgPool2d(3, stride=2)", AT_NET),
        ("translator/cbam.py", "FIRST_LOGIT = 2.0", "FIRST_LOGIT = 1.0", CBAM),
        ("translator/warp.py", "_NODES = 33", "_NODES = 35", WARP),
    ],
)  # fmt: skip
def test_a_part_of_some_models_runs_those_and_what_depends_on_them(
    run, checkout, name, old, new, models
):
    with changed(checkout, f"{LIBRARY}/{name}", old, new):
        jobs = planned(run("--dry-run"))
    assert of_models(jobs) == models
    assert trained(jobs) and trained(jobs) <= models
    rules = {rule for rule, _ in jobs}
    assert {"report_table1", "report_page", "all"} <= rules
    assert ("report_ablations" in rules) == (models != WARP)  # which is in no ablation
    assert not rules & {"make_mini", "extract_features", "split_clips", "report_data"}


def test_what_all_trainings_run_trains_all_models(run, checkout):
    with changed(checkout, f"{LIBRARY}/training/loop.py", "0.9, 0.999", "0.5, 0.999"):
        jobs = planned(run("--dry-run"))
    assert trained(jobs) == {*LANDMARK_MODELS, "aatu", "aatu_warp", "unet"}
    assert "extract_features" not in {rule for rule, _ in jobs}


def test_more_epochs_train_the_models_of_their_stage(run, tmp_path):
    (tmp_path / "mine.yaml").write_text("landmarks: {train: {epochs: 4}}")
    jobs = planned(run("--dry-run", configs=(tmp_path / "mine.yaml",)))
    assert trained(jobs) == LANDMARK_MODELS


def test_another_option_of_the_translators_trains_them(run, tmp_path):
    """Its parameter has a path in it, which jobs elsewhere find in another place."""
    (tmp_path / "mine.yaml").write_text("translator: {loss: {l1: 2.0}}")
    jobs = planned(run("--dry-run", configs=(tmp_path / "mine.yaml",)))
    assert trained(jobs) == {"aatu", "aatu_warp", "unet"}


@pytest.mark.parametrize(
    ("override", "rules"),
    [
        ({"report": {"note": "Mine"}}, {"report_table1", "report_page"}),
        ({"translator": {"downloads": "mine"}}, {"report_page"}),  # which shows the config
        (
            {"ablations": {"translator": {"aatu": "Mine"}}},
            {"report_ablations", "report_page"},
        ),
    ],
)
def test_what_a_report_is_told_writes_it_again(run, tmp_path, override, rules):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(override))
    jobs = planned(run("--dry-run", configs=(tmp_path / "mine.yaml",)))
    assert {rule for rule, _ in jobs} - set(TARGETS) == rules


#: A run that has what smoke's doesn't; its files are empty.
OTHER = {
    "split": {"unit": "speaker", "test_speakers": ["W902"]},
    "methods": {
        "still": {"landmarks": "reference", "translator": "warp"},
        "theirs": {"videos": "theirs", "names": "theirs/table.csv"},
    },
    "generate": {"requests": {"hello": {"audio": "theirs/a.mp4", "face": "theirs/a.mp4"}}},
}
TABLE = "clip_id,file\nW902-front-angry-3-001,a.mp4\nW902-front-angry-3-002,b.mp4\n"


@pytest.fixture(scope="module")
def other_run(snakemake, checkout, tmp_path_factory) -> Callable[..., str]:
    folder = tmp_path_factory.mktemp("other")
    (folder / "theirs").mkdir()
    for name, text in {"a.mp4": "", "b.mp4": "", "table.csv": TABLE}.items():
        (folder / "theirs" / name).write_text(text)
    swapped = TABLE.replace("a.mp4", "c.mp4").replace("b.mp4", "a.mp4").replace("c.mp4", "b.mp4")
    (folder / "theirs/swapped.csv").write_text(swapped)
    (folder / "other.yaml").write_text(yaml.safe_dump(OTHER))
    return finished(
        snakemake, checkout, folder, folder / "other.yaml", targets=("all", "generated")
    )


@pytest.mark.parametrize(
    ("override", "rule", "number"),
    [
        ({"split": {"test_speakers": ["W901"]}}, "split_clips", 1),
        # Of two speakers; and with two references.
        ({"methods": {"theirs": {"start": 1}}}, "score_clips", 2),
        ({"methods": {"still": {"landmarks": "truth"}}}, "render_clips", 4),
        ({"methods": {"theirs": {"names": "theirs/swapped.csv"}}}, "score_clips", 1),
        ({"generate": {"requests": {"hello": {"head": "still"}}}}, "generate", 1),
    ],
)
def test_what_no_file_tells_runs_what_it_changes(other_run, tmp_path, override, rule, number):
    assert nothing_to_be_done(other_run("--dry-run"))
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(override))
    jobs = planned(other_run("--dry-run", configs=(tmp_path / "mine.yaml",)))
    assert [name for name, _ in jobs].count(rule) == number


def test_a_change_of_the_extraction_runs_everything(run, checkout):
    with changed(
        checkout, f"{LIBRARY}/features/clip.py", "_DETECT_EVERY = 10", "_DETECT_EVERY = 9"
    ):
        jobs = planned(run("--dry-run"))
    assert of_models(jobs) == EVERYONE
    assert "make_mini" not in {rule for rule, _ in jobs}
