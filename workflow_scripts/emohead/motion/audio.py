"""Keypoints from sound: Audio2Head's two networks in front of the motion field.

    sound ─ encoder ─> LSTM with its own last output, from the face's pose -> pose
    sound ─ encoder ─> LSTM both ways, with pose and the face's keypoints -> keypoints

Wang et al., "Audio2Head", IJCAI 2021: the pose from sound by an LSTM, keypoints with Jacobians from
sound, pose and face, there by a 3-D hourglass (`emohead.motion.audio_hourglass`). No landmark,
emotion or later frame is given.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from emohead.landmarks.layers import mlp
from emohead.landmarks.model import frame_mask
from emohead.motion.audio_options import MotionAudioOptions
from emohead.motion.keypoints import Keypoints
from emohead.motion.options import KEYPOINTS

POSE = 6


class Scale(NamedTuple):
    """Mean and deviation [N] of some numbers over the training part."""

    mean: Tensor
    deviation: Tensor


class Face(NamedTuple):
    """A face per clip: flat `keypoints` [B, 6 K], normalised `pose` [B, 6], `picture` or nothing.

    Pictures are [B, 3, S, S] in [0, 1], for the hourglass, which looks at them.
    """

    keypoints: Tensor
    pose: Tensor
    picture: Tensor | None = None


class SoundMotion(NamedTuple):
    """`poses` [B, T, 6], normalised, and `keypoints` [B, T, 6 K], flat, where `made` [B, T]."""

    poses: Tensor
    keypoints: Tensor
    made: Tensor


class MotionAudio(nn.Module, ABC):
    """Head poses and keypoints of each frame of a clip; a subclass makes the keypoints."""

    def __init__(self, options: MotionAudioOptions, sound: Scale, pose: Scale) -> None:
        super().__init__()
        self.options = options
        for name, value in (
            ("sound_mean", sound.mean), ("sound_deviation", sound.deviation),
            ("pose_mean", pose.mean), ("pose_deviation", pose.deviation),
        ):  # fmt: skip
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))
        self.pose_encoder = self.encoder_of_sound()
        self.pose_start = nn.Linear(6 * KEYPOINTS + POSE, options.pose_width)
        self.pose_lstm = nn.LSTMCell(options.audio_width + POSE, options.pose_width)
        self.pose_last = nn.Linear(options.pose_width, POSE)

    def encoder_of_sound(self) -> nn.Sequential:
        """An MLP on the sound of a frame."""
        options = self.options
        steps, numbers = options.heard
        return mlp(steps * numbers, options.hidden_width, options.audio_width)

    def normalise_pose(self, poses: Tensor) -> Tensor:
        """Poses [..., 6] in deviations from the training part's mean."""
        return (poses - self.pose_mean) / self.pose_deviation

    def forward(
        self,
        sound: Tensor,
        face: Face,
        lengths: Tensor,
        poses: Tensor | None = None,
        starts: Tensor | None = None,
    ) -> SoundMotion:
        """Of the sound [B, T, steps, numbers] of frames, of which `lengths` [B] of a clip count.

        Keypoints are made with the `poses` [B, T, 6] that are given, normalised, else with those
        that were predicted. Of all frames; with `starts` [B] a net that hears windows hears one a
        clip alone, from there on.
        """
        numbers = len(self.sound_mean)  # MFCC may be stored with c0, the first
        sound = (sound[..., -numbers:] - self.sound_mean) / self.sound_deviation
        # In float32 in any training: a pose is the sum of all steps before it.
        with torch.autocast(sound.device.type, enabled=False):
            predicted = self._poses(sound.flatten(2), face)
        used = predicted.detach() if poses is None else poses
        return SoundMotion(predicted, *self.keypoints(sound, used, face, lengths, starts))

    @abstractmethod
    def keypoints(
        self, sound: Tensor, poses: Tensor, face: Face, lengths: Tensor, starts: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Keypoints [B, T, 6 K], and of which frames [B, T], of normalised sound and poses."""

    def _poses(self, sound: Tensor, face: Face) -> Tensor:
        """[B, T, 6]: each from the sound and the pose before, the first one's being the face's."""
        heard = self.pose_encoder(sound)
        hidden = torch.tanh(self.pose_start(torch.cat([face.keypoints, face.pose], dim=-1)))
        cell, pose, poses = torch.zeros_like(hidden), face.pose, []
        for each in heard.unbind(1):
            hidden, cell = self.pose_lstm(torch.cat([each, pose], dim=-1), (hidden, cell))
            pose = pose + self.pose_last(hidden)
            poses.append(pose)
        return torch.stack(poses, dim=1)


class RecurrentAudio(MotionAudio):
    """Keypoints by an LSTM both ways, as offsets from the face's."""

    def __init__(self, options: MotionAudioOptions, sound: Scale, pose: Scale) -> None:
        super().__init__(options, sound, pose)
        flat = 6 * KEYPOINTS
        self.encoder = self.encoder_of_sound()
        self.lstm = nn.LSTM(
            options.audio_width + POSE + flat, options.lstm_width,
            batch_first=True, bidirectional=True,
        )  # fmt: skip
        self.last = nn.Linear(2 * options.lstm_width, flat)

    def keypoints(
        self, sound: Tensor, poses: Tensor, face: Face, lengths: Tensor, starts: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """See `MotionAudio.keypoints`; of whole clips, whatever `starts` are."""
        frames = sound.shape[1]
        faces = face.keypoints[:, None].expand(-1, frames, -1)
        packed = pack_padded_sequence(
            torch.cat([self.encoder(sound.flatten(2)), poses, faces], dim=-1), lengths.cpu(),
            batch_first=True, enforce_sorted=False,
        )  # fmt: skip
        # As in `LandmarkModel.regress`.
        with torch.autocast(sound.device.type, enabled=False):
            hidden, _ = pad_packed_sequence(
                self.lstm(packed)[0], batch_first=True, total_length=frames
            )
            return faces + self.last(hidden), frame_mask(lengths, frames)


def flat(keypoints: Keypoints) -> Tensor:
    """Keypoints as one row of numbers, [..., 6 K]: all places, then all Jacobians."""
    return torch.cat([keypoints.places.flatten(-2), keypoints.jacobians.flatten(-3)], dim=-1)


def unflat(numbers: Tensor) -> Keypoints:
    """`flat` undone."""
    count = numbers.shape[-1] // 6
    places, jacobians = numbers.split([2 * count, 4 * count], dim=-1)
    return Keypoints(places.unflatten(-1, (count, 2)), jacobians.unflatten(-1, (count, 2, 2)))
