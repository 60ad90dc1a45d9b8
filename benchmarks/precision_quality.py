"""What bf16 and int8 cost: a trained translator's frames against those that float32 makes.

    python benchmarks/precision_quality.py RESULTS [--landmarks audio2lm_msef] [--every 5]

RESULTS is a finished run's folder. For every test clip, under both reference faces, the translators
draw every fifth frame from predicted landmarks, in each precision as `emohead generate` prepares
it. Printed: PSNR against float32's frames (of all pixels, and of the worst clip), and by how much
PSNR and SSIM against the true frames change (on average, and where they fall most).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

from emohead.data.references import PROTOCOLS, choose_reference_clips
from emohead.data.split import clips_of_part
from emohead.evaluation.picture_metrics import psnr, ssim_map
from emohead.features.store import StoredClip, open_clips
from emohead.generate.bundle import Bundle
from emohead.generate.portrait import Portrait
from emohead.generate.precision import fast_translator
from emohead.generate.stages import translate_stream
from emohead.landmarks.load import restore_landmark_model
from emohead.landmarks.model import LandmarkModel
from emohead.landmarks.predict import predict_landmarks
from emohead.training.checkpoint import load_checkpoint
from emohead.translator.load import restore_translator
from emohead.translator.unet import UNet

PRECISIONS = ("float32", "bf16", "int8")


def render_clip(
    landmarks: LandmarkModel, translator: UNet, clip: StoredClip, reference: StoredClip, every: int
) -> dict[str, np.ndarray]:
    """Frames uint8 [n, S, S, 3] of a clip by precision."""
    face, points = reference.frame(0), reference.landmarks[0]
    bundle = Bundle(landmarks, translator, len(face), {})
    portrait = Portrait(face, face, points, np.eye(2, 3, dtype=np.float32), faces=1)
    predicted, _ = predict_landmarks(landmarks, clip.mfcc, points, len(face))
    return {
        precision: np.concatenate(list(translate_stream(
            fast_translator(bundle, portrait, precision), [predicted[1::every]], face, points
        )))
        for precision in PRECISIONS
    }  # fmt: skip


def likeness(frames: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean PSNR and SSIM over frames."""
    pairs = list(zip(frames, truth, strict=True))
    return np.mean([(psnr(a, b), ssim_map(a, b).mean()) for a, b in pairs], axis=0)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--landmarks", default="audio2lm_msef")
    parser.add_argument("--translators", nargs="+", default=["aatu", "unet"])
    parser.add_argument("--every", type=int, default=5, help="draw every n-th frame; default: 5")
    flags = parser.parse_args()
    clips = open_clips(
        sorted((flags.results / "features").glob("*.h5")),
        clips_of_part(flags.results / "split.csv", "test"),
    )
    checkpoint = flags.results / "landmarks" / flags.landmarks / "seed0/model.pt"
    landmarks = restore_landmark_model(load_checkpoint(checkpoint, "landmarks"))
    for name in flags.translators:
        checkpoint = flags.results / "translator" / name / "seed0/model.pt"
        translator = restore_translator(load_checkpoint(checkpoint, "translator"))
        errors = {precision: [] for precision in PRECISIONS[1:]}
        changes = {precision: [] for precision in PRECISIONS[1:]}
        for protocol in PROTOCOLS:
            references = choose_reference_clips(clips, protocol)
            for clip_id, clip in clips.items():
                made = render_clip(
                    landmarks, translator, clip, clips[references[clip_id]], flags.every
                )
                truth, exact = clip.frames()[1 :: flags.every], made["float32"]
                for precision in PRECISIONS[1:]:
                    error = np.square(made[precision] - exact.astype(float)).mean()
                    errors[precision].append(error)
                    changes[precision].append(
                        likeness(made[precision], truth) - likeness(exact, truth)
                    )
        for precision, squares in errors.items():
            mean, worst = 10 * np.log10(255**2 / np.array([np.mean(squares), max(squares)]))
            change, least = np.mean(changes[precision], axis=0), np.min(changes[precision], axis=0)
            print(
                f"{name} {precision}: {mean:.1f} dB from float32's frames (worst clip {worst:.1f});"
                f" against the truth {change[0]:+.3f} dB (worst {least[0]:+.3f}), "
                f"SSIM {change[1]:+.4f} (worst {least[1]:+.4f}); {len(squares)} clips",
                flush=True,
            )


if __name__ == "__main__":
    main()
