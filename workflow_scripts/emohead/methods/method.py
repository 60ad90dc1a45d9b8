"""Methods: a landmark model and a translator together, from sound and reference face to frames."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from emohead.data.mead import parse_clip_id
from emohead.data.references import Protocol, choose_reference_clips
from emohead.features.pose import with_pose_of
from emohead.features.store import ShardWriter, StoredClip
from emohead.landmarks.load import restore_landmark_model
from emohead.landmarks.model import LandmarkModel
from emohead.landmarks.predict import predict_landmarks
from emohead.methods.bundled import read_bundled, translate_resized
from emohead.methods.device import RenderingDevice
from emohead.methods.moved import Mover, move_clip, read_mover
from emohead.methods.rendered import PROVENANCE, STAND_INS, WARP, StandIn
from emohead.methods.target import place_target, retarget
from emohead.resume import say_resumed, seconds_of, timed
from emohead.training.checkpoint import load_checkpoint
from emohead.translator.inference import for_inference
from emohead.translator.load import restore_translator
from emohead.translator.render import translate, warp_alone
from emohead.translator.unet import UNet

#: Where the head of predicted landmarks is: where the model puts it, or where the true one is.
Pose = Literal["own", "truth"]


@dataclass(frozen=True)
class Method:
    """A row of Table 1: its models on their `device`, and its heads' pose.

    `target` is the clip of the speaker's that is its target video, if it has one. A `told` method
    is given each clip's true emotion; its landmark model is an EVP. With a `mover` there are no
    landmarks, and the other parts aren't looked at.
    """

    name: str
    landmarks: LandmarkModel | StandIn
    translator: UNet | StandIn | Literal["warp"]
    device: RenderingDevice
    pose: Pose = "own"
    #: Pixels of the crops of a bundle's translator.
    crop_size: int | None = None
    target: StoredClip | None = None
    told: bool = False
    mover: Mover | None = None


def read_method(
    name: str,
    landmarks: str,
    translator: str,
    device: RenderingDevice,
    pose: Pose = "own",
    bundle: Path | None = None,
    target: StoredClip | None = None,
    *,
    told: bool = False,
    field: Path | None = None,
    sound: Path | None = None,
) -> Method:
    """A method from checkpoints, on a device; `truth` or `reference` in place of a path.

    `warp` in the place of a translator. Of a `bundle` both models are taken, or its translator
    alone, with `truth` as landmarks. With the checkpoint of a motion `field`, and perhaps of its
    networks of `sound`, neither is read. ValueError where that can't be read.
    """
    if field is not None:
        mover = read_mover(field, sound, device.device)
        return Method(name, "truth", "truth", device, pose, mover=mover)
    if bundle is not None:
        theirs = read_bundled(bundle, device.device)
        return Method(
            name,
            landmarks if landmarks in STAND_INS else theirs.landmarks,
            _for_rendering(theirs.translator, device),
            device,
            pose,
            theirs.crop_size,
        )
    return Method(
        name,
        landmarks if landmarks in STAND_INS else read_landmark_model(Path(landmarks), device),
        translator
        if translator in (*STAND_INS, WARP)
        else read_translator(Path(translator), device),
        device,
        pose,
        target=target,
        told=told,
    )


def read_landmark_model(checkpoint: Path, device: RenderingDevice) -> LandmarkModel:
    """A landmark model on a device; always in float32, as it takes no time."""
    return restore_landmark_model(load_checkpoint(checkpoint, "landmarks")).to(device.device)


def read_translator(checkpoint: Path, device: RenderingDevice) -> UNet:
    """A translator on a device, in its precision and in the form that computes fastest."""
    model = restore_translator(load_checkpoint(checkpoint, "translator")).to(device.device)
    return _for_rendering(model, device)


def _for_rendering(model: UNet, device: RenderingDevice) -> UNet:
    return for_inference(model, bf16=device.precision == "bf16-true")


@dataclass(frozen=True)
class Rendering:
    """A clip as a method makes it.

    `landmarks` float32 [T, 68, 2] (pixels of the crop; nan where a method predicts none), `frames`
    uint8 [S, S, 3] one by one, once, and `emotion_probabilities` [8] in the order of EMOTIONS, None
    without a classifier.
    """

    landmarks: np.ndarray
    frames: Iterator[np.ndarray]
    emotion_probabilities: np.ndarray | None = None


def render_clip(method: Method, clip: StoredClip, reference: StoredClip) -> Rendering:
    """Render a clip from its sound and the first frame of `reference`, which may be the clip.

    Landmarks are in the pixels of the reference's crop, which is where the reference face is; with
    the true head's pose, in those of the clip's. A method with a target video is given that video's
    first face instead, at the same place.
    """
    reference_landmarks, reference_face = reference.landmarks[0], reference.frame(0)
    if method.mover is not None:
        batch_size = method.device.frames_at_once(len(reference_face))
        frames = move_clip(
            method.mover, clip, reference, true_pose=method.pose == "truth", batch_size=batch_size
        )
        return Rendering(np.full((clip.length, 68, 2), np.nan, np.float32), frames)
    target = scene = None
    if method.target is not None:
        target = place_target(method.target, reference_landmarks, clip.length)
        reference_landmarks, reference_face = target.landmarks[0], next(target.frames())
        scene = target.frames()
    probabilities = None
    if method.landmarks == "truth":
        landmarks = clip.landmarks
    elif method.landmarks == "reference":
        landmarks = np.repeat(reference_landmarks[None], clip.length, axis=0)
    else:
        emotion = parse_clip_id(clip.clip_id).emotion_index
        with method.landmarks.telling(emotion) if method.told else nullcontext():
            landmarks, probabilities = predict_landmarks(
                method.landmarks, clip.mfcc, reference_landmarks, len(reference_face)
            )
    if target is not None:
        landmarks = retarget(landmarks, target.landmarks, len(reference_face))
    if method.pose == "truth" and method.landmarks != "truth":
        landmarks = with_pose_of(landmarks, clip.landmarks)
    if method.translator == "truth":
        frames = clip.iterate_frames()
    elif method.translator == "reference":
        frames = repeat(reference_face, clip.length)
    else:
        given = landmarks, reference_face, reference_landmarks
        batch_size = method.device.frames_at_once(len(reference_face))
        if method.crop_size is not None:
            frames = translate_resized(
                method.translator, *given, crop_size=method.crop_size, batch_size=batch_size
            )
        elif method.translator == WARP:
            frames = warp_alone(*given, device=method.device.device, batch_size=batch_size)
        else:
            frames = translate(method.translator, *given, batch_size=batch_size, scene=scene)
    return Rendering(landmarks, frames, probabilities)


def render_clips(
    method: Method,
    clips: Mapping[str, StoredClip],
    *,
    reference: Protocol,
    keep: bool,
    state: Path,
    folder: Path,
) -> None:
    """Render `clips` with a method, without loss, each into a shard `folder`/<clip_id>.h5.

    `reference` chooses each clip's reference face, see `emohead.data.references`. With `keep` the
    frames are compressed; else they are to be read once and removed. Finished clips are kept in
    `state` (see `emohead.resume.resumable`) until all are.
    """
    reference_clips = choose_reference_clips(clips, reference)
    made = state / "frames"
    made.mkdir(exist_ok=True)
    say_resumed(sum(1 for _ in made.glob("*.h5")), len(clips))
    for clip_id, clip in tqdm(clips.items(), desc=method.name, unit="clip", mininterval=5):
        path = made / f"{clip_id}.h5"
        if path.exists():
            continue
        with timed(state), ShardWriter(path, codec="png" if keep else "bmp") as writer:
            rendering = render_clip(method, clip, clips[reference_clips[clip_id]])
            attributes = {"reference_clip": reference_clips[clip_id]}
            if rendering.emotion_probabilities is not None:
                rounded = [round(float(p), 6) for p in rendering.emotion_probabilities]
                attributes["emotion_probabilities"] = json.dumps(rounded)
            writer.add(
                clip_id,
                landmarks=rendering.landmarks,
                frames=rendering.frames,
                attributes=attributes,
            )
    made_by = replace(method.device.provenance, seconds=seconds_of(state))
    (made / PROVENANCE).write_text(made_by.to_json())
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(made, folder)
