"""All metrics of a clip beside dlib's re-detection of the landmarks alone.

    python benchmarks/evaluation.py RENDERED TRUE [--frames 1000] [--size 256] [--rounds 2]

RENDERED and TRUE are folders of finished runs, results/methods/<method>/<reference>/seed0 and the
ground truth's, of which the shown clips are taken; their frames are brought to `--size` pixels. The
two take turns, in one thread, on whole clips of at least `--frames` frames; prints the processor
seconds of 1,000 frames (medians), and where those of the metrics go. The true clips' faces,
described once for all methods, and the fitting of the judges are not counted.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from emohead.evaluation import picture_metrics
from emohead.evaluation.identity import described_frames
from emohead.evaluation.judge_fitting import fit_judges
from emohead.evaluation.redetect import Redetected, redetect
from emohead.evaluation.run_clips import open_run
from emohead.evaluation.score import evaluate_clip
from emohead.evaluation.sharpness import cpbd
from emohead.features.faces import FaceDescriber, FaceFinder
from emohead.features.store import ShardWriter, StoredClip, open_clips
from emohead.features.tracking import follow_face
from emohead.methods.rendered import RenderedClip


def enlarged(clips: dict[str, StoredClip], size: int, path: Path) -> dict[str, StoredClip]:
    """The clips with frames of `size` pixels."""
    with ShardWriter(path, codec="png") as writer:
        for clip_id, clip in clips.items():
            frames = clip.frames()
            writer.add(
                clip_id,
                landmarks=clip.landmarks * (size / frames.shape[1]),
                frames=[cv2.resize(f, (size, size), interpolation=cv2.INTER_CUBIC) for f in frames],
            )
    return open_clips([path])


def as_rendered(clip: StoredClip) -> RenderedClip:
    """A stored clip as a method's."""
    return RenderedClip(clip.clip_id, clip.landmarks, clip.iterate_frames, clip.attributes, "")


def itself(frame: np.ndarray) -> np.ndarray:
    return frame


def seconds(job: Callable[[], object]) -> float:
    """Processor seconds of a job."""
    start = time.process_time()
    job()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rendered", type=Path)
    parser.add_argument("true", type=Path)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=2)
    flags = parser.parse_args()
    cv2.setNumThreads(1)
    finder, describer = FaceFinder(), FaceDescriber()
    with tempfile.TemporaryDirectory() as folder:
        rendered, frames = {}, 0
        # Of all emotions, so that the judges have something to learn.
        clips = sorted(open_run(flags.rendered).items(), key=lambda item: item[0][::-1])
        for clip_id, clip in clips:
            if frames < flags.frames:
                rendered[clip_id] = clip
                frames += clip.length
        ours = enlarged(rendered, flags.size, Path(folder) / "rendered.h5")
        true = enlarged(
            {i: open_run(flags.true)[i] for i in ours}, flags.size, Path(folder) / "true.h5"
        )
        print(f"{len(ours)} clips, {frames} frames of {flags.size} pixels", flush=True)

        def see(clips: dict[str, StoredClip]) -> dict[str, Redetected]:
            return {
                clip_id: redetect(clip.iterate_frames(), clip.length, finder, describer)
                for clip_id, clip in clips.items()
            }

        truth_seen, ours_seen = see(true), see(ours)
        judges = fit_judges(true)

        def detection() -> None:
            for clip in ours.values():
                deque(follow_face(clip.iterate_frames(), itself, finder, every=1), maxlen=0)

        # The rule that detects describes, too, and has the frames already.
        shown = {clip_id: clip.frames() for clip_id, clip in ours.items()}

        def identity() -> None:
            for clip_id, pictures in shown.items():
                for t in described_frames(len(pictures)):
                    describer.describe(pictures[t], ours_seen[clip_id].landmarks[t])

        def evaluation() -> None:
            for clip_id, clip in ours.items():
                evaluate_clip(
                    as_rendered(clip), true[clip_id], ours_seen[clip_id], truth_seen[clip_id],
                    judges,
                )  # fmt: skip

        def decoding() -> None:
            for clip in ours.values():
                clip.frames()

        taken: dict[str, list[float]] = {"detection": [], "identity": [], "evaluation": []}
        for _ in range(flags.rounds):
            for job in (detection, identity, evaluation):
                taken[job.__name__].append(seconds(job))
        alone = statistics.median(taken["detection"])
        metrics = statistics.median(
            map(sum, zip(taken["identity"], taken["evaluation"], strict=True))
        )
        scale = 1000 / frames
        print(f"re-detection {alone * scale:.2f} s, all metrics {metrics * scale:.2f} s "
              f"a thousand frames: {metrics / alone:.2f} times")  # fmt: skip
        image, truth = (next(iter(shard.values())).frame(1) for shard in (ours, true))
        grey = picture_metrics.grey(image)
        parts = {
            "identity": statistics.median(taken["identity"]) * scale,
            "all else": statistics.median(taken["evaluation"]) * scale,
            "  decoding, rendered and true": 2 * seconds(decoding) * scale,
            "  SSIM": seconds(lambda: [picture_metrics.ssim_map(image, truth)
                                       for _ in range(100)]) * 10,
            "  CPBD": seconds(lambda: [cpbd(grey) for _ in range(100)]) * 10,
        }  # fmt: skip
        print("\n".join(f"{name:32} {part:6.2f} s" for name, part in parts.items()))


if __name__ == "__main__":
    main()
