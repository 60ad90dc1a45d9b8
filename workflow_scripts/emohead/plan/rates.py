"""Measured rates, with their machine: the speeds behind plans and the limits of jobs.

`python benchmarks/rates.py` measures most of it on another machine. Needs nothing but Python.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The machine that all of it is from.
MEASURED_ON = "one core of an AMD EPYC with AVX-512 and bf16"
#: Rates of frames are of frames this large; at other sizes they are scaled by the number of pixels.
FRAME_SIZE = 256
#: Operations of the paper's AATU for such a frame, forward: `emohead.plan.counting`.
PAPER_GFLOP = 55.73


@dataclass(frozen=True)
class Rate:
    """A number, its unit, and what it was measured on."""

    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class Rates:
    """Seconds are those of one core."""

    start: Rate = Rate(5, "s a job", "Python's imports and the models, of the mini run")
    make_mini: Rate = Rate(0.007, "s a frame", "make_mini of the mini run")
    list_clips: Rate = Rate(0.4, "s a shard", "list_clips of the mini run, 12 clips each")
    extract_features: Rate = Rate(0.014, "s a frame", "three of MEAD's clips, 1080p")
    extract_sound: Rate = Rate(0.006, "s a frame", "a clip of the mini set; pYIN is most of it")
    train_landmarks: Rate = Rate(60, "GFLOP/s", "both trainings of the mini run, float32")
    train_motion_field: Rate = Rate(
        130, "GFLOP/s", "that of the mini run, bf16, two thirds of it on pictures of half the size"
    )
    train_motion_audio: Rate = Rate(0.0006, "s a frame", "that of the mini run")
    train_translator: Rate = Rate(
        280, "GFLOP/s", "training steps of the paper's U-Net at 256 px, bf16, without VGG-19"
    )
    landmarks_step: Rate = Rate(2, "GFLOP a frame", "of the paper-scale AT-net, counted")
    disentangler_step: Rate = Rate(5.2, "GFLOP a sample", "of EVP's, its layers counted by hand")
    translator_step: Rate = Rate(309, "GFLOP an image", "of the paper's AATU at 256 px, counted")
    motion_step: Rate = Rate(
        533, "GFLOP a pair", "of First Order Motion's at 256 px, with VGG-19, counted by hand"
    )
    hourglass_step: Rate = Rate(
        16, "GFLOP a frame", "of Audio2Head's 3-D hourglass on 64 cells a side, counted"
    )
    render_float32: Rate = Rate(
        0.281, "s a frame", "the paper's AATU at 256 px as rendered, benchmarks/generation.py"
    )
    render_bf16: Rate = Rate(0.153, "s a frame", "likewise, in bf16")
    write_frames: Rate = Rate(0.001, "s a frame", "likewise: drawings, and frames to disk")
    redetect: Rate = Rate(
        0.0079, "s a frame", "the mini run's frames enlarged, benchmarks/evaluation.py"
    )
    metrics: Rate = Rate(
        0.0105, "s a frame", "likewise, with a face descriptor (60 ms) for every second of video"
    )
    lpips: Rate = Rate(0.036, "s a frame", "of frames of 128 px, times four")
    fid: Rate = Rate(0.32, "s a frame of any size", "both sides, which Inception sees at 299 px")
    syncnet: Rate = Rate(0.036, "s a frame of any size", "which SyncNet sees at 224 px")
    fvd: Rate = Rate(0.05, "s a frame of any size", "both sides; from I3D's size, not measured")
    arcface: Rate = Rate(0.02, "s a frame", "a frame a second, both sides; likewise")
    emotion_fan: Rate = Rate(0.04, "s a frame", "a ResNet-18 at 224 px; likewise")
    report: Rate = Rate(4, "s a job", "the report of the mini run; more clips take longer")
    report_rows: Rate = Rate(
        9, "s a million scores", "Table 1 of made-up scores, benchmarks/reports.py"
    )
    scores: Rate = Rate(48, "scores a clip", "the mini run, without the networks'")
    kept: Rate = Rate(565, "B a frame", "landmarks.npz of the mini run: predicted, found again")
    shown: Rate = Rate(0.051, "B a pixel", "the videos of the mini run at 128 px")


#: A job gets the cores that end it in so many minutes, at most as many as it can use.
SHORT_ENOUGH, MOST_CORES = 10, 4


def cores_for(seconds: float) -> int:
    """Cores of a job of so many seconds of one."""
    return min(MOST_CORES, max(1, math.ceil(seconds / 60 / SHORT_ENOUGH)))


def hourglass_gflop(model: Mapping[str, Any]) -> float:
    """Of a frame in a window, forth and back, by a model of motion_audio; 0 without an hourglass.

    A convolution's work grows with the square of its width, and with the number of cells.
    """
    if model.get("network") != "hourglass":
        return 0
    width, grid = model.get("hourglass_width", 32) / 32, model.get("hourglass_grid", 64) / 64
    return Rates.hourglass_step.value * (width * grid) ** 2


@dataclass(frozen=True)
class Memory:
    """A job's peak in MiB, as measured; of jobs on frames with frames of FRAME_SIZE."""

    make_mini: float = 600
    extract_features: float = 541  # a clip of ten minutes, 1080p
    train_landmarks: float = 1400  # data and model of the mini run in it
    train_translator: float = 1700  # likewise
    train_translator_image: float = 400  # of a batch of the paper's, float32: counted
    render_clips: float = 1500
    score_clips: float = 500
    score_networks: float = 3000
    report: float = 160
    report_rows: float = 130  # for a million scores, beside that: benchmarks/reports.py
