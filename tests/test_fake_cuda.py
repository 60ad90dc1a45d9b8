"""Paths that a GPU takes, with tensors that only say that they are on one: torch's fake ones.

They have a device, a shape and no values: whatever mixes devices is found, without a GPU, and so is
which operations a GPU would be asked for. What these compute there is test_cuda.py's business.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import gpu_checks as checks
import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from emohead.disentangler.gates import try_gates
from emohead.disentangler.nets import Disentangler
from emohead.disentangler.options import DisentanglerOptions
from emohead.disentangler.pairs import Sentence
from emohead.evaluation.networks.syncnet import SyncNet
from emohead.generate.stages import predict_stream, translate_stream
from emohead.landmarks.model import MfccStatistics
from emohead.translator.inference import for_inference
from emohead.translator.render import translate
from emohead.translator.task import TranslatorTask
from emohead.translator.unet import build_translator

# The gradient of the one isn't deterministic there, that of the other is a scatter, which is sorted
# to be so (`torch.use_deterministic_algorithms` lists both).
UNWANTED = {"adaptive_max_pool2d", "max"}


class Asked(TorchDispatchMode):
    """The names of all operations."""

    def __init__(self):
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.add(function._schema.name.removeprefix("aten::"))
        return function(*args, **(kwargs or {}))


@pytest.fixture
def fake_gpu(monkeypatch):
    """`fake_gpu(make)` is the module that `make()` gives, on a GPU that is none."""

    def there(tensor: torch.Tensor) -> torch.Tensor:
        return torch.empty_strided(
            tensor.shape, tensor.stride(), dtype=tensor.dtype, device="cuda"
        )  # fmt: skip

    def on_gpu(make) -> nn.Module:
        with _disable_current_modes():
            module = make()
        return module._apply(there)

    def apply(module: nn.Module, change, recurse=True) -> nn.Module:
        """As torch's own, which can't exchange fake tensors."""
        for child in module.children():
            child._apply(change)
        for name, value in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(change(value), value.requires_grad))
        for name, value in list(module.named_buffers(recurse=False)):
            module._buffers[name] = change(value)
        return module

    def numpy(tensor: FakeTensor) -> np.ndarray:
        assert tensor.device.type == "cpu", "a GPU's tensor has no NumPy form"
        return np.zeros(tensor.shape, str(tensor.dtype).removeprefix("torch."))

    monkeypatch.setattr(nn.Module, "_apply", apply)
    monkeypatch.setattr(FakeTensor, "numpy", numpy, raising=False)
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield on_gpu


@pytest.mark.parametrize("name", checks.TRANSLATORS)
def test_a_translators_loss_stays_on_the_gpu(fake_gpu, name):
    """The way back can't be gone without a GPU: autograd asks the driver for the device."""
    task = fake_gpu(lambda: TranslatorTask(checks.TRANSLATORS[name], checks.LOSS, seed=0))
    options = task.model.options
    inputs, frame = (
        torch.empty(2, channels, checks.SIZE, checks.SIZE, dtype=torch.uint8, device="cuda")
        for channels in (options.drawn_channels, 3)
    )
    points = [torch.empty(2, 2, 68, 2, device="cuda")] if options.warp else []
    with Asked() as asked:
        figures = task((inputs, frame, *points))
    assert {figure.device.type for figure in figures.values()} == {"cuda"}
    assert not asked.names & UNWANTED
    assert ("amax" in asked.names) == (options.attention != "none" or options.warp)


@pytest.mark.parametrize(
    "name", ["EVP's emotion encoder", "EVP's disentangler", "First Order Motion"]
)
def test_a_comparators_loss_stays_on_the_gpu(fake_gpu, name):
    """And asks it for no value, such as that of a counter: these have none, and it would wait.

    Audio2Head's nets do, as for lengths.
    """
    with _disable_current_modes():
        task, batch = checks.COMPARATORS[name]()
    task = fake_gpu(lambda: task)
    moved = (torch.empty_like(each, device="cuda") for each in batch)
    with torch.backends.cudnn.flags(enabled=False):  # its grid sampler knows no fake tensors
        figures = task(type(batch)(*moved) if hasattr(batch, "_fields") else tuple(moved))
    assert {figure.device.type for figure in figures.values()} == {"cuda"}


def test_a_tensor_that_stays_behind_is_found(fake_gpu):
    task = fake_gpu(lambda: TranslatorTask(checks.TRANSLATORS["AATU"], checks.LOSS, seed=0))
    task.loss.perceptual.mean = torch.zeros(3)
    images = (torch.empty(2, c, 64, 64, dtype=torch.uint8, device="cuda") for c in (6, 3))
    with pytest.raises(RuntimeError, match="device"):
        task(tuple(images))


def test_rendering_takes_pictures_to_the_gpu_and_back(fake_gpu):
    model = fake_gpu(lambda: build_translator(checks.DEEP)).eval()
    landmarks = np.random.default_rng(0).uniform(0, 64, (5, 68, 2))
    face = np.zeros((64, 64, 3), np.uint8)
    assert [f.shape for f in translate(model, landmarks, face)] == 5 * [(64, 64, 3)]
    for bf16 in (False, True):
        fast = for_inference(model, bf16=bf16)
        assert {p.device.type for p in fast.parameters()} == {"cuda"}
        frames = list(translate_stream(fast, [landmarks[:3], landmarks[3:]], face))
        assert sum(map(len, frames)) == 5


@pytest.mark.parametrize("name", checks.LANDMARK_MODELS)
def test_prediction_takes_sound_to_the_gpu_and_back(fake_gpu, name):
    model = fake_gpu(lambda: checks.made_landmark_model(checks.LANDMARK_MODELS[name])).eval()
    mfcc, reference = np.zeros((30, 28, 12), np.float32), np.zeros((68, 2), np.float32)
    windows = list(predict_stream(model, lambda: iter([mfcc[:20], mfcc[20:]]), reference, 64))
    assert [len(window.landmarks) for window in windows] == [20, 10]


def test_syncnet_is_where_its_pictures_are(fake_gpu):
    network = fake_gpu(SyncNet).eval()
    with torch.inference_mode():
        assert network.mouths(torch.empty(7, 3, 224, 224, device="cuda")).device.type == "cuda"
        assert network.sounds(torch.empty(3, 13, 20, device="cuda")).device.type == "cuda"


def test_the_gates_take_windows_to_the_gpu_and_back(fake_gpu):
    """A trained model is where it was trained."""
    statistics = MfccStatistics(np.zeros(12, np.float32), np.ones(12, np.float32))
    options = DisentanglerOptions(2, 5, 6, 1)
    model = fake_gpu(lambda: Disentangler(options, statistics))
    windows = np.zeros((9, 28, 12), np.float32)
    clips = {
        f"M901-front-{emotion}-1-00{number}": SimpleNamespace(mfcc=windows)
        for emotion in ("angry", "sad")
        for number in (1, 2)
    }
    held = [Sentence("M901", 3, {"angry": windows, "sad": windows})]
    gates = try_gates(model, clips, clips, held)
    assert [gate.name for gate in gates] == ["swapped", "emotion", "content", "partner"]
