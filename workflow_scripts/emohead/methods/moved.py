"""A motion field as a method: the reference face moved to keypoints, without any landmarks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from emohead.features.store import StoredClip
from emohead.motion.audio import Face, MotionAudio, flat, unflat
from emohead.motion.field import MotionField
from emohead.motion.keypoints import Keypoints
from emohead.motion.load import restore_field, restore_motion_audio
from emohead.motion.pose import head_poses
from emohead.motion.render import as_batch, find_keypoints, move_face
from emohead.motion.sound_shard import heard_of
from emohead.training.checkpoint import load_checkpoint


@dataclass(frozen=True)
class Mover:
    """A motion field and what tells it keypoints: sound, or without it the clip's own frames."""

    field: MotionField
    sound: MotionAudio | None = None


def read_mover(field: Path, sound: Path | None, device: str) -> Mover:
    """A mover on a device; always in float32, in which its flow is."""
    heard = None
    if sound is not None:
        heard = restore_motion_audio(load_checkpoint(sound, "motion_audio")).to(device)
    return Mover(restore_field(load_checkpoint(field, "motion_field")).to(device), heard)


def move_clip(
    mover: Mover,
    clip: StoredClip,
    reference: StoredClip,
    *,
    true_pose: bool = False,
    batch_size: int,
) -> Iterator[np.ndarray]:
    """Frames uint8 [S, S, 3] of a clip, one by one: the first face of `reference`, moved.

    By the clip's sound, its head as the sound says or, with `true_pose`, as the clip's own. Without
    sound by the clip's own frames, which is what the field can do at best.
    """
    face = reference.frame(0)
    if mover.sound is None:
        keypoints = find_keypoints(mover.field, clip.iterate_frames(), batch_size=batch_size)
    else:
        keypoints = _hear(mover, face, clip, reference, true_pose)
    yield from move_face(mover.field, face, keypoints, batch_size=batch_size)


@torch.inference_mode()
def _hear(
    mover: Mover, face: np.ndarray, clip: StoredClip, reference: StoredClip, true_pose: bool
) -> Keypoints:
    sound = mover.sound
    device = sound.pose_mean.device

    def poses(landmarks: np.ndarray, size: int) -> torch.Tensor:
        return sound.normalise_pose(torch.from_numpy(head_poses(landmarks, size)).to(device))

    made = sound(
        torch.from_numpy(heard_of(clip, sound.options)[None]).to(device),
        Face(
            flat(find_keypoints(mover.field, [face])).to(device),
            poses(reference.landmarks[:1], reference.crop_size),
            as_batch(mover.field, [face]),
        ),
        torch.tensor([clip.length], device=device),
        poses(clip.landmarks, clip.crop_size)[None] if true_pose else None,
    )
    return unflat(made.keypoints[0])
