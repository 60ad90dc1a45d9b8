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
from emohead.motion.audio_options import MotionAudioOptions
from emohead.motion.field import MotionField
from emohead.motion.pose import head_poses
from emohead.motion.render import find_keypoints
from emohead.motion.sound_shard import heard_of

# Radians and centimetres below which a number of the pose counts as still.
_STILL = 1e-3


class MotionBatch(NamedTuple):
    """Clips padded with zeros: sound [B, T, 28, 12] (or 4, 41), poses [B, T, 6], keypoints
    [B, T, 6 K].

    `face` [B] is the frame that the face is of, `lengths` [B] count true frames. For the hourglass
    `pictures` uint8 [B, S, S, 3] of the faces and `starts` [B] of windows; empty else.
    """

    sound: Tensor
    poses: Tensor
    keypoints: Tensor
    face: Tensor
    lengths: Tensor
    pictures: Tensor
    starts: Tensor


class MotionClips(Dataset[tuple[Tensor, ...]]):
    """Whole clips in memory; with a `seed` (training) the face is any frame, drawn anew each epoch.

    Else it is the first one, as at evaluation. A draw depends on seed, epoch and index alone. There
    are samples once `find_keypoints` was called; pictures of the faces are read when they are asked
    for. `mfcc_offset` as in `LandmarkClips`.
    """

    def __init__(
        self,
        clips: Mapping[str, StoredClip],
        options: MotionAudioOptions,
        *,
        seed: int | None = None,
        mfcc_offset: float = 0.0,
    ) -> None:
        if not clips:
            raise ValueError("no clips to learn motion from: the part is empty")
        self._seed, self._offset, self._epoch = seed, mfcc_offset, 0
        self._options = options
        self._sources = list(clips.values())
        self._clips = [
            (
                torch.from_numpy(heard_of(clip, options)),
                torch.from_numpy(head_poses(clip.landmarks, clip.crop_size)),
            )
            for clip in self._sources
        ]

    def find_keypoints(self, field: MotionField) -> None:
        """Find those of all frames, where the field is; they are kept on the CPU."""
        self._keypoints = [
            flat(find_keypoints(field, clip.iterate_frames())).cpu().clone()
            for clip in self._sources
        ]

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose faces are drawn; the loader calls it."""
        self._epoch = epoch

    @property
    def pose_scale(self) -> Scale:
        """Mean and deviation of the poses; of the training clips, that is."""
        poses = torch.cat([poses for _, poses in self._clips])
        return Scale(poses.mean(0), poses.std(0).clamp(min=_STILL))

    @property
    def sound_scale(self) -> Scale:
        """Those of the sound's numbers, likewise."""
        count = self._clips[0][0].shape[-1]
        steps = torch.cat([sound.reshape(-1, count) for sound, _ in self._clips])
        return Scale(steps.mean(0), steps.std(0).clamp(min=_STILL))

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor, int, int]:
        (sound, poses), keypoints = self._clips[index], self._keypoints[index]
        face = start = 0
        if self._seed is not None:
            draw = np.random.default_rng([self._seed, self._epoch, index])
            offset = draw.normal(0, self._offset, sound.shape[-1])
            sound = sound + torch.from_numpy(offset).to(sound.dtype)
            face = int(draw.integers(len(poses)))
            # As far behind the clip's end as the last window begins before it.
            start = int(draw.integers(max(len(poses) - self._options.window // 2, 0) + 1))
        picture = torch.empty(0, dtype=torch.uint8)
        if self._options.network == "hourglass":
            picture = torch.from_numpy(self._sources[index].frame(face))
        return sound, poses, keypoints, picture, face, start


def collate_motion(
    samples: Sequence[tuple[Tensor, Tensor, Tensor, Tensor, int, int]],
) -> MotionBatch:
    """Pad clips of different lengths into one batch."""
    *padded, pictures, face, starts = zip(*samples, strict=True)
    return MotionBatch(
        *(pad_sequence(list(each), batch_first=True) for each in padded),
        torch.tensor(face),
        torch.tensor([len(each) for each in padded[0]]),
        torch.stack(pictures),
        torch.tensor(starts),
    )
