"""Methods: a landmark model and a translator together, from sound and reference face to frames."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from tqdm import tqdm

from emohead.data.clip_tables import read_clips
from emohead.data.references import Protocol, choose_reference_clips
from emohead.features.store import ShardWriter, StoredClip
from emohead.landmarks.load import restore_landmark_model
from emohead.landmarks.model import LandmarkModel
from emohead.landmarks.predict import predict_landmarks
from emohead.methods.rendered import store_rendering
from emohead.training.checkpoint import load_checkpoint
from emohead.translator.load import restore_translator
from emohead.translator.render import translate
from emohead.translator.unet import UNet

#: In the place of a model: the clip's own landmarks or frames, or those of its reference face.
StandIn = Literal["truth", "reference"]


@dataclass(frozen=True)
class Method:
    """A row of Table 1. Stand-ins in place of models give the rows that frame the others."""

    name: str
    landmarks: LandmarkModel | StandIn
    translator: UNet | StandIn


def read_method(name: str, landmarks: str, translator: str) -> Method:
    """A method from checkpoints; `truth` or `reference` in place of a path is a stand-in."""
    stand_ins = ("truth", "reference")
    return Method(
        name,
        landmarks if landmarks in stand_ins
        else restore_landmark_model(load_checkpoint(Path(landmarks), "landmarks")),
        translator if translator in stand_ins
        else restore_translator(load_checkpoint(Path(translator), "translator")),
    )  # fmt: skip


@dataclass(frozen=True)
class Rendering:
    """A clip as a method makes it.

    `landmarks` float32 [T, 68, 2] (pixels of the crop), `frames` uint8 [T, S, S, 3], and
    `emotion_probabilities` [8] in the order of EMOTIONS, None without a classifier.
    """

    landmarks: np.ndarray
    frames: np.ndarray
    emotion_probabilities: np.ndarray | None = None


def predict_clip(method: Method, clip: StoredClip, reference: StoredClip) -> Rendering:
    """Render a clip from its sound and the first frame of `reference`, which may be the clip.

    Landmarks are in the pixels of the reference's crop, which is where the reference face is.
    """
    reference_landmarks, reference_face = reference.landmarks[0], reference.frame(0)
    probabilities = None
    if method.landmarks == "truth":
        landmarks = clip.landmarks
    elif method.landmarks == "reference":
        landmarks = np.repeat(reference_landmarks[None], clip.length, axis=0)
    else:
        landmarks, probabilities = predict_landmarks(
            method.landmarks, clip.mfcc, reference_landmarks, len(reference_face)
        )
    if method.translator == "truth":
        frames = clip.frames()
    elif method.translator == "reference":
        frames = np.repeat(reference_face[None], clip.length, axis=0)
    else:
        frames = translate(method.translator, landmarks, reference_face)
    return Rendering(landmarks, frames, probabilities)


def synthesize_clips(
    method: Method,
    clips: Mapping[str, StoredClip],
    *,
    reference: Protocol,
    clip_table: Path,
    shard: Path,
    videos: Path,
    threads: int,
) -> None:
    """Render `clips` with a method: lossless frames into `shard`, .mp4 with sound into `videos`.

    `reference` chooses each clip's reference face, see `emohead.data.references`. `clip_table` is
    clips.csv; the sound comes from the files that it names.
    """
    torch.set_num_threads(threads)
    takes = {take.clip_id: take for take in read_clips(clip_table)}
    reference_clips = choose_reference_clips(clips, reference)
    with ShardWriter(shard, codec="png") as writer:
        for clip_id, clip in tqdm(clips.items(), desc=method.name, unit="clip", mininterval=5):
            made = predict_clip(method, clip, clips[reference_clips[clip_id]])
            attributes = {"reference_clip": reference_clips[clip_id]}
            if made.emotion_probabilities is not None:
                rounded = [round(float(p), 6) for p in made.emotion_probabilities]
                attributes["emotion_probabilities"] = json.dumps(rounded)
            store_rendering(
                writer,
                videos,
                clip,
                takes[clip_id],
                frames=made.frames,
                landmarks=made.landmarks,
                comment=f"Synthetic talking head, made by emohead's method {method.name}",
                attributes=attributes,
            )
