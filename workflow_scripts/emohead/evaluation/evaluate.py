"""One row of metrics for every test clip of a method."""

import numpy as np
import pandas as pd

from emohead.evaluation import metrics
from emohead.evaluation.redetect import Redetected
from emohead.mead import parse_clip_id
from emohead.store import StoredClip

COLUMNS = (
    "clip_id", "speaker", "emotion", "level", "frames", "faces_missed",
    "f_lmd", "m_lmd", "ssim", "psnr", "psnr_face", "lip_correlation",
)  # fmt: skip


def evaluate_clip(
    ours: StoredClip, truth: StoredClip, ours_seen: Redetected, truth_seen: Redetected
) -> dict[str, str | float]:
    """The metrics of one rendered clip, columns COLUMNS.

    `ours_seen` and `truth_seen` are the landmarks re-detected on the two. The first frame is not
    scored: it is the reference face, which a method has been given.
    """
    if ours.length != truth.length:
        raise ValueError(f"{ours.clip_id}: {ours.length} frames rendered, {truth.length} expected")
    name = parse_clip_id(ours.clip_id)
    images, true_images = ours.frames()[1:], truth.frames()[1:]
    size = true_images.shape[1]
    to_pixels = metrics.LANDMARK_CROP / size
    points = ours_seen.landmarks[1:] * to_pixels
    true_points = truth_seen.landmarks[1:] * to_pixels
    rows, columns = metrics.face_box(truth.landmarks, size)
    pairs = list(zip(images, true_images, strict=True))
    faces = [(a[rows, columns], b[rows, columns]) for a, b in pairs]
    return {
        "clip_id": ours.clip_id,
        "speaker": name.speaker,
        "emotion": name.emotion,
        "level": name.level,
        "frames": len(pairs),
        "faces_missed": int((~ours_seen.found[1:]).sum()),
        "f_lmd": metrics.landmark_distance(points, true_points),
        "m_lmd": metrics.mouth_distance(points, true_points),
        "ssim": float(np.mean([metrics.ssim(a, b) for a, b in pairs])),
        "psnr": float(np.mean([metrics.psnr(a, b) for a, b in pairs])),
        "psnr_face": float(np.mean([metrics.psnr(a, b) for a, b in faces])),
        "lip_correlation": metrics.lip_correlation(points, true_points),
    }  # fmt: skip


def evaluate_method(
    ours: dict[str, StoredClip],
    truth: dict[str, StoredClip],
    ours_seen: dict[str, Redetected],
    truth_seen: dict[str, Redetected],
) -> pd.DataFrame:
    """The metrics of all clips of a method, one row a clip, sorted by clip id."""
    rows = [
        evaluate_clip(ours[c], truth[c], ours_seen[c], truth_seen[c]) for c in sorted(ours)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def summarize(clips: pd.DataFrame) -> pd.DataFrame:
    """The method's row of Table 1: the mean over clips of every metric."""
    return clips[list(COLUMNS[6:])].mean().to_frame().T
