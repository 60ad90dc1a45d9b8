import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from emohead.plan import measuring
from emohead.plan.amounts import Amounts, count_amounts, expect_amounts
from emohead.plan.counting import (
    StepCost,
    count_landmark_model,
    count_perceptual_loss,
    count_step,
    count_translator,
)
from emohead.plan.page import page
from emohead.plan.steps import Step
from emohead.plan.trainings import TrainingCost, estimate_trainings
from emohead.plan.work import Machine

TRAIN = {"epochs": 2, "batch_size": 4, "precision": "32-true"}
RUNTIME = {"device": "cpu"}
WIDTHS = (6, 8, 10, 12, 14)
TRANSLATOR = {
    "model": {"widths": WIDTHS, "residual_blocks": 1, "attention": "none"},
    "loss": {"vgg_width": 0.125},
    "train": TRAIN,
    "runtime": RUNTIME,
}
LANDMARKS = {
    "model": {
        "components": 7, "audio_width": 20, "emotion_width": 24, "memory_slots": 10,
        "reference_width": 30, "hidden_width": 16, "lstm_width": 18, "lstm_layers": 2,
    },
    "loss": {},
    "train": TRAIN,
    "runtime": RUNTIME,
}  # fmt: skip


def conv(size: int, inputs: int, outputs: int) -> int:
    """FLOPs of a 3x3 convolution that makes `outputs` maps of size x size."""
    return 2 * 9 * inputs * outputs * size**2


def doubling(size: int, inputs: int, outputs: int) -> int:
    """Of a 4x4 transposed convolution, of stride 2, that makes `outputs` maps of size x size."""
    return 2 * 16 * inputs * outputs * (size // 2) ** 2


def translator_forward(size: int, residual_blocks: int) -> int:
    """Of a plain U-Net of WIDTHS, by its figure."""
    total, inputs = 0, 6
    for width in WIDTHS:
        size //= 2
        total += conv(size, inputs, width) + 2 * residual_blocks * conv(size, width, width)
        inputs = width
    for width in WIDTHS[-2::-1]:
        size *= 2
        up = doubling if width in WIDTHS[:2] else conv  # the large maps
        total += up(size, inputs, width) + 2 * residual_blocks * conv(size, width, width)
        inputs = 2 * width  # with the skip
    return total + doubling(2 * size, inputs, 3)


def vgg_forward(size: int, width: float) -> int:
    """Of VGG-19 up to relu5_1."""
    total, inputs = 0, 3
    for channels, count in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1)):
        for _ in range(count):
            total += conv(size, inputs, round(channels * width))
            inputs = round(channels * width)
        size //= 2
    return total


def test_a_small_net_by_hand():
    model = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.ReLU(), nn.Flatten(),
                          nn.Linear(5 * 8 * 8, 2))  # fmt: skip
    step = Step(model, lambda n: model(torch.zeros(n, 3, 8, 8)), lambda out: out.sum())
    cost = count_step(step)
    convolution, linear = 2 * 27 * 5 * 64, 2 * 320 * 2
    assert cost.parameters == 27 * 5 + 320 * 2 + 2
    assert cost.forward == convolution + linear
    # The way back: gradients of weights and inputs, but not of the images.
    assert cost.training == 2 * convolution + 3 * linear
    # The convolution keeps the images, ReLU its output, which the linear layer keeps too.
    assert cost.activations == 4 * (3 * 64 + 5 * 64)
    twice = count_step(step, frames=2)
    assert twice == replace(
        cost, forward=cost.forward / 2, training=cost.training / 2, activations=cost.activations / 2
    )


def without_perceptual_loss(options: dict) -> dict:
    return {**options, "loss": {"l1": 1, "perceptual": 0}}


@pytest.mark.parametrize("residual_blocks", [0, 1])
def test_translator_by_hand(residual_blocks):
    options = {**TRANSLATOR, "model": {**TRANSLATOR["model"], "residual_blocks": residual_blocks}}
    cost = count_translator(options, 64)
    plain = count_translator(without_perceptual_loss(options), 64)
    forward = translator_forward(64, residual_blocks)
    assert cost.forward == plain.forward == forward
    assert plain.training == 3 * forward - conv(32, 6, WIDTHS[0])
    # VGG-19 forward on the made and the true frame, and back to the made one.
    assert cost.training == plain.training + 3 * vgg_forward(64, 0.125)
    assert count_perceptual_loss(options, 64) == cost.training - plain.training
    assert count_perceptual_loss(without_perceptual_loss(options), 64) == 0
    assert cost.activations > plain.activations


