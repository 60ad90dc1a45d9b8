"""What `emohead plan` goes by (emohead/plan/rates.py), measured on this machine.

    python benchmarks/rates.py [--frames 32] [--rounds 3] [--only render score start]

One core, seconds of the processor (which other programs disturb less than the clock), medians of
rounds. Rendering: the paper's AATU with random weights, 256 px, as render_clips computes it, and
the writing of its frames, as they are and as PNG. Scoring: the mini set's first portrait at 256
px, a face that moves: landmarks found again, all metrics against another such clip. Start: every
script that a job of a speaker starts, as far as its --help, which imports all that it needs.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from emohead.evaluation.emotion_judges import EmotionJudges, Judge
from emohead.evaluation.redetect import redetect
from emohead.evaluation.score import evaluate_clip
from emohead.features.faces import FaceDescriber, FaceFinder
from emohead.features.store import ShardWriter, StoredClip, open_clips
from emohead.methods.rendered import RenderedClip
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.plan.rates import FRAME_SIZE
from emohead.translator.inference import for_inference
from emohead.translator.options import TranslatorOptions
from emohead.translator.render import translate
from emohead.translator.unet import build_translator

FOLDER = Path(sys.path[0])
SCRIPTS = (
    "list_clips", "extract_features", "render_clips", "score_clips", "score_networks",
    "collect_scores", "report_table1", "report_page",
)  # fmt: skip
CLIP = "W901-front-happy-3-001"


def seconds(job: Callable[[], object], rounds: int) -> float:
    """Processor seconds of a job, the median of rounds behind a first one, which warms up."""
    taken = []
    for _ in range(rounds + 1):
        start = time.process_time()
        job()
        taken.append(time.process_time() - start)
    return statistics.median(taken[1:])


def stored_clip(path: Path, frames: int, noise: int) -> StoredClip:
    """A portrait that moves a little, as a feature shard has it."""
    face = Renderer(PORTRAITS["W901"]()).render(FacePose.at_rest(), FRAME_SIZE)
    grain = np.random.default_rng(noise)
    images = []
    for t in range(frames):
        move = np.float32([[1, 0, 3 * np.sin(t / 5)], [0, 1, 3 * np.cos(t / 7)]])
        moved = cv2.warpAffine(face, move, (FRAME_SIZE, FRAME_SIZE), borderMode=cv2.BORDER_REFLECT)
        grained = moved + grain.normal(0, 3, moved.shape)
        images.append(grained.clip(0, 255).astype(np.uint8))
    with ShardWriter(path) as writer:
        writer.add(CLIP, landmarks=np.zeros((frames, 68, 2), np.float32), frames=images)
    return open_clips([path])[CLIP]


def measure_rendering(flags: argparse.Namespace) -> None:
    torch.manual_seed(0)
    model = build_translator(TranslatorOptions()).eval()
    draw = np.random.default_rng(0)
    landmarks = draw.uniform(60, 200, (flags.frames, 68, 2)).astype(np.float32)
    face = draw.integers(0, 256, (FRAME_SIZE, FRAME_SIZE, 3), np.uint8)
    for name, bf16 in (("float32", False), ("bf16", True)):
        fast = for_inference(model, bf16=bf16)
        taken = seconds(lambda fast=fast: list(translate(fast, landmarks, face)), flags.rounds)
        print(f"render, {name}: {taken / flags.frames:.4f} s a frame", flush=True)


def measure_writing(flags: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = stored_clip(Path(folder) / "clip.h5", flags.frames, noise=0)
        frames = [cv2.GaussianBlur(frame, (0, 0), 1) for frame in clip.iterate_frames()]
        for codec in ("bmp", "png"):
            path = Path(folder) / f"{codec}.h5"

            def write(codec: str = codec, path: Path = path) -> None:
                with ShardWriter(path, codec=codec) as writer:
                    writer.add(CLIP, landmarks=clip.landmarks, frames=frames)

            taken = seconds(write, flags.rounds) / flags.frames
            read = open_clips([path])[CLIP]
            decoding = seconds(lambda read=read: list(read.iterate_frames()), flags.rounds)
            print(
                f"frames as {codec}: written {taken:.4f} s, read {decoding / flags.frames:.4f} s, "
                f"{path.stat().st_size / flags.frames / 1000:.0f} kB a frame", flush=True,
            )  # fmt: skip


def measure_scoring(flags: argparse.Namespace) -> None:
    finder, describer = FaceFinder(), FaceDescriber()
    nobody = Judge((), np.zeros((0, 1)), np.zeros(0))
    with tempfile.TemporaryDirectory() as folder:
        truth, made = (
            stored_clip(Path(folder) / f"{noise}.h5", flags.frames, noise) for noise in range(2)
        )
        seen = redetect(truth.iterate_frames(), truth.length, finder, describer)
        ours = RenderedClip(CLIP, seen.landmarks, made.iterate_frames, {}, "")

        def again() -> object:
            return redetect(ours.frames(), ours.length, finder, describer)

        def metrics() -> object:
            return evaluate_clip(ours, truth, seen, seen, EmotionJudges(nobody, nobody))

        for name, job in (("redetect, with faces described", again), ("metrics", metrics)):
            taken = seconds(job, flags.rounds) / flags.frames
            print(f"{name}: {taken:.4f} s a frame", flush=True)


def measure_starts(flags: argparse.Namespace) -> None:
    path = f"{FOLDER}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    for script in SCRIPTS:
        taken = []
        for _ in range(flags.rounds):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, FOLDER / f"{script}.py", "--help"],
                check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        print(f"start of {script}: {statistics.median(taken):.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    measures = {
        "render": measure_rendering,
        "write": measure_writing,
        "score": measure_scoring,
        "start": measure_starts,
    }
    parser.add_argument("--only", nargs="+", choices=measures, default=list(measures))
    flags = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    for name in flags.only:
        measures[name](flags)


if __name__ == "__main__":
    main()
