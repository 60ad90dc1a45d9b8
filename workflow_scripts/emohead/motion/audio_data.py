"""What the networks of sound learn from: clips with the keypoints of their frames, and poses."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from emohead.features.store import StoredClip
from emohead.motion.audio import Scale, flat
from emohead.motion.field import MotionField
from emohead.motion.pose import head_poses
from emohead.motion.render import find_keypoints

# Radians and centimetres below which a number of the pose counts as still.
_STILL = 1e-3


class MotionBatch(NamedTuple):
    """Clips padded with zeros: mfcc [B, T, 28, 12], poses [B, T, 6], keypoints [B, T, 6 K].

    `face` [B] is the frame that the face is of, `lengths` [B] count true frames.
    """

    mfcc: Tensor
    poses: Tensor
    keypoints: Tensor
    face: Tensor
    lengths: Tensor


class MotionClips(Dataset[tuple[Tensor, ...]]):
    """Whole clips in memory; with a `seed` (training) the face is any frame, drawn anew each epoch.

    Else it is the first one, as at evaluation. A draw depends on seed, epoch and index alone. The
    keypoints are those that `field` finds, once, here. `mfcc_offset` as in `LandmarkClips`.
    """

    def __init__(
        self,
        clips: Mapping[str, StoredClip],
        field: MotionField,
        *,
        seed: int | None = None,
        mfcc_offset: float = 0.0,
    ) -> None:
        if not clips:
            raise ValueError("no clips to learn motion from: the part is empty")
        self._seed, self._offset, self._epoch = seed, mfcc_offset, 0
        self._clips = [
            (
                torch.from_numpy(clip.mfcc),
                torch.from_numpy(head_poses(clip.landmarks, clip.crop_size)),
                flat(find_keypoints(field, clip.iterate_frames())).cpu().clone(),
            )
            for clip in clips.values()
        ]

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose faces are drawn; the loader calls it."""
        self._epoch = epoch

    @property
    def pose_scale(self) -> Scale:
        """Mean and deviation of the poses; of the training clips, that is."""
        poses = torch.cat([poses for _, poses, _ in self._clips])
        return Scale(poses.mean(0), poses.std(0).clamp(min=_STILL))

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor, int]:
        mfcc, poses, keypoints = self._clips[index]
        if self._seed is None:
            return mfcc, poses, keypoints, 0
        draw = np.random.default_rng([self._seed, self._epoch, index])
        offset = draw.normal(0, self._offset, mfcc.shape[-1])
        face = int(draw.integers(len(mfcc)))
        return mfcc + torch.from_numpy(offset).to(mfcc.dtype), poses, keypoints, face


def collate_motion(samples: Sequence[tuple[Tensor, Tensor, Tensor, int]]) -> MotionBatch:
    """Pad clips of different lengths into one batch."""
    mfcc, poses, keypoints, face = zip(*samples, strict=True)
    return MotionBatch(
        *(pad_sequence(list(each), batch_first=True) for each in (mfcc, poses, keypoints)),
        torch.tensor(face),
        torch.tensor([len(each) for each in mfcc]),
    )