def test_bf16_keeps_about_half():
    options = without_perceptual_loss(TRANSLATOR)
    full = count_translator(options, 64)
    half = count_translator({**options, "train": {**TRAIN, "precision": "bf16-mixed"}}, 64)
    assert half.training == full.training
    assert 0.4 < half.activations / full.activations < 0.7


def test_paper_scale():
    """MakeItTalk's translator has 69.9 million parameters."""
    widths = (64, 128, 256, 512, 512, 512)
    options = {
        "model": {"widths": widths, "residual_blocks": 2, "attention": "none"},
        "loss": {"vgg_weights": "results/translator/vgg19.pth"},  # not needed for an estimate
        "train": TRAIN,
    }
    cost = count_translator(options, 256)
    assert cost.parameters == 69_861_315
    assert cost.forward == pytest.approx(55.72e9, rel=1e-3)


def test_landmark_model_by_hand():
    cost = count_landmark_model(LANDMARKS)
    window, frames = 28 * 12, 10
    e_a = window * 16 + 16 * 20
    msef = window * 16 + 16 * 24 + 2 * 24 * 24 + 2 * 24 * 10  # MLP, two g, M_1 and M_2
    lstm = 4 * 18 * (30 + 20 + 24 + 18) + 4 * 18 * (18 + 18)
    out = 18 * 7 + 7 * 136  # FC, and from coefficients to landmarks
    once_a_clip = 136 * 16 + 16 * 30 + 24 * 8  # E_Lm and the classifier
    assert cost.forward == 2 * (e_a + msef + lstm + out + once_a_clip / frames)
    # The way back needs no gradients of windows, reference, first state of the LSTM, and basis.
    not_needed = 2 * window * 16 + (136 * 16 + 2 * 4 * 18 * 18) / frames + 7 * 136
    assert cost.training == pytest.approx(3 * cost.forward - 2 * not_needed, rel=1e-6)


def test_amounts_are_counted_in_the_split(tmp_path: Path):
    rows = [("W901-front-sad-3-001", "train", 0, 30), ("W901-front-sad-3-002", "train", 5, 15),
            ("W901-front-sad-3-003", "test", 0, 60)]  # fmt: skip
    split = tmp_path / "split.csv"
    pd.DataFrame(rows, columns=["clip_id", "part", "start", "stop"]).to_csv(split, index=False)
    amounts = count_amounts(split)
    assert amounts.train_lengths == (30, 10)
    assert amounts.test_frames == 60
    assert amounts.frames == 30 + 15 + 60  # what comes before a part was extracted, too
    assert amounts.frames_per_epoch(None, 0) == 40
    assert amounts.frames_per_epoch(20, 0.1) == 27
    assert amounts.image_bytes(128) == 40 * 128 * 128 * 3
    assert amounts.feature_bytes == 40 * (1344 + 544)
    assert "2 training clips and 1 test clips" in amounts.source
    split.unlink()
    with pytest.raises(ValueError, match=r"split\.csv: there is no such file; rule split_clips"):
        count_amounts(split)


def test_amounts_are_expected_without_one():
    amounts = expect_amounts(clips=1000, test_fraction=0.2)
    assert len(amounts.train_lengths) == 800
    assert amounts.frames == pytest.approx(1000 * 4.5 * 25, rel=0.01)
    assert amounts.mean_length == amounts.train_lengths[0]
    assert amounts.test_frames == 200 * amounts.mean_length


def test_clips_that_are_cut_in_time_are_expected_in_both_parts():
    """Of 4.5 s, 112 frames, 22 are tested, and of the gap's second the 25 before are unused."""
    split = {"unit": "time", "test_fraction": 0.2, "dev_fraction": 0, "scored": "test", "gap": 1}
    amounts = expect_amounts(clips=1000, test_fraction=0.2, in_time=split)
    assert amounts.train_lengths == (65,) * 1000
    assert (amounts.test_clips, amounts.test_frames, amounts.frames) == (1000, 22_000, 112_000)
    assert "cut in time: 65 frames to train on, 22 to test" in amounts.source
    with pytest.raises(ValueError, match=r"all clips are too short: lower split\.gap"):
        expect_amounts(clips=1000, test_fraction=0.2, in_time={**split, "gap": 4})


