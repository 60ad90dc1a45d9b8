from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from test_translator_data import SIZE, clips

from emohead.training import progress
from emohead.training.options import Recipe, Runtime
from emohead.training.progress import Progress
from emohead.translator.drawing import draw_landmarks
from emohead.translator.fit import train_translator
from emohead.translator.losses import TranslatorLossOptions
from emohead.translator.samples import SamplePictures
from emohead.translator.unet import TranslatorOptions, build_translator


@pytest.fixture
def clock(monkeypatch):
    """Time passes when a test says so: `clock.now += 3`."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def written(monkeypatch):
    """What goes to TensorBoard: (name, value, step)."""
    scalars = []

    class Writer:
        def __init__(self, folder, purge_step):
            scalars.append((folder, purge_step))

        def add_scalar(self, name, value, step):
            scalars.append((name, value, step))

        def flush(self): ...

        def close(self):
            scalars.append("closed")

    monkeypatch.setattr("tensorboardX.SummaryWriter", Writer)
    return scalars


def test_a_line_every_ten_seconds_with_speed_and_waiting(clock, written, capsys, tmp_path):
    shown = Progress("images", epochs=7, batches=350, curves=tmp_path, step=2)

    def batches():
        for number in range(8):
            clock.now += 0.5  # to prepare one
            yield number

    for number in shown.waiting.of(batches()):
        clock.now += 2.0  # to train on it
        shown.step(2, number, number + 2, 4, lambda: {"loss": 0.25})
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "epoch 3/7  step 4/350  loss 0.25  1.6 images/s  20.0 % waiting for data",
        "epoch 3/7  step 8/350  loss 0.25  1.6 images/s  20.0 % waiting for data",
    ]
    shown.epoch({"epoch": 3, "step": 10, "seconds": 61.0, "loss": 0.5, "val_loss": 0.75})
    assert capsys.readouterr().out == "epoch 3/7  61 s  loss 0.5  val_loss 0.75\n"
    shown.close()
    assert written == [
        (str(tmp_path), 2),
        ("step/loss", 0.25, 5), ("step/images per second", 1.6, 5),
        ("step/waiting for data", 0.2, 5),
        ("step/loss", 0.25, 9), ("step/images per second", 1.6, 9),
        ("step/waiting for data", 0.2, 9),
        ("epoch/loss", 0.5, 10), ("epoch/val_loss", 0.75, 10),
        "closed",
    ]  # fmt: skip


def test_curves_of_an_older_training_are_swept_away(written, tmp_path):
    old = tmp_path / "events.out.tfevents.1.host"
    old.touch()
    Progress("clips", epochs=1, batches=1, curves=tmp_path, step=5)
    assert old.exists()  # of this training, which goes on
    Progress("clips", epochs=1, batches=1, curves=tmp_path, step=0)
    assert not old.exists()


def test_curves_that_tensorboard_reads(tmp_path):
    shown = Progress("clips", epochs=1, batches=1, curves=tmp_path, step=0)
    shown.epoch({"epoch": 1, "step": 3, "seconds": 1.0, "loss": 0.5})
    shown.close()
    (events,) = tmp_path.glob("events.out.tfevents.*")
    assert b"epoch/loss" in events.read_bytes()


def test_samples_are_drawing_reference_made_and_true(tmp_path):
    given = clips()
    model = build_translator(TranslatorOptions(widths=(4,) * 5, residual_blocks=0))
    SamplePictures(model, given, tmp_path)(3)
    picture = cv2.imread(str(tmp_path / "epoch_003.png"), cv2.IMREAD_COLOR_RGB)
    assert picture.shape == (2 * SIZE, 4 * SIZE, 3)
    for row, (clip_id, middle) in enumerate([("a", 4), ("b", 2)]):
        drawing, reference, made, true = np.split(picture[row * SIZE : (row + 1) * SIZE], 4, axis=1)
        np.testing.assert_array_equal(drawing, draw_landmarks(given[clip_id].landmarks[middle], 32))
        assert (reference == 0).all()
        assert (true == 10 * middle).all()
        assert len(np.unique(made)) > 10
    assert model.training  # as it was


def test_nothing_that_is_shown_changes_the_weights(tmp_path, monkeypatch):
    """Which is why this code isn't part of what a training is made by (emohead.code_digest)."""
    monkeypatch.setattr("emohead.training.progress.SECONDS_BETWEEN_LINES", 0)
    given = {f"W901-front-angry-3-{n:03d}": clip for n, clip in enumerate(clips().values())}
    weights = []
    for name, shown in (("quiet", {}), ("shown", {"curves": tmp_path, "pictures": tmp_path})):
        trained = train_translator(
            given,
            TranslatorOptions(widths=(4,) * 5, residual_blocks=0),
            TranslatorLossOptions(perceptual=0.1, vgg_width=0.02),
            Recipe(epochs=3, batch_size=2),
            Runtime(device="cpu"),
            seed=0,
            state=tmp_path / name,
            **shown,
        )
        weights.append(trained.weights)
    assert len(list(tmp_path.glob("epoch_*.png"))) == 3
    quiet, shown = weights
    for name, value in quiet.items():
        torch.testing.assert_close(shown[name], value, rtol=0, atol=0, msg=name)
