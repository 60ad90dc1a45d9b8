"""The two stages by themselves, for ablations: each is scored without the other's errors.

A landmark model is scored by the landmarks that it predicts, a translator on the true landmarks.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
from tqdm import tqdm

from emohead.data.mead import parse_clip_id
from emohead.data.references import Protocol, choose_reference_clips
from emohead.evaluation.catalogue import FIRST_SCORED
from emohead.evaluation.landmark_metrics import landmark_values
from emohead.evaluation.picture_metrics import boxes_of, picture_values
from emohead.evaluation.scores import Values, values_from_json, values_to_json
from emohead.features.store import StoredClip
from emohead.files import whole_file
from emohead.landmarks.model import LandmarkModel
from emohead.landmarks.predict import predict_landmarks
from emohead.methods.device import RenderingDevice
from emohead.resume import timed
from emohead.translator.render import translate
from emohead.translator.unet import UNet

SCORED = slice(FIRST_SCORED, None)
#: The metrics of a clip with a clip whose first frame is its reference face.
EvaluateClip = Callable[[StoredClip, StoredClip], Values]


def evaluate_stage(
    evaluate: EvaluateClip, clips: Mapping[str, StoredClip], reference: Protocol, *, state: Path
) -> dict[str, Values]:
    """The metrics of every clip by one model: `evaluate` is one of the two below.

    Finished clips are kept in `state` (see `emohead.resume.resumable`) until all are.
    """
    reference_clips = choose_reference_clips(clips, reference)
    found = {}
    for clip_id, clip in tqdm(clips.items(), desc=reference, unit="clip", mininterval=5):
        piece = state / f"{reference}-{clip_id}.json"
        if not piece.exists():
            with timed(state):
                values = evaluate(clip, clips[reference_clips[clip_id]])
            with whole_file(piece) as unfinished:
                unfinished.write_text(values_to_json(values))
        found[clip_id] = values_from_json(piece.read_text())
    return found


def evaluate_landmark_model(
    model: LandmarkModel, clip: StoredClip, reference: StoredClip
) -> Values:
    """Metrics of the predicted landmarks of a clip, and whether MSEF names its emotion."""
    size = clip.crop_size
    landmarks, probabilities = predict_landmarks(model, clip.mfcc, reference.landmarks[0], size)
    values = dict(
        landmark_values(
            landmarks[SCORED].astype(float) / size,
            clip.landmarks[SCORED].astype(float) / size,
            "predicted",
        )
    )
    if probabilities is not None:
        right = int(np.argmax(probabilities)) == parse_clip_id(clip.clip_id).emotion_index
        values["emotion_accuracy", "msef"] = float(right)
    return values


def evaluate_translator(
    model: UNet, device: RenderingDevice, clip: StoredClip, reference: StoredClip
) -> Values:
    """Metrics of the frames that a translator makes of a clip's true landmarks."""
    face = reference.frame(0)
    batch_size = device.frames_at_once(len(face))
    frames = translate(model, clip.landmarks, face, reference.landmarks[0], batch_size=batch_size)
    pairs = zip(frames, clip.iterate_frames(), strict=True)
    return picture_values(
        islice(pairs, FIRST_SCORED, None), boxes_of(clip.landmarks, clip.crop_size)
    )
