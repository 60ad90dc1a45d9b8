import multiprocessing
import os
import tempfile

import pytest

from emohead.training import gpus
from emohead.training.gpus import RESERVED, reserved_gpus


@pytest.fixture(autouse=True)
def locks(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv(RESERVED, raising=False)


def hold(folder, started, done, count) -> None:
    """Another training, in another process."""
    tempfile.tempdir = folder
    with reserved_gpus(count, ["a", "b", "c"]):
        started.set()
        done.wait()


@pytest.fixture
def other(tmp_path):
    """`other(count)` starts another training; calling what it returns ends it."""
    context = multiprocessing.get_context("fork")

    def other(count: int):
        started, done = context.Event(), context.Event()
        process = context.Process(target=hold, args=(str(tmp_path), started, done, count))
        process.start()
        assert started.wait(300)

        def end():
            done.set()
            process.join()

        return end

    return other


def test_trainings_side_by_side_have_different_gpus(other):
    ends = [other(1), other(1)]
    with reserved_gpus(1, ["a", "b", "c"]) as mine:
        assert mine == [2]
    ends.pop(0)()
    with reserved_gpus(2, ["a", "b", "c"]) as mine:
        assert mine == [0, 2]
    ends.pop()()


def test_who_finds_too_few_free_waits_without_holding_any(other, monkeypatch, capsys):
    end = other(2)
    waits = []

    def wait(seconds):
        waits.append(seconds)
        other(1)()  # a smaller one passes by: the third GPU isn't held
        end()

    monkeypatch.setattr(gpus.time, "sleep", wait)
    with reserved_gpus(2, ["a", "b", "c"]) as mine:
        assert mine == [0, 1]
    assert len(waits) == 1
    assert capsys.readouterr().out == "other trainings have the GPUs (2 wanted): waiting\n"


def test_processes_of_one_training_share_its_gpus():
    with reserved_gpus(2, ["a", "b", "c"]) as first:
        assert os.environ[RESERVED] == "0,1"
        with reserved_gpus(2, ["a", "b", "c"]) as second:
            assert second == first
    assert RESERVED not in os.environ
