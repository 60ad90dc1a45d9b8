"""What was measured once, and where: all that a plan knows of speed."""

from dataclasses import dataclass

#: The machine that all of it is from.
MEASURED_ON = "one core of an AMD EPYC with AVX-512 and bf16"
#: Rates of frames are of frames this large; at other sizes they are scaled by the number of pixels.
FRAME_SIZE = 256
_SCALED = "of the mini run at 128 px, times four"


@dataclass(frozen=True)
class Rate:
    """A number, its unit, and what it was measured on."""

    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class Rates:
    """Seconds are those of one core."""

    make_mini: Rate = Rate(0.007, "s a frame", "make_mini of the mini run")
    list_clips: Rate = Rate(0.4, "s a shard", "list_clips of the mini run, 12 clips each")
    extract_features: Rate = Rate(0.014, "s a frame", "three of MEAD's clips, 1080p")
    train_landmarks: Rate = Rate(60, "GFLOP/s", "both trainings of the mini run, float32")
    train_translator: Rate = Rate(
        280, "GFLOP/s", "training steps of the paper's U-Net at 256 px, bf16, without VGG-19"
    )
    render: Rate = Rate(298, "GFLOP/s", "the paper's AATU at 256 px, bf16: .206 s a frame")
    write_frames: Rate = Rate(0.0144, "s a frame", f"synthesize of copy_reference {_SCALED}")
    redetect_landmarks: Rate = Rate(
        0.015, "s a frame", "benchmarks/evaluation.py, the mini run's frames enlarged"
    )
    evaluate_method: Rate = Rate(
        0.0079, "s a frame", "benchmarks/evaluation.py, the mini run's frames enlarged"
    )
    report: Rate = Rate(4, "s a job", "the report of the mini run; more clips take longer")
    rendered: Rate = Rate(1.75, "B a pixel", "clips.h5 and videos of the mini run at 128 px")


@dataclass(frozen=True)
class Memory:
    """A job's peak in MiB, as measured; of jobs on frames with frames of FRAME_SIZE."""

    make_mini: float = 600
    extract_features: float = 541  # a clip of ten minutes, 1080p
    train_landmarks: float = 1400  # data and model of the mini run in it
    train_translator: float = 1700  # likewise
    synthesize: float = 3600  # the mini run's, times four
    redetect_landmarks: float = 800  # likewise
    evaluate_method: float = 840  # likewise
    report: float = 160
