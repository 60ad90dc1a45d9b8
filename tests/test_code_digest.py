"""What changes the digest of a script's code, and what doesn't."""

import shutil
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest
import yaml
from snakemake.utils import update_config

from emohead.code_digest import ONLY_SHOWN, SCRIPTS, _file_of, _read, code_digest
from emohead.config import PARTS, RUNTIME, model_options, unused_modules, without_runtime
from emohead.plan.steps import landmark_step, translator_step
from emohead.training.options import Runtime
from emohead.translator.inputs import draw_input

ROOT = Path(__file__).parent.parent
FILES = {
    "train.py": '"""A rule\'s script."""\n\nfrom emohead.models import build\n\nbuild()\n',
    "other.py": "import json\n\nfrom emohead import sound\n",
    "emohead/__init__.py": '"""A library."""\n\n__version__ = "1.0"\n',
    "emohead/sound.py": "RATE = 16000\n",
    "emohead/models/__init__.py": "from emohead.models.build import build\n",
    "emohead/models/build.py": (
        "def build():\n"
        '    """Build one."""\n'
        "    from emohead.models import net\n\n"
        "    return net.Net(1, None)  # the first\n"
    ),
    "emohead/models/net.py": (
        '"""A net."""\n\nfrom collections import namedtuple\n\n\n'
        'class Net(namedtuple("Net", "a b")):\n    """Has two."""\n    size: int = 1\n'
    ),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "before" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "before"


def changes(folder: Path, name: str, old: str, new: str, script: str = "train.py") -> bool:
    """Whether a change of a file changes a script's digest. Each module is read once: copies."""
    after = folder.with_name("after")
    shutil.copytree(folder, after)
    text = (after / name).read_text()
    assert text.count(old) == 1
    (after / name).write_text(text.replace(old, new))
    return code_digest(script, folder=after) != code_digest(script, folder=folder)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("train.py", "rule's script", "script of a rule"),
        ("train.py", "build()\n", "build()  # it\n"),
        ("emohead/models/build.py", "Build one.", "Make one."),
        ("emohead/models/build.py", '    """Build one."""\n', ""),
        ("emohead/models/build.py", "  # the first", ""),
        ("emohead/models/net.py", '"""Has two."""', '"""Has two.\n\n    No more.\n    """'),
        ("emohead/models/net.py", '"Net", "a b"', "\n    'Net',\n    'a b',\n"),
        ("emohead/models/net.py", "int", "float"),
        ("emohead/__init__.py", "1.0", "1.1"),
    ],
)
def test_what_says_nothing_changes_nothing(folder, name, old, new):
    assert not changes(folder, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("train.py", "build()\n", "print(build())\n"),
        ("emohead/models/net.py", "a b", "a c"),
        ("emohead/models/net.py", "int = 1", "int = 2"),
        ("emohead/models/build.py", "(1, None)", "(2, None)"),
        ("emohead/models/build.py", "(1, None)", "(True, None)"),
        ("emohead/models/build.py", "(1, None)", "(1)"),
        ("emohead/models/build.py", "(1, None)", "(1, b=None)"),
        ("emohead/models/__init__.py", "import build\n", "import build\nbuild = None\n"),
        ("emohead/__init__.py", '"1.0"\n', '"1.0"\nname = "1.0"\n'),
    ],
)
def test_what_is_run_changes_it(folder, name, old, new):
    """In packages and behind imports inside functions, too."""
    assert changes(folder, name, old, new)


def test_other_modules_change_nothing(folder):
    assert not changes(folder, "emohead/sound.py", "16000", "8000")
    assert code_digest("other.py", folder=folder) != code_digest("train.py", folder=folder)


def test_a_module_that_is_left_out_changes_nothing(folder):
    before, without = code_digest("train.py", folder=folder), {"emohead.models.net"}
    assert code_digest("train.py", folder=folder, without=without) != before
    after = folder.with_name("after")
    shutil.copytree(folder, after)
    (after / "emohead/models/net.py").write_text("Net = print\n")
    assert code_digest("train.py", folder=after, without=without) == code_digest(
        "train.py", folder=folder, without=without
    )


