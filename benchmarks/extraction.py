"""Extraction against the plain way and against pure decoding, on the same clips in one run.

    python benchmarks/extraction.py CLIP [CLIP ...] [--rounds 3]

The plain way: every source frame as RGB, dlib's detector on all of it, the 68 points in the box
that it finds; no resampling, crops or sound. CLIP is a video with sound, or a video of MEAD's
layout whose audio folder is there. Prints medians of CPU seconds over the rounds, A B C A B C, and
how far the landmarks lie apart.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))
from emohead.data.mead import FPS, Clip
from emohead.features.clip import extract_clip
from emohead.features.faces import FaceFinder
from emohead.features.options import FeatureOptions
from emohead.features.store import Shard, ShardWriter
from emohead.media.reading import probe_video


def decode(video: Path) -> int:
    """Only decode, with one thread."""
    with av.open(str(video)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def plainly(video: Path, finder: FaceFinder) -> np.ndarray:
    """Landmarks [T, 68, 2] of every source frame, in its pixels; no crops, no sound."""
    landmarks = []
    with av.open(str(video)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="rgb24")
            box = max(finder.detector(image), key=lambda found: found.area())
            points = finder.predictor(image, box)
            landmarks.append([(p.x, p.y) for p in points.parts()])
    return np.array(landmarks, np.float32)


def ours(clip: Clip, finder: FaceFinder, options: FeatureOptions, folder: Path) -> np.ndarray:
    """Landmarks [T, 68, 2] in pixels of the frame, from the shard that was written."""
    with ShardWriter(folder / "shard.h5") as writer:
        extract_clip(clip, finder, options, writer)
    stored = Shard(folder / "shard.h5")[clip.clip_id]
    back = cv2.invertAffineTransform(stored.transform)
    return stored.landmarks @ back[:, :2].T + back[:, 2]


def as_clip(video: Path, number: int) -> Clip:
    """A clip of this video, with MEAD's audio file where there is one."""
    *_, speaker, _, _, emotion, level, _ = video.resolve().parts
    audio = video.resolve().parents[4] / "audio" / emotion / level / f"{video.stem}.m4a"
    return Clip(speaker, "front", "neutral", 1, number, video, audio if audio.exists() else video)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    flags = parser.parse_args()
    cv2.setNumThreads(1)
    finder, options = FaceFinder(), FeatureOptions()
    for number, video in enumerate(flags.videos, 1):
        clip = as_clip(video, number)
        seconds: dict[str, list[float]] = {"decode": [], "plain": [], "ours": []}
        with tempfile.TemporaryDirectory() as folder:
            ours(clip, finder, options, Path(folder))  # lazy imports
            for _ in range(flags.rounds):
                start = time.process_time()
                frames = decode(video)
                seconds["decode"].append(time.process_time() - start)
                start = time.process_time()
                found = ours(clip, finder, options, Path(folder))
                seconds["ours"].append(time.process_time() - start)
                start = time.process_time()
                every_frame = plainly(video, finder)
                seconds["plain"].append(time.process_time() - start)
        nearest = np.rint(np.arange(len(found)) / FPS * probe_video(video).fps).astype(int)
        reference = every_frame[nearest.clip(max=frames - 1)]
        took = {way: statistics.median(all_) for way, all_ in seconds.items()}
        eyes = [reference[:, side].mean(1) for side in (slice(36, 42), slice(42, 48))]
        unit = np.linalg.norm(eyes[1] - eyes[0], axis=-1).mean()
        apart = np.linalg.norm(found - reference, axis=-1).mean() / unit
        print(
            f"{video.parts[-5]} {video.stem}: {frames} source frames, {len(found)} at 25 fps; "
            + ", ".join(f"{way} {value:.2f} s" for way, value in took.items())
            + f"; plain / ours {took['plain'] / took['ours']:.1f}, "
            f"ours / decode {took['ours'] / took['decode']:.2f}; "
            f"landmarks {apart:.2%} of the eye distance apart",
            flush=True,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the process: {peak:.2f} GiB (the plain way's included)")


if __name__ == "__main__":
    main()
