"""benchmarks/gpu.py on a CPU, as on a machine that lacks most of what the library needs."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import gpu
import gpu_checks as checks
import numpy as np
import pytest
import torch
from torch import nn

from emohead.translator.cbam import CBAM

# A package that isn't there: found by nobody, and refused to whoever imports it.
REFUSE = """
import importlib.abc, importlib.machinery, sys
class Refuse(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            return importlib.machinery.ModuleSpec(name, self)
    def create_module(self, spec):
        raise ModuleNotFoundError(f"No module named {{spec.name!r}}", name=spec.name)
    def exec_module(self, module): ...
sys.meta_path.insert(0, Refuse())
"""
NOT_THERE = (
    "dlib", "av", "librosa", "snakemake", "lightning", "tensorboardX", "skimage", "torchmetrics"
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """`run(*flags, without=...)`: the finished process and its JSON."""

    def run(*flags: str, without: tuple[str, ...] = ()):
        folder = tmp_path_factory.mktemp("gpu")
        (folder / "sitecustomize.py").write_text(REFUSE.format(names=set(without) or "()"))
        done = subprocess.run(
            [
                sys.executable, gpu.__file__, "--device", "cpu", "--minutes", "30",
                "--out", "gpu.json", *flags,
            ],
            cwd=folder, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        return done, json.loads((folder / "gpu.json").read_text()), (folder / "gpu.md").read_text()

    return run


def test_everything_that_a_bare_machine_has_is_checked_and_timed(run):
    done, found, table = run(without=NOT_THERE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert found["good"]
    assert found["failed"] == {}
    checked = {check["part"] for check in found["checks"]}
    assert checked == {
        "check models", "check full size", "check rendering", "check sharing", "check loader"
    }  # fmt: skip
    assert all(check["passed"] for check in found["checks"])
    lacking = {part: why for part, why in found["left_out"].items() if "no package" in why}
    assert set(lacking) == {
        "check trainings", "check resume", "trainer", "check networks", "scoring", "generate, whole"
    }  # fmt: skip
    timed = {figure["part"] for figure in found["figures"]}
    assert timed >= {
        "ceilings", "training", "data", "rendering", "variants", "profile", "scoring",
        "landmark training", "generate",
    }  # fmt: skip
    assert all(np.isfinite(figure["value"]) for figure in found["figures"])
    rates = [f["value"] for f in found["figures"] if f["unit"] in ("images/s", "frames/s")]
    assert min(rates) > 0
    lines = table.splitlines()
    assert lines[0] == "| what | measured |"
    assert all(line.count("|") - line.count("\\|") == 3 for line in lines)
    assert "| check models | 39 of 39 right |" in lines


def test_trainings_and_resume_are_checked_where_lightning_is(run):
    done, found, _ = run("--only", "check resume", "check trainings")
    assert done.returncode == 0, done.stdout + done.stderr
    named = {check["name"] for check in found["checks"]}
    assert "weights of a training, killed in an epoch and resumed" in named
    trained = ("AATU", "Audio2Head, recurrent", "MSEF", "AT-net")
    assert {f"losses of a training, {name}, bf16" for name in trained} <= named
    assert found["machine"]["trainings repeat to the bit"] == "yes"


def test_a_device_that_computes_something_else_is_found(monkeypatch):
    """Each of the checks, with a small error in float32 alone: the reference is in float64."""
    right = nn.Conv2d.forward

    def wrong(self, images):
        made = right(self, images)
        return made * 1.05 if made.dtype == torch.float32 and self.in_channels == 6 else made

    def step() -> checks.Agreement:
        return checks.translator_agreement(
            checks.TRANSLATORS["AATU"], checks.LOSS, size=checks.SIZE, device="cpu"
        )

    assert step().within(checks.FLOAT32)
    monkeypatch.setattr(nn.Conv2d, "forward", wrong)
    assert not step().within(checks.FLOAT32)
    monkeypatch.setattr(nn.LSTM, "forward", _half_of(nn.LSTM.forward))
    found = checks.landmark_agreement(checks.LANDMARK_MODELS["MSEF"], device="cpu")
    assert not found.within(checks.FLOAT32)


def _half_of(forward):
    def half(self, *given):
        made, state = forward(self, *given)
        return (made / 2 if made.dtype == torch.float32 else made), state

    return half


def test_deviations_are_relative_and_infinite_for_nan():
    true = torch.tensor([3.0, 4.0])
    assert checks.deviation(true * 1.01, true) == pytest.approx(0.01)
    assert checks.deviation(torch.tensor([3.0, float("nan")]), true) == float("inf")
    curves = np.array([[1.0, 2.0]])
    assert checks.curve_deviation(np.array([[1.0, 2.2]]), curves) == pytest.approx(0.1)
    assert checks.curve_deviation(np.array([[1.0, np.nan]]), curves) == float("inf")


@pytest.fixture
def part_of():
    """`part_of(what a part says, seconds)`: the results of a run of it alone."""

    def part_of(run, seconds: float = 300) -> gpu.Results:
        results = gpu.Results()
        gpu.run_part(gpu.Part("check this", run, 1), None, seconds, results)
        return results

    return part_of


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking beside torch's threads
def test_a_part_that_goes_wrong_keeps_what_it_had(part_of, monkeypatch):
    keep = gpu.keep

    def breaks(_):
        yield "check", "before", True, "fine"
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def hangs(_):
        yield "figure", "before", 1.0, "images/s"
        time.sleep(600)

    def dies(_):
        yield "figure", "before", 1.0, "images/s"
        os._exit(3)

    results = part_of(breaks)
    assert [check.name for check in results.checks] == ["before"]
    assert "illegal memory access" in results.failed["check this"]
    assert "check this" in part_of(dies).failed
    # The time is over as soon as the figure is there.
    seen = []
    monkeypatch.setattr(gpu, "keep", lambda *given: seen.append(1) or keep(*given))
    monkeypatch.setattr(gpu, "time", SimpleNamespace(monotonic=lambda: 1e9 * len(seen)))
    results = part_of(hangs, 300)
    assert [figure.name for figure in results.figures] == ["before"]
    assert "not done after 300 s" in results.failed["check this"]


@pytest.mark.parametrize(
    ("checked", "failed", "is_good"),
    [
        ([True], {}, True),
        ([True, False], {}, False),
        ([True], {"check models": "was not done after 60 s"}, False),
        ([True], {"variants": "out of memory"}, True),
    ],
)
def test_the_status_is_that_of_the_checks(checked, failed, is_good):
    made = [gpu.Check("check models", "AATU", passed, "1e-7") for passed in checked]
    assert gpu.good(gpu.Results(checks=made, failed=failed)) is is_good


def test_cbam_on_a_gpu_is_cbam(monkeypatch):
    """There it takes its maxima another way, whose gradient is the same where no two are equal."""
    torch.manual_seed(0)
    module = CBAM(8).double()
    features = torch.randn(3, 8, 6, 5, dtype=torch.float64)

    def gradients() -> list[torch.Tensor]:
        given = features.clone().requires_grad_()
        module.zero_grad()
        made = module(given)
        (made * torch.arange(made.numel(), dtype=made.dtype).view_as(made)).sum().backward()
        return [made.detach(), given.grad, *(p.grad.clone() for p in module.parameters())]

    on_cpu = gradients()
    monkeypatch.setattr(torch.Tensor, "is_cuda", property(lambda _: True))
    for one, other in zip(gradients(), on_cpu, strict=True):
        torch.testing.assert_close(one, other)