def test_hours_and_bytes_by_hand():
    step = StepCost(parameters=1000, forward=1e12, training=3e12, activations=10.0)
    training = TrainingCost("mine", "image", step, 1e12, epochs=4, samples_per_batch=8,
                            samples_per_epoch=3600, measured_seconds=0.5)  # fmt: skip
    assert training.operations == 3e12 * 3600 * 4
    assert training.hours(rate=6e12) == pytest.approx(2)
    assert training.measured_hours == pytest.approx(2)
    assert training.measured_rate == pytest.approx(6e12)
    assert training.weight_bytes == 16_000
    assert training.activation_bytes == 80
    assert replace(training, measured_seconds=None).measured_hours is None


@pytest.mark.parametrize("measured_seconds", [None, 0.5])
def test_page(measured_seconds):
    step = StepCost(parameters=1_234_567, forward=1e12, training=3e12, activations=2.0**20)
    training = TrainingCost("mine", "image", step, 1e12, 4, 8, 3600, measured_seconds)
    amounts = Amounts((100, 100), 1, 100, 300, "two clips")
    text = page(
        {}, [training], amounts, "", crop_size=256, seeds=3, machine=Machine(tflops=6), nodes=1
    )
    lines = text.splitlines()
    (sample,) = [line for line in lines if line.startswith("| mine | image")]
    assert sample.split(" | ")[2:] == [
        "1,234,567", "1,000", "3,000", "2,000", "8 images", "8 MiB", "18.8 MiB |"
    ]  # fmt: skip
    (hours,) = [line for line in lines if line.startswith("| mine | 3,600")]
    (total,) = [line for line in lines if line.startswith("| all, 3 seeds")]
    measured = bool(measured_seconds)
    assert hours.rstrip(" |").split(" | ")[2:] == ["4", "43.2", "2", *["2"] * measured]
    assert total.rstrip(" |").split(" | ")[3:] == ["130", "6", *["6"] * measured]
    assert ("h as measured" in text) == measured
    assert ("2 images/s, 6 TFLOP/s" in text) == measured


def test_the_median_step_is_measured_after_the_first(monkeypatch):
    clock = iter([0, 100, 200, 202, 300, 308, 400, 404])  # steps of 100, 2, 8 and 4 s
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(measuring, "FEWEST_STEPS", 4)
    assert measuring.measure_translator(TRANSLATOR, 64) == 4 / 4


def test_model_and_loss_are_compiled_together(monkeypatch):
    """As training does, which compiles its whole task."""
    compiled = []

    def compile(function):
        compiled.append(function)
        return function

    monkeypatch.setattr(torch, "compile", compile)
    monkeypatch.setattr(measuring, "ENOUGH_SECONDS", 0)
    options = {**TRANSLATOR, "runtime": {**RUNTIME, "compile": True}}
    assert measuring.measure_translator(options, 64) > 0
    (step,) = compiled
    assert step(1).requires_grad and step(1).shape == ()


def test_all_trainings_are_estimated(monkeypatch):
    monkeypatch.setattr(measuring, "ENOUGH_SECONDS", 0)
    trainings = estimate_trainings(
        {"mine": LANDMARKS, "at_net": {**LANDMARKS, "model": {"architecture": "at_net",
                                                              "conv_width": 2}}},
        {"aatu": {**TRANSLATOR, "train": {**TRAIN, "frames_per_clip": 2}}},
        64,
        Amounts((10, 20), 1, 10, 40, "two clips"),
        measure=True,
    )  # fmt: skip
    assert [t.name for t in trainings] == ["mine", "at_net", "aatu"]
    assert [t.samples_per_epoch for t in trainings] == [30, 30, 4]
    assert [t.samples_per_batch for t in trainings] == [60, 60, 4]
    assert all(t.measured_seconds > 0 for t in trainings)