@pytest.mark.parametrize("name", ["templates/page.html.j2", "page.js"])
def test_files_that_a_package_reads_count(folder, name):
    path = folder / "emohead/models" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("one")
    assert changes(folder, f"emohead/models/{name}", "one", "two")


def test_a_module_can_be_asked_for_itself(folder):
    name = "emohead/models/net.py"
    assert changes(folder, "emohead/models/net.py", "a b", "a c", script=name)


def test_relative_imports_are_refused(folder):
    (folder / "emohead/models/net.py").write_text("from . import other\n")
    with pytest.raises(ValueError, match=r"net\.py:1: import by the full name"):
        code_digest("train.py", folder=folder)


def test_what_is_left_out_everywhere_is_there():
    """A name that is misspelt, or was moved, would be left out no more."""
    for module, shown in ONLY_SHOWN:
        assert shown in _read(_file_of(module, SCRIPTS))[1]
    for part in (part for parts in PARTS.values() for part in parts):
        assert _file_of(part, SCRIPTS)


def test_rooms_import_downhill():
    """No room imports from one that, over any others, imports from it."""
    rooms = {}
    for path in SCRIPTS.glob("emohead/*/**/*.py"):
        room = path.relative_to(SCRIPTS).parts[1]
        imported = {name.split(".")[1] for name in _read(path)[1] if name.startswith("emohead.")}
        rooms.setdefault(room, set()).update(imported - {room})
    TopologicalSorter(rooms).prepare()  # CycleError names those that form a circle


def presets() -> list[tuple[str, str, dict]]:
    """Stage, name and options of all models that we have."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / "config/ablations.yaml").read_text()))
    update_config(config, yaml.safe_load((ROOT / "config/comparators.yaml").read_text()))
    update_config(config, yaml.safe_load((ROOT / "config/smoke.yaml").read_text()))
    return [
        (stage, name, model_options(config, stage, name))
        for stage in PARTS
        for name in config[stage]["models"]
    ]


@pytest.mark.parametrize(("stage", "name", "options"), presets())
def test_a_model_runs_the_code_that_counts_and_no_other(stage, name, options):
    unused = unused_modules(stage, options["model"])
    ran = set()
    sys.setprofile(lambda frame, *_: ran.add(frame.f_code.co_filename))
    try:
        if stage == "landmarks":
            step = landmark_step(options, 5)
        else:
            without_vgg = options | {"loss": options["loss"] | {"l1": 1, "perceptual": 0}}
            step = translator_step(without_vgg, 64)
        step.loss(step.forward(2)).backward()
        if stage == "translator":
            inputs = options["model"].get("inputs", "drawing")
            points = np.random.default_rng(0).uniform(8, 56, (68, 2))
            draw_input(inputs, points, np.zeros((64, 64, 3), np.uint8))
    finally:
        sys.setprofile(None)
    run = {part for part in PARTS[stage] if str(_file_of(part, SCRIPTS)) in ran}
    assert run == PARTS[stage].keys() - unused


def test_runtime_keys_are_runtimes_fields():
    assert set(RUNTIME) == set(Runtime.__dataclass_fields__)


def test_a_config_without_runtime_has_everything_else():
    config = {
        "seeds": [0],
        "landmarks": {"train": {"epochs": 3, "workers": 2}, "models": {"a": {"b": 1}}},
        "translator": {
            "train": {"device": "cpu", "compile": False, "checkpoint_minutes": 1, "devices": 2},
            "models": {"aatu": {"train": {"workers": 1, "decay": 0.5}}},
        },
    }
    assert without_runtime(config) == {
        "seeds": [0],
        "landmarks": {"train": {"epochs": 3}, "models": {"a": {"b": 1}}},
        "translator": {"train": {"devices": 2}, "models": {"aatu": {"train": {"decay": 0.5}}}},
    }
    assert config["landmarks"]["train"]["workers"] == 2
