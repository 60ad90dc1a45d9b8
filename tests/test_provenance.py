import json
import subprocess
import sys
from pathlib import Path

import torch

from emohead.provenance import Provenance, find_provenance, git_commit

LIBRARY = Path(__file__).parent.parent / "workflow_scripts"


def test_commit_tells_a_changed_checkout(tmp_path):
    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode().strip()

    assert git_commit(tmp_path) == "unknown"
    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    git("tag", "v1")
    assert git_commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("two")
    assert git_commit(tmp_path) == git("rev-parse", "HEAD") + "-dirty"


def test_a_folder_without_git_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit() == "unknown"


def test_what_is_found_is_there_again_from_json():
    made = find_provenance(precision="32-true")
    (name,) = {
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    }
    assert (made.device, made.torch, made.seconds) == (name, torch.__version__, 0)
    assert made.python == sys.version.split()[0]
    assert Provenance.from_json(made.to_json()) == made
    assert json.loads(made.to_json())["precision"] == "32-true"


def test_gpus_have_their_name_and_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"H100 of {device}")
    made = find_provenance(device="cuda:3", devices=2, precision="bf16-mixed")
    assert made.device == "2 x H100 of cuda:3"


def test_what_needs_no_torch_says_so_and_does_not_load_it():
    code = (
        "import sys; from emohead.provenance import find_provenance; "
        "assert find_provenance(precision='64').torch is None; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(LIBRARY)})
