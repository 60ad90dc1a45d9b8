"""What a method's frames lose to head motion, which the sound doesn't carry.

Renders the test clips of a finished run with one translator and three kinds of landmarks: the
method's own, the same moved rigidly to where the true head is (as evaluation.pose: truth does), and
the true ones. Prints the PSNR of the face box, beside the copy of the reference
face. Usage: python benchmarks/head_motion.py [results] [--method ours]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "workflow_scripts"))

from emohead.data.split import clips_of_part  # noqa: E402
from emohead.evaluation import picture_metrics  # noqa: E402
from emohead.features.pose import with_pose_of  # noqa: E402
from emohead.features.store import open_clips  # noqa: E402
from emohead.training.checkpoint import load_checkpoint  # noqa: E402
from emohead.translator.load import restore_translator  # noqa: E402
from emohead.translator.render import translate  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("results", type=Path, nargs="?", default=Path("results"))
parser.add_argument("--method", default="ours")
parser.add_argument("--translator", default="aatu")
flags = parser.parse_args()


def face_psnr(frames: Sequence[np.ndarray], truth: np.ndarray, box: tuple[slice, slice]) -> float:
    """Mean over frames 1 to T - 1."""
    pairs = zip(frames[1:], truth[1:], strict=True)
    return float(np.mean([picture_metrics.psnr(a[box], b[box]) for a, b in pairs]))


model = restore_translator(
    load_checkpoint(flags.results / f"translator/{flags.translator}/seed0/model.pt", "translator")
)
predicted = {}
for path in (flags.results / f"methods/{flags.method}/same_emotion/seed0").glob("*/landmarks.npz"):
    with np.load(path) as arrays:
        predicted |= {
            name.removesuffix("/predicted"): arrays[name]
            for name in arrays
            if name.endswith("/predicted")
        }
test = clips_of_part(flags.results / "split.csv", "test")
rows = []
for clip_id, clip in open_clips(sorted((flags.results / "features").glob("*.h5")), test).items():
    truth, frames = clip.landmarks, clip.frames()
    box = picture_metrics.box_around(truth, clip.crop_size)
    ours = predicted[clip_id]
    landmarks = (ours, with_pose_of(ours, truth), truth)
    copied = np.repeat(frames[:1], len(frames), axis=0)
    rows.append(
        [face_psnr(copied, frames, box)]
        + [
            face_psnr(list(translate(model, points, frames[0], truth[0])), frames, box)
            for points in landmarks
        ]
    )
copy, *others = np.mean(rows, axis=0)
print(f"copy of the reference face            {copy:6.2f} dB")
names = ("predicted landmarks", "predicted, true head position", "true landmarks")
for name, value in zip(names, others, strict=True):
    print(f"{name:36s}  {value:6.2f} dB  ({value - copy:+.2f})")
