"""The two stages by themselves, for ablations: each is scored where the other can't blur it.

A landmark model is scored by the landmarks that it predicts, a translator on the true landmarks.
"""

from collections.abc import Mapping

import numpy as np

from emohead.data.mead import parse_clip_id
from emohead.data.references import Protocol, choose_reference_clips
from emohead.evaluation.catalogue import FIRST_SCORED
from emohead.evaluation.clip_values import boxes_of, landmark_values, picture_values
from emohead.evaluation.long_table import Values
from emohead.features.store import StoredClip
from emohead.landmarks.model import LandmarkModel
from emohead.landmarks.predict import predict_landmarks
from emohead.translator.render import translate
from emohead.translator.unet import UNet

SCORED = slice(FIRST_SCORED, None)


def evaluate_landmark_model(
    model: LandmarkModel, clips: Mapping[str, StoredClip], reference: Protocol
) -> dict[str, Values]:
    """Metrics of the predicted landmarks of every clip, and whether MSEF names its emotion."""
    reference_clips = choose_reference_clips(clips, reference)
    found = {}
    for clip_id, clip in clips.items():
        size = clip.crop_size
        start = clips[reference_clips[clip_id]].landmarks[0]
        landmarks, probabilities = predict_landmarks(model, clip.mfcc, start, size)
        values = dict(
            landmark_values(
                landmarks[SCORED].astype(float) / size,
                clip.landmarks[SCORED].astype(float) / size,
                "predicted",
            )
        )
        if probabilities is not None:
            right = int(np.argmax(probabilities)) == parse_clip_id(clip_id).emotion_index
            values["emotion_accuracy", "msef"] = float(right)
        found[clip_id] = values
    return found


def evaluate_translator(
    model: UNet, clips: Mapping[str, StoredClip], reference: Protocol
) -> dict[str, Values]:
    """Metrics of the frames that a translator makes of every clip's true landmarks."""
    reference_clips = choose_reference_clips(clips, reference)
    found = {}
    for clip_id, clip in clips.items():
        face = clips[reference_clips[clip_id]].frame(0)
        frames = translate(model, clip.landmarks, face)
        boxes = boxes_of(clip.landmarks, clip.crop_size)
        found[clip_id] = picture_values(frames[SCORED], clip.frames()[SCORED], boxes)
    return found
