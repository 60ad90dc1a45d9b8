"""A training step of the translator beside MakeItTalk's own, on the same batches in one run.

    python benchmarks/translator_training.py MAKEITTALK SHARD [--steps 50] [--batch 4]

MAKEITTALK is a checkout of MakeItTalk, whose src/models/model_image_translation.py is imported and
run as its src/approaches/train_image_translation.py runs it: float32, contiguous, Adam, L1 alone.
Ours: the U-Net of the same size, L1 alone, channels-last, bf16 autocast with `--precision bf16`.
SHARD is a feature shard at 256 pixels. The two take turns, step by step; prints images a second
(median step) and the L1 loss, on one scale, at the beginning and at the end.
"""

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from emohead.features.store import open_clips
from emohead.translator.data import training_loader
from emohead.translator.options import TranslatorOptions
from emohead.translator.unet import build_translator


def theirs(checkout: Path) -> tuple[nn.Module, Callable[[Tensor, Tensor], float]]:
    """MakeItTalk's generator and its training step, which gives the L1 loss."""
    path = checkout / "src/models/model_image_translation.py"
    spec = importlib.util.spec_from_file_location("makeittalk", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.ResUnetGenerator(input_nc=6, output_nc=3, num_downs=6, use_dropout=False)
    adam = torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.5, 0.999))

    def step(inputs: Tensor, frame: Tensor) -> float:
        made = torch.tanh(net(inputs.float() / 255))
        loss = functional.l1_loss(made, frame.float() / 255)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss.item()

    return net, step


def ours(precision: str) -> tuple[nn.Module, Callable[[Tensor, Tensor], float]]:
    """Our U-Net at the paper's size and the trainer's step."""
    net = build_translator(TranslatorOptions(attention="none"), seed=0)
    net = net.to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), lr=1e-4)
    enabled = precision == "bf16"

    def step(inputs: Tensor, frame: Tensor) -> float:
        inputs, frame = (
            image.to(torch.float32, memory_format=torch.channels_last) / 255
            for image in (inputs, frame)
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled, cache_enabled=False):
            made = net(inputs)
        loss = functional.l1_loss(made.float(), frame)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss.item()

    return net, step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("makeittalk", type=Path)
    parser.add_argument("shard", type=Path)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--precision", choices=("bf16", "float32"), default="bf16")
    flags = parser.parse_args()
    clips = open_clips([flags.shard])
    batches = iter(training_loader(clips, batch_size=flags.batch, seed=0))
    torch.manual_seed(0)
    contenders = {"MakeItTalk": theirs(flags.makeittalk), "ours": ours(flags.precision)}
    for name, (net, _) in contenders.items():
        count = sum(parameter.numel() for parameter in net.parameters())
        print(f"{name}: {count:,} parameters")
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    losses: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(flags.steps):
        inputs, frame = next(batches)
        for name, (_, step) in contenders.items():
            start = time.perf_counter()
            losses[name].append(step(inputs, frame))
            seconds[name].append(time.perf_counter() - start)
        if number % 10 == 9:
            print(f"step {number + 1}: " + ", ".join(
                f"{name} {losses[name][-1]:.4f} in {statistics.median(seconds[name]):.2f} s"
                for name in contenders
            ), flush=True)  # fmt: skip
    rate = {name: flags.batch / statistics.median(seconds[name]) for name in contenders}
    for name in contenders:
        print(f"{name}: {rate[name]:.2f} images/s; L1 {losses[name][0]:.4f} at first, "
              f"{statistics.mean(losses[name][-5:]):.4f} over the last five")  # fmt: skip
    print(f"ours / MakeItTalk: {rate['ours'] / rate['MakeItTalk']:.2f} times the images a second")


if __name__ == "__main__":
    main()
