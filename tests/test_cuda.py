"""The library on a GPU; left out where there is none. benchmarks/gpu.py has the same checks."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import gpu_checks as checks
from gpu_samples import write_shards

from emohead.features.store import open_clips

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    shards = write_shards(tmp_path_factory.mktemp("shards"), size=checks.SIZE, clips=8, frames=16)
    return open_clips(shards)


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("name", checks.TRANSLATORS)
def test_a_translators_training_step_is_the_cpus(name, bf16):
    options = checks.TRANSLATORS[name]
    if bf16 and options.residual_blocks:
        pytest.skip("its gradient in bf16 says nothing")
    found = checks.translator_agreement(
        options, checks.LOSS, size=checks.SIZE, device="cuda", bf16=bf16
    )
    assert found.within(checks.BF16 if bf16 else checks.FLOAT32), found


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("name", checks.LANDMARK_MODELS)
def test_a_landmark_models_training_step_is_the_cpus(name, bf16):
    found = checks.landmark_agreement(checks.LANDMARK_MODELS[name], device="cuda", bf16=bf16)
    assert found.within(checks.BF16 if bf16 else checks.FLOAT32), found


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("name", checks.COMPARATORS)
def test_a_comparators_training_step_is_the_cpus(name, bf16):
    found = checks.comparator_agreement(name, device="cuda", bf16=bf16)
    assert found.within(checks.BF16 if bf16 else checks.FLOAT32), found


def test_compiled_steps_are_the_cpus():
    if not checks.can_compile_on("cuda"):
        pytest.skip("torch.compile finds no compiler")
    found = checks.translator_agreement(
        checks.TRANSLATORS["AATU"], checks.LOSS, size=checks.SIZE, device="cuda", compiled=True
    )
    assert found.within(checks.FLOAT32), found


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_trainings_have_the_cpus_losses(clips, tmp_path, monkeypatch, precision):
    whole = precision == "32-true"
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", not whole)
    machine = {"device": "cuda", "precision": precision, "compile": False}
    limit = 0.02 if whole else 0.15
    for number, curves in enumerate((checks.translator_curves, checks.motion_audio_curves)):
        true = curves(clips, tmp_path / f"{number}-true", device="cpu")
        found = curves(clips, tmp_path / f"{number}", **machine)
        assert checks.curve_deviation(found, true) <= limit
    for name in ("MSEF", "AT-net"):
        true = checks.landmark_curves(clips, name, tmp_path / f"{name}-true", device="cpu")
        found = checks.landmark_curves(clips, name, tmp_path / name, **machine)
        assert checks.curve_deviation(found, true) <= limit


def test_a_killed_training_goes_on(clips, tmp_path):
    found = checks.repeated(clips, tmp_path, device="cuda", compile=False)
    assert found.twice <= 1e-2
    assert found.resumed <= 1e-2


def test_pinned_batches_of_workers_are_the_same(clips):
    assert checks.loaders_agree(clips, 2, pin=True)


def test_frames_and_landmarks_are_the_cpus():
    for name, found in checks.rendering_differences("cuda").items():
        rough = "bf16" in name or "TF32" in name
        assert found.mean <= (1.0 if rough else 0.01), name
        assert found.far <= (0.2 if rough else 0.0), name
    for name, distance in checks.predicted_deviations("cuda").items():
        assert distance <= 0.01, name


def test_the_metrics_networks_are_the_cpus():
    for name, found in checks.network_deviations("cuda").items():
        assert found <= (1e-2 if name == "FID" else 1e-3), name


def test_trainings_share_a_gpu_as_documented():
    checks.second_training_waits("cuda")
    checks.too_many_devices("cuda")
