"""The training scripts, killed for real at random moments, end as if nothing had happened."""

import contextlib
import json
import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from emohead.features.store import ShardWriter
from emohead.training.checkpoint import Checkpoint, load_checkpoint

SCRIPTS = Path(__file__).parent.parent / "workflow_scripts"
KILLS = 5
TRAIN = {
    "epochs": 3, "batch_size": 4, "learning_rate": 0.003, "validation": 0.2, "keep": "best",
}  # fmt: skip
STAGES = {
    "landmarks": {
        "model": {
            "architecture": "audio2lm", "emotion": "msef", "components": 4, "hidden_width": 8,
            "emotion_width": 8, "reference_width": 8, "audio_width": 8, "lstm_width": 8,
            "lstm_layers": 2, "dropout": 0.2,
        },
        "loss": {"unit": 100},
        "train": {**TRAIN, "epochs": 12, "mfcc_offset": 1.0},
    },
    "translator": {
        "model": {"widths": [4] * 6, "residual_blocks": 0, "attention": "cbam"},
        "loss": {"vgg_width": 0.02},
        "train": {**TRAIN, "frames_per_clip": 3, "precision": "bf16-mixed"},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def features(tmp_path_factory) -> Path:
    """A folder with a shard of ten clips of equal length, and its split."""
    folder = tmp_path_factory.mktemp("features")
    draw = np.random.default_rng(0)
    clip_ids = [f"W901-front-{e}-3-{n:03d}" for e in ("angry", "happy") for n in range(5)]
    with ShardWriter(folder / "s.h5") as writer:
        for clip_id in clip_ids:
            writer.add(
                clip_id,
                landmarks=draw.uniform(5, 60, (8, 68, 2)),
                mfcc=draw.normal(0, 5, (8, 28, 12)),
                frames=draw.integers(0, 255, (8, 64, 64, 3)).astype(np.uint8),
            )
    split = pd.DataFrame({"clip_id": clip_ids, "part": "train", "start": 0, "stop": 8})
    split.to_csv(folder / "split.csv", index=False)
    return folder


def command(
    stage: str, features: Path, out: Path, *, model=None, runtime=None, code="c0de", **train
) -> list[str]:
    options = dict(STAGES[stage])
    options["model"] = {**options["model"], **(model or {})}
    options["train"] = {**options["train"], **train}
    return [
        str(SCRIPTS / f"train_{stage}.py"),
        "--features", str(features / "s.h5"), "--split", str(features / "split.csv"),
        "--options", json.dumps(options), "--seed", "3", "--state", str(out / "state"),
        "--runtime", json.dumps({"device": "cpu", "checkpoint_minutes": 0, **(runtime or {})}),
        "--code", code,
        "--model", str(out / "model.pt"), "--history", str(out / "history.csv"),
        "--provenance", str(out / "provenance.json"),
    ]  # fmt: skip


def run(command: list[str], log: Path) -> None:
    """The script in this process, what it prints at the end of the log."""
    sys.argv = command
    with log.open("a", buffering=1) as file, contextlib.redirect_stdout(file):
        runpy.run_path(command[0], run_name="__main__")


@pytest.fixture(scope="module")
def start():
    """`start(command, log)`: the script in a process of its own that needn't import torch anew."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["emohead.landmarks.fit", "emohead.translator.fit", "lightning.fabric"]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(SCRIPTS))
        multiprocessing.forkserver.ensure_running()

    def start(command: list[str], log: Path) -> multiprocessing.Process:
        process = context.Process(target=run, args=(command, log))
        process.start()
        return process

    return start


def saved_at(state: Path) -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        return [path.stat().st_mtime_ns for path in state.glob("*/last.ckpt")]
    return []


def killed_while_training(process, state: Path, delay: float) -> bool:
    """Kill it a moment after it has saved a state; False when it was at its end before."""
    before = saved_at(state)
    while process.is_alive() and saved_at(state) in (before, []):
        time.sleep(0.001)
    process.join(delay)
    process.kill()
    process.join()
    return process.exitcode == -9 and saved_at(state) != []


def assert_same_training(one: Checkpoint, other: Checkpoint) -> None:
    for name, value in one.weights.items():
        torch.testing.assert_close(other.weights[name], value, rtol=0, atol=0, msg=name)
    pd.testing.assert_frame_equal(
        one.history.drop(columns="seconds"), other.history.drop(columns="seconds"), check_exact=True
    )


@pytest.mark.parametrize("stage", STAGES)
def test_kill_9_at_random_moments_changes_nothing(stage, features, start, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    undisturbed = start(command(stage, features, whole), whole / "log")
    undisturbed.join()
    assert undisturbed.exitcode == 0, (whole / "log").read_text()

    draw, longest = np.random.default_rng(), 0.1
    kills = starts = 0
    while kills < KILLS:
        starts += 1
        assert starts < 20 * KILLS, "too fast to be killed: give it more epochs"
        process = start(command(stage, features, broken), broken / "log")
        if killed_while_training(process, broken / "state", draw.uniform(0, longest)):
            kills += 1
        else:  # at its end: what is started after it would find nothing to do
            kills, longest = 0, longest / 2  # on a fast machine
            shutil.rmtree(broken)
            broken.mkdir()
    last = start(command(stage, features, broken), broken / "log")
    last.join()
    assert last.exitcode == 0, (broken / "log").read_text()
    assert (broken / "log").read_text().count("going on with epoch") == KILLS
    assert_same_training(
        load_checkpoint(whole / "model.pt", stage), load_checkpoint(broken / "model.pt", stage)
    )
    states = [each for each in (broken / "state").iterdir() if each.is_dir()]
    assert len(states) == 1


def test_another_machine_goes_on_where_the_first_is_gone(features, start, tmp_path):
    whole, gone, other, bucket = (tmp_path / name for name in ("whole", "gone", "other", "bucket"))
    runtime = {"checkpoint_storage": bucket.as_uri()}

    def train(folder: Path) -> multiprocessing.Process:
        folder.mkdir()
        return start(command("landmarks", features, folder, runtime=runtime), folder / "log")

    undisturbed = train(whole)
    undisturbed.join()
    assert undisturbed.exitcode == 0, (whole / "log").read_text()
    (ended,) = bucket.iterdir()
    shutil.rmtree(bucket)
    (bucket / "of other code").mkdir(parents=True)
    assert killed_while_training(train(gone), bucket, 0.05), "too fast to be killed"
    shutil.rmtree(gone)
    last = train(other)
    last.join()
    told = (other / "log").read_text()
    assert last.exitcode == 0, told
    assert f"the last state comes from {bucket}" in told and "going on with epoch" in told
    assert_same_training(*(load_checkpoint(f / "model.pt", "landmarks") for f in (whole, other)))
    assert list(bucket.iterdir()) == [ended]


@pytest.mark.parametrize("stage", STAGES)
def test_more_epochs_go_on_and_other_code_begins_anew(stage, features, start, tmp_path):
    """With the best epoch's weights, and a runtime that changes meanwhile."""
    longer, at_once = tmp_path / "longer", tmp_path / "at_once"

    def train(folder: Path, epochs: int, **changed: object) -> str:
        folder.mkdir(exist_ok=True)
        (folder / "log").unlink(missing_ok=True)
        process = start(command(stage, features, folder, epochs=epochs, **changed), folder / "log")
        process.join()
        assert process.exitcode == 0, (folder / "log").read_text()
        return (folder / "log").read_text()

    train(longer, 2)
    assert "going on with epoch 3, step 1" in train(longer, 4, runtime={"workers": 1})
    assert "going on" not in train(at_once, 4)
    assert_same_training(*(load_checkpoint(f / "model.pt", stage) for f in (longer, at_once)))
    assert "going on" not in train(longer, 4, code="0ther")
    states = [each for each in (longer / "state").iterdir() if each.is_dir()]
    assert len(states) == 1  # in the place of the first


def test_two_processes_train_as_one_does(features, start, tmp_path):
    """DDP on gloo: of clips of one length, the mean gradient of two halves is the batch's."""
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    alone.mkdir()
    shared.mkdir()
    # Dropout's draws are each process's own, and Adam blows up MSEF's gradients that are all but 0.
    train = {"model": {"dropout": 0, "emotion": "none"}, "epochs": 2, "learning_rate": 1e-3}
    script, *flags = command("landmarks", features, shared, devices=2, threads=3, **train)
    talkative = tmp_path / "talkative.py"  # it is started again for the second device
    talkative.write_text(
        "import atexit, torch\nfrom emohead.training import progress\n"
        "atexit.register(lambda: print(f'{torch.get_num_threads()} threads\\n', end=''))\n"
        f"progress.SECONDS_BETWEEN_LINES = 0\nexec(open({script!r}).read())\n"
    )
    environment = {name: v for name, v in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, str(talkative), *flags],
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": str(SCRIPTS)},
    )
    assert done.returncode == 0, done.stderr
    for line in ("training on 2 x CPU", "epoch 1/2  step 2/2", "keeping the weights of epoch"):
        assert done.stdout.count(line) == 1, done.stdout
    assert done.stdout.count("3 threads") == 2, done.stdout + done.stderr
    process = start(command("landmarks", features, alone, **train), alone / "log")
    process.join()
    one, two = (load_checkpoint(f / "model.pt", "landmarks") for f in (alone, shared))
    for name, value in one.weights.items():
        torch.testing.assert_close(two.weights[name], value, rtol=1e-4, atol=1e-5, msg=name)
    # Every loss is a mean over clips of one length.
    pd.testing.assert_frame_equal(
        one.history.drop(columns="seconds"), two.history.drop(columns="seconds"), rtol=1e-4
    )


DISENTANGLER = """
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from emohead.disentangler.data import DisentanglerSamples
from emohead.disentangler.nets import Disentangler
from emohead.disentangler.options import DisentanglerOptions
from emohead.disentangler.pairs import Sentence
from emohead.disentangler.task import DisentanglerTask
from emohead.landmarks.model import MfccStatistics
from emohead.training.batches import EpochLoader
from emohead.training.loop import fit
from emohead.training.options import Recipe, Runtime

os.environ["LOCAL_RANK"], os.environ["MASTER_PORT"] = sys.argv[1:3]
draw = np.random.default_rng(0)
takes = {e: draw.standard_normal((20, 28, 12)).astype(np.float32) for e in ("angry", "sad")}
clips = {f"W901-front-{e}-1-001": SimpleNamespace(mfcc=take) for e, take in takes.items()}
samples = DisentanglerSamples(
    clips, [Sentence("W901", 1, takes)], samples=16, pretrain_epochs=1, paired=1, seed=0
)
statistics = MfccStatistics(np.zeros(12, np.float32), np.ones(12, np.float32))
task = DisentanglerTask(Disentangler(DisentanglerOptions(2, 5, 6, 1), statistics))
recipe = Recipe(epochs=2, batch_size=4, devices=2)
loader = EpochLoader(samples, range(16), 4)
fitted = fit(task, loader, None, recipe, Runtime("cpu"), seed=0, state=Path(sys.argv[3]))
fitted.history.to_csv(sys.argv[4], index=False)
"""


def test_two_processes_train_a_disentangler_whose_first_losses_are_of_a_part_of_it(start, tmp_path):
    """DDP waits for every gradient, unless it is told that some don't come."""
    script, table = tmp_path / "train.py", tmp_path / "history.csv"
    script.write_text(DISENTANGLER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    flags = [port, str(tmp_path / "state"), str(table)]
    processes = [start([str(script), str(k), *flags], tmp_path / f"{k}.log") for k in range(2)]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    history = pd.read_csv(table)
    assert list(history["step"]) == [4, 8]
    assert history["L_cross"].notna().tolist() == [False, True]
