"""Methods: a landmark model and a translator together, from sound and reference face to frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from tqdm import tqdm

from emohead.checkpoint import load_checkpoint
from emohead.clip_tables import read_clips
from emohead.encoding import write_video
from emohead.landmarks.load import restore_landmark_model
from emohead.landmarks.model import LandmarkModel
from emohead.landmarks.predict import predict_landmarks
from emohead.media import SAMPLES_PER_FRAME, clip_audio
from emohead.store import ShardWriter, StoredClip
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


def predict_clip(method: Method, clip: StoredClip) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks float32 [T, 68, 2] (pixels of the crop) and frames uint8 [T, S, S, 3] of a clip.

    The reference face is the clip's first frame: it shows the speaker in the clip's emotion.
    """
    truth, reference_face = clip.landmarks, clip.frame(0)
    if method.landmarks == "truth":
        landmarks = truth
    elif method.landmarks == "reference":
        landmarks = np.repeat(truth[:1], len(truth), axis=0)
    else:
        landmarks, _ = predict_landmarks(
            method.landmarks, clip.mfcc, truth[0], len(reference_face)
        )  # fmt: skip
    if method.translator == "truth":
        frames = clip.frames()
    elif method.translator == "reference":
        frames = np.repeat(reference_face[None], len(truth), axis=0)
    else:
        frames = translate(method.translator, landmarks, reference_face)
    return landmarks, frames


def sound_of(clip: StoredClip, samples: np.ndarray) -> np.ndarray:
    """The sound of a stored clip's frames, float32 [T * 640], out of the whole take's [N], 16 kHz.

    Sample 0 of `samples` lies at frame 0 of the take; where they end too early there is silence.
    """
    piece = samples[clip.span.start * SAMPLES_PER_FRAME : clip.span.stop * SAMPLES_PER_FRAME]
    return np.pad(piece, (0, clip.length * SAMPLES_PER_FRAME - len(piece)))


def synthesize_clips(
    method: Method,
    clips: Mapping[str, StoredClip],
    *,
    clip_table: Path,
    shard: Path,
    videos: Path,
    threads: int,
) -> None:
    """Render `clips` with a method: lossless frames into `shard`, .mp4 with sound into `videos`.

    `clip_table` is clips.csv; the sound comes from the files that it names.
    """
    torch.set_num_threads(threads)
    takes = {take.clip_id: take for take in read_clips(clip_table)}
    with ShardWriter(shard, codec="png") as writer:
        for clip_id, clip in tqdm(clips.items(), desc=method.name, unit="clip", mininterval=5):
            landmarks, frames = predict_clip(method, clip)
            writer.add(clip_id, landmarks=landmarks, frames=frames)
            write_video(
                videos / f"{clip_id}.mp4",
                frames,
                audio=sound_of(clip, clip_audio(takes[clip_id])),
                comment=f"Synthetic talking head, made by emohead's method {method.name}",
            )
