import pytest
import torch

from emohead.training import hardware as hardware_module
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime


@pytest.fixture
def hardware(monkeypatch, tmp_path):
    """`hardware(gpus, capability, cores, **what torch.cpu finds)`: the machine is another."""
    (tmp_path / "Python.h").touch()
    monkeypatch.setattr(hardware_module.sysconfig, "get_path", lambda _: tmp_path)
    monkeypatch.delenv("CC", raising=False)

    def pretend(gpus=0, capability=(8, 0), cores=16, gcc="/bin/gcc", triton=True, **cpu) -> None:
        monkeypatch.setattr(hardware_module.shutil, "which", {"gcc": gcc}.get)
        monkeypatch.setattr(hardware_module.importlib.util, "find_spec", lambda _: triton or None)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)
        monkeypatch.setattr("emohead.training.machine.cores", lambda: cores)

    return pretend


def chosen(**options):
    devices = options.pop("devices", 1)
    recipe = Recipe(epochs=1, batch_size=8, precision="auto", devices=devices)
    return choose_machine(recipe, Runtime(**options))


def test_auto_on_a_gpu_is_compiled_bf16_with_workers(hardware):
    hardware(gpus=2)
    machine = chosen()
    assert (machine.device, machine.devices) == ("cuda", 1)
    assert (machine.precision, machine.compile, machine.workers) == ("bf16-mixed", True, 8)
    assert chosen(devices=2).workers == 7  # of 16 cores, two processes and their workers
    assert chosen(device="cpu").device == "cpu"
    hardware(gpus=1, capability=(7, 5))
    assert chosen().precision == "32-true"


def test_auto_compiles_only_where_triton_can(hardware, monkeypatch, tmp_path):
    """An image without gcc, as our own, isn't a reason for a training on a GPU to end."""
    hardware(gpus=1, gcc=None)
    assert chosen().compile is False
    assert chosen(compile=True).compile is True  # as is asked for
    monkeypatch.setenv("CC", "/opt/cc")
    assert chosen().compile is True
    hardware(gpus=1, capability=(6, 1))
    assert chosen().compile is False
    hardware(gpus=1)
    assert chosen().compile is True
    hardware(gpus=1, triton=False)
    assert chosen().compile is False
    hardware(gpus=1)
    (tmp_path / "Python.h").unlink()
    assert chosen().compile is False


@pytest.mark.parametrize(
    ("found", "precision"),
    [
        ({}, "32-true"),
        ({"avx512_f": True}, "32-true"),
        ({"avx512_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": True}, "bf16-mixed"),
    ],
)
def test_auto_on_a_cpu_is_bf16_where_that_is_fast(hardware, found, precision):
    hardware(**found)
    machine = chosen(devices=4)  # meant for GPUs
    assert (machine.device, machine.devices, machine.precision) == ("cpu", 1, precision)
    assert (machine.compile, machine.workers) == (False, 0)


def test_what_is_said_stands(hardware):
    hardware(gpus=4, amx_bf16=True)
    machine = choose_machine(
        Recipe(epochs=1, batch_size=8, devices=2, precision="32-true"),
        Runtime(device="cpu", compile=True, workers=3),
    )
    assert (machine.device, machine.devices, machine.precision) == ("cpu", 2, "32-true")
    assert (machine.compile, machine.workers) == (True, 3)


def test_mistakes_are_named(hardware):
    hardware(gpus=0)
    with pytest.raises(ValueError, match="1 GPUs are asked for and torch finds 0"):
        chosen(device="cuda")
    hardware(gpus=2)
    with pytest.raises(ValueError, match="4 GPUs are asked for and torch finds 2"):
        chosen(devices=4)
    with pytest.raises(ValueError, match="batch_size is 8, which can't be shared out evenly to 3"):
        chosen(devices=3)
