"""The metrics of a method's clips: the long table clips.csv and the row of means."""

import json

import numpy as np
import pandas as pd

from emohead.data.mead import EMOTIONS, parse_clip_id
from emohead.evaluation.catalogue import FIRST_SCORED, HEADLINE
from emohead.evaluation.clip_values import boxes_of, landmark_values, picture_values
from emohead.evaluation.emotion_judges import (
    PICTURE_EVERY,
    EmotionJudges,
    landmark_features,
    picture_features,
)
from emohead.evaluation.identity import identity_distance
from emohead.evaluation.long_table import Values
from emohead.evaluation.redetect import Redetected
from emohead.features.store import StoredClip

#: The columns of row.csv, (metric, convention) each: those of Table 1, and what they don't see.
ROW = {name: (name, convention) for name, convention in HEADLINE.items()} | {
    "ssim_face": ("ssim", "face"),
    "psnr_face": ("psnr", "face"),
    "lip_correlation": ("lip_correlation", "redetected"),
}

_NAN = float("nan")


def evaluate_clip(
    ours: StoredClip,
    truth: StoredClip,
    ours_seen: Redetected,
    truth_seen: Redetected,
    judges: EmotionJudges,
) -> Values:
    """The metrics of one rendered clip; nan where one can't be computed.

    `ours_seen` and `truth_seen` are what dlib sees on the two. A rendered clip may be shorter than
    the true one: the frames that both have are scored, without the first one, which can be the
    reference face that the method was given. Raises ValueError for a longer clip, or for frames of
    another size.
    """
    if ours.length > truth.length:
        raise ValueError(
            f"{ours.clip_id}: {ours.length} frames rendered, more than the true {truth.length}"
        )
    scored = slice(FIRST_SCORED, ours.length)
    values: dict[tuple[str, str], float] = {
        ("frames", "count"): max(0, ours.length - FIRST_SCORED),
        ("faces_missed", "count"): int((~ours_seen.found[scored]).sum()),
    }
    if ours.length <= FIRST_SCORED:
        return values
    images, true_images = ours.frames()[scored], truth.frames()[scored]
    if images.shape != true_images.shape:
        raise ValueError(
            f"{ours.clip_id}: rendered frames have {images.shape[1]} pixels, the true ones "
            f"{true_images.shape[1]}: render again with today's features.crop_size"
        )
    size = true_images.shape[1]
    for points, made, true in (
        ("redetected", ours_seen.landmarks, truth_seen.landmarks),
        ("predicted", ours.landmarks, truth.landmarks),
    ):
        made, true = (each[scored].astype(np.float64) / size for each in (made, true))
        values |= landmark_values(made, true, points)
    values |= picture_values(images, true_images, boxes_of(truth.landmarks, size))
    values["identity", "dlib_distance"] = identity_distance(
        ours_seen.descriptors, truth_seen.descriptors
    )
    named = {
        "landmarks": judges.landmarks.name(landmark_features(ours_seen.landmarks[scored], size)),
        "pixels": judges.pixels.name(picture_features(images[::PICTURE_EVERY])),
        "msef": emotion_of_msef(ours),
    }
    emotion = parse_clip_id(ours.clip_id).emotion
    for convention, name in named.items():
        values["emotion_accuracy", convention] = _NAN if name is None else float(name == emotion)
    return values


def emotion_of_msef(clip: StoredClip) -> str | None:
    """The emotion that the method's own classifier named, where it has one."""
    probabilities = clip.attributes.get("emotion_probabilities")
    return None if probabilities is None else EMOTIONS[int(np.argmax(json.loads(probabilities)))]


def evaluate_method(
    ours: dict[str, StoredClip],
    truth: dict[str, StoredClip],
    ours_seen: dict[str, Redetected],
    truth_seen: dict[str, Redetected],
    judges: EmotionJudges,
) -> dict[str, Values]:
    """The metrics of all rendered clips of a method, which need not be all that there are.

    Raises ValueError for a clip that isn't a test clip.
    """
    unknown = sorted(set(ours) - set(truth))
    if unknown:
        raise ValueError(
            f"{len(unknown)} rendered clips are no test clips, for example {unknown[0]}: "
            "render the method again"
        )
    return {
        clip_id: evaluate_clip(
            ours[clip_id], truth[clip_id], ours_seen[clip_id], truth_seen[clip_id], judges
        )
        for clip_id in sorted(ours)
    }


def summarize(clips: pd.DataFrame) -> pd.DataFrame:
    """The row of means over clips, columns ROW, of a long table."""
    means = clips.groupby(["metric", "convention"])["value"].mean()
    return pd.DataFrame([{column: means.get(each, _NAN) for column, each in ROW.items()}])
