"""Folders of what unfinished jobs have done."""

import os
import subprocess
import sys
import time

import pytest

from emohead.locks import locked
from emohead.resume import resumable

#: Makes `pieces` of a job in the state folder, then waits to be killed, or ends.
JOB = """
import sys, time
from pathlib import Path
from emohead.files import whole_file
from emohead.resume import resumable

state, log, end = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
second = log.with_name("second is there")
if end == "second":
    second.touch()
with resumable(state, "the same") as folder:
    with log.open("a") as told:
        print(end, "found", sorted(p.name for p in folder.glob("*.txt")), file=told, flush=True)
    with whole_file(folder / f"{end}.txt") as unfinished:
        unfinished.write_text("whole")
    with whole_file(folder / "half.txt") as unfinished:
        unfinished.write_text("half of it")
        (folder / "begun").touch()
        while end == "killed":
            time.sleep(0.01)
        while end == "first" and not second.exists():
            time.sleep(0.01)
        time.sleep(0.3)
    with log.open("a") as told:
        print(end, "ends", file=told, flush=True)
"""


def job(tmp_path, end):
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(tmp_path / "state"), str(tmp_path / "log"), end]
    )


def wait_for(path):
    started = time.monotonic()
    while not path.exists():
        assert time.monotonic() < started + 300
        time.sleep(0.01)


def test_pieces_stay_when_the_job_fails_and_go_when_it_ends(tmp_path):
    state = tmp_path / "above" / "state"
    with pytest.raises(KeyboardInterrupt), resumable(state, "a") as folder:
        assert folder == state
        (folder / "piece").write_text("1")
        raise KeyboardInterrupt
    with resumable(state, "a") as folder:
        assert (folder / "piece").read_text() == "1"
    assert list(state.parent.iterdir()) == []


@pytest.mark.parametrize("change", ["value", "content", "time", "another file", "more"])
def test_pieces_of_other_inputs_are_removed(tmp_path, change):
    model = tmp_path / "model.pt"
    model.write_text("weights")
    inputs = [model, "neutral", None, ["truth", "reference"], 0.5]
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), resumable(tmp_path / "state", *inputs) as folder:
            (folder / "piece").touch()
            raise KeyboardInterrupt
    if change == "value":
        inputs[1] = "same_emotion"
    elif change == "content":
        before = model.stat()
        model.write_text("other weights")
        os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "time":
        os.utime(model, ns=(0, 1))
    elif change == "another file":
        inputs[0] = tmp_path / "other.pt"
        model.rename(inputs[0])
    else:
        inputs.append(True)
    with resumable(tmp_path / "state", *inputs) as folder:
        assert not (folder / "piece").exists()


def test_a_folder_that_says_nothing_of_its_inputs_is_none_of_ours(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "piece").touch()
    with resumable(tmp_path / "state", 1) as folder:
        assert not (folder / "piece").exists()


def test_an_input_that_is_not_there_is_an_error_that_costs_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), resumable(tmp_path / "state", 1) as folder:
        (folder / "piece").touch()
        raise KeyboardInterrupt
    with pytest.raises(FileNotFoundError), resumable(tmp_path / "state", tmp_path / "nothing"):
        pass
    with resumable(tmp_path / "state", 1) as folder:
        assert (folder / "piece").exists()


def test_a_killed_job_goes_on_without_its_half_of_a_file(tmp_path):
    killed = job(tmp_path, "killed")
    wait_for(tmp_path / "state" / "begun")
    killed.kill()
    killed.wait()
    half = [path.name for path in (tmp_path / "state").glob(".half*")]
    assert len(half) == 1
    with resumable(tmp_path / "state", "the same") as folder:
        assert (folder / "killed.txt").read_text() == "whole"
        assert not list(folder.glob(".half*"))
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_second_job_waits_until_the_first_ends(tmp_path):
    first = job(tmp_path, "first")
    wait_for(tmp_path / "state" / "begun")
    second = job(tmp_path, "second")
    assert first.wait() == second.wait() == 0
    assert (tmp_path / "log").read_text().splitlines() == [
        "first found []", "first ends", "second found []", "second ends",
    ]  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {"log", "second is there"}


def test_other_users_can_hold_a_lock_too(tmp_path):
    """Its file stays in a folder, or an environment, that they may share."""
    before = os.umask(0o022)
    try:
        with locked(tmp_path / "lock"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "lock").stat().st_mode & 0o222 == 0o222
