"""Speed and memory of `emohead generate` with networks of the paper's size, on a CPU.

    python benchmarks/generation.py speed MAKEITTALK [--rounds 5] [--seconds 10]
    python benchmarks/generation.py memory [--minutes 1 30]

MAKEITTALK is a checkout of MakeItTalk, whose generator runs as its own inference runs it: float32,
one image after the other, tanh behind. It takes turns with ours, a batch of 4 each: AATU and the
plain U-Net, of the same images, in each precision as `emohead generate` prepares it and, for
comparison, as trained under bf16 autocast. Then stage 1 alone, from the sound's file to landmarks,
and `generate` as a whole, both with random weights. Beside the seconds on the clock stand those of
the processor, which other programs on the machine disturb less: two cores that do nothing else
would take half of them.

`memory` runs a small model on sounds of some minutes, each in a process of its own.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from emohead.generate.bundle import Bundle
from emohead.generate.generate import WINDOW, generate
from emohead.generate.sound import Sound, mfcc_windows
from emohead.generate.stages import predict_stream
from emohead.landmarks.basis import fit_basis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.model import MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions
from emohead.media.writing import write_audio
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.training.hardware import int8_is_fast
from emohead.translator.inference import for_inference
from emohead.translator.int8 import in_int8
from emohead.translator.options import TranslatorOptions
from emohead.translator.unet import UNet, build_translator

BATCH, SIZE = 4, 256
SMALL = TranslatorOptions((4, 4, 4, 4, 4), residual_blocks=1)


def makeittalk(checkout: Path) -> Callable[[Tensor], Tensor]:
    """MakeItTalk's generator on images [B, 6, S, S], one by one."""
    path = checkout / "src/models/model_image_translation.py"
    spec = importlib.util.spec_from_file_location("makeittalk", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = module.ResUnetGenerator(input_nc=6, output_nc=3, num_downs=6, use_dropout=False).eval()
    return lambda images: torch.cat([torch.tanh(net(image[None])) for image in images])


def contenders(checkout: Path) -> dict[str, Callable[[Tensor], Tensor]]:
    nets = {
        name: build_translator(TranslatorOptions(attention=attention)).eval()
        for name, attention in (("AATU", "cbam"), ("U-Net", "none"))
    }

    def autocast(images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return nets["AATU"](images.contiguous(memory_format=torch.channels_last))

    def fast(net: UNet) -> Callable[[Tensor], Tensor]:
        dtype = next(net.parameters()).dtype
        return lambda images: net(images.to(dtype).contiguous(memory_format=torch.channels_last))

    noise = np.random.default_rng(0).integers(0, 256, (BATCH + 1, SIZE, SIZE, 3), np.uint8)
    runs = {"MakeItTalk, float32": makeittalk(checkout)}
    for name, net in nets.items():
        if int8_is_fast("cpu"):
            runs[f"{name}, int8"] = fast(in_int8(net, noise[1:], noise[0]))
        runs[f"{name}, bf16"] = fast(for_inference(net, bf16=True))
    runs["AATU, float32"] = fast(for_inference(nets["AATU"], bf16=False))
    runs["AATU, bf16 autocast"] = autocast
    return runs


@torch.inference_mode()
def race(checkout: Path, rounds: int) -> None:
    images = torch.rand(BATCH, 6, SIZE, SIZE)
    runs = contenders(checkout)
    clock: dict[str, list[float]] = {name: [] for name in runs}
    processor: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            run(images)
            if turn:  # the first is for warming up
                clock[name].append((time.perf_counter() - start) / BATCH)
                processor[name].append((time.process_time() - cpu_start) / BATCH)
    theirs = next(iter(runs))
    for name in runs:
        ratios = [median(seconds[theirs]) / median(seconds[name]) for seconds in (clock, processor)]
        print(
            f"{name:<24} {1 / median(clock[name]):6.2f} images/s ({ratios[0]:.2f} times), "
            f"{1000 * median(processor[name]):.0f} ms of processor ({ratios[1]:.2f} times)",
            flush=True,
        )


def random_bundle(translator: TranslatorOptions, crop_size: int) -> Bundle:
    """The paper's Audio2Lm with MSEF and a translator, untrained; landmarks move by some pixels."""
    generator = np.random.default_rng(0)
    options = LandmarkModelOptions()
    faces = generator.normal(0.5, 0.01, (500, 68, 2)).astype(np.float32)
    statistics = MfccStatistics(np.zeros(12, np.float32), np.full(12, 20, np.float32))
    torch.manual_seed(0)
    model = build_landmark_model(options, fit_basis(faces, options.components), statistics).eval()
    torch.nn.init.normal_(model.fc.weight)
    card = {"method": "random", "seed": 0, "config_hash": "-"}
    return Bundle(model, build_translator(translator).eval(), crop_size, card)


def write_inputs(folder: Path, seconds: float) -> tuple[Path, Path]:
    """Noise that comes and goes, and a calm face."""
    time_axis = np.arange(round(seconds * 16_000), dtype=np.float32) / 16_000
    noise = np.random.default_rng(0).standard_normal(time_axis.size, np.float32)
    write_audio(folder / "voice.m4a", 0.1 * noise * (1 + np.sin(20 * time_axis)), 16_000)
    face = Renderer(PORTRAITS["W901"]()).render(FacePose.at_rest(), 512)
    cv2.imwrite(str(folder / "face.png"), face[..., ::-1])
    return folder / "voice.m4a", folder / "face.png"


def timed(what: str, frames: int, run: Callable[[], object]) -> None:
    start, cpu_start = time.perf_counter(), time.process_time()
    run()
    clock, processor = time.perf_counter() - start, time.process_time() - cpu_start
    print(
        f"{what:<24} {frames / clock:6.1f} frames/s, {1000 * processor / frames:.1f} ms of "
        f"processor a frame ({frames} frames in {clock:.1f} s)",
        flush=True,
    )


def measure_speed(flags: argparse.Namespace) -> None:
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    race(flags.makeittalk, flags.rounds)
    bundle = random_bundle(TranslatorOptions(), SIZE)
    warped = random_bundle(TranslatorOptions(warp=True, inputs="areas"), SIZE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = np.random.default_rng(1).uniform(60, 200, (68, 2)).astype(np.float32)

        def stage_1(sound: Sound) -> None:
            for _ in predict_stream(
                bundle.landmarks, lambda: mfcc_windows(sound, WINDOW), reference, SIZE
            ):
                pass

        stage_1(Sound(write_inputs(folder, 2)[0]))  # loads what is loaded on first use
        long = Sound(write_inputs(folder, 120)[0])
        timed("stage 1", long.frames, lambda: stage_1(long))
        voice, face = write_inputs(folder, flags.seconds)
        for what, model, options in (
            ("generate", bundle, {}),
            ("generate, bf16", bundle, {"precision": "bf16"}),
            ("generate, pasted", bundle, {"paste": True}),
            ("generate, with warp", warped, {}),
        ):
            timed(
                what,
                round(25 * flags.seconds),
                lambda model=model, options=options: generate(
                    voice, face, folder / "talk.mp4", model, progress=False, **options
                ),
            )


def measure_memory(flags: argparse.Namespace) -> None:
    for minutes in flags.minutes:
        with tempfile.TemporaryDirectory() as name:
            inputs = write_inputs(Path(name), 60 * minutes)
            # A process's peak never falls again: a new one for each.
            done = subprocess.run(
                [sys.executable, __file__, "peak", *inputs, Path(name, "talk.mp4")],
                check=True, capture_output=True, text=True,
            )  # fmt: skip
            print(f"{minutes:g} min of sound: {done.stdout.strip()}", flush=True)


def print_peak(flags: argparse.Namespace) -> None:
    """The memory of one generation, in the process that this is."""
    start, bundle = time.process_time(), random_bundle(SMALL, 32)
    generate(flags.voice, flags.face, flags.out, bundle, progress=False)
    # Not ru_maxrss, which begins with what the process that started this one held.
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1024
    print(f"{peak:.0f} MiB at the peak, {time.process_time() - start:.0f} s of processor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    speed = commands.add_parser("speed")
    speed.set_defaults(run=measure_speed)
    speed.add_argument("makeittalk", type=Path)
    speed.add_argument("--rounds", type=int, default=5)
    speed.add_argument("--seconds", type=float, default=10, help="of the generated video")
    memory = commands.add_parser("memory")
    memory.set_defaults(run=measure_memory)
    memory.add_argument("--minutes", type=float, nargs="+", default=[1, 30])
    peak = commands.add_parser("peak", help="what `memory` runs")
    peak.set_defaults(run=print_peak)
    for name in ("voice", "face", "out"):
        peak.add_argument(name, type=Path)
    flags = parser.parse_args()
    flags.run(flags)


if __name__ == "__main__":
    main()
