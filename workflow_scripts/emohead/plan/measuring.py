"""The speed of real training steps on this machine, without loading data."""

import statistics
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from emohead.plan.steps import Step, landmark_step, translator_step
from emohead.training.machine import Machine, choose_machine, set_up_torch
from emohead.training.options import Recipe, Runtime

ENOUGH_SECONDS = 10
FEWEST_STEPS = 3


def measure_translator(options: Mapping[str, Any], crop_size: int) -> float:
    """Seconds for an image, on one device and as the `train` options have it."""
    train = Recipe(**options["train"])
    machine = choose_machine(train, Runtime(**options["runtime"]))
    step = translator_step(options, crop_size, device=machine.device)
    step.model.to(memory_format=torch.channels_last)
    return _seconds_per_sample(step, train, machine)


def measure_landmark_model(options: Mapping[str, Any], frames: int) -> float:
    """Seconds for a frame of clips of so many frames, as `measure_translator`."""
    train = Recipe(**options["train"])
    machine = choose_machine(train, Runtime(**options["runtime"]))
    step = landmark_step(options, frames, device=machine.device)
    return _seconds_per_sample(step, train, machine) / frames


def _seconds_per_sample(step: Step, train: Recipe, machine: Machine) -> float:
    """Seconds per sample of the median step, after a first one, which warms up."""
    print(machine, flush=True)
    set_up_torch(train.threads)

    def loss_of(samples: int) -> Tensor:
        return step.loss(step.forward(samples))

    run = torch.compile(loss_of) if machine.compile else loss_of
    adam = torch.optim.Adam(step.model.parameters())
    samples = train.batch_size // machine.devices
    bf16 = machine.precision == "bf16-mixed"
    seconds: list[float] = []
    while len(seconds) < FEWEST_STEPS or sum(seconds) < ENOUGH_SECONDS:
        start = time.perf_counter()
        adam.zero_grad()
        with torch.autocast(machine.device, torch.bfloat16, enabled=bf16):
            loss = run(samples)
        loss.backward()
        adam.step()
        loss.item()  # waits for a GPU
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:]) / samples
