"""Keypoints from sound: Audio2Head's two networks behind the motion field, both recurrent here.

    windows of sound ─ encoder ─┬─> LSTM with its own last output, from the face's pose -> pose
                                └─> LSTM both ways, with pose and the face's keypoints -> keypoints

Wang et al., "Audio2Head", IJCAI 2021: the pose from sound by an LSTM, keypoints with Jacobians from
sound, pose and face, there by a 3-D hourglass. No landmark, emotion or later frame is given.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from emohead.features.mfcc_shape import COEFFICIENTS, WINDOW_FRAMES
from emohead.landmarks.layers import mlp
from emohead.landmarks.model import MfccStatistics
from emohead.motion.audio_options import MotionAudioOptions
from emohead.motion.keypoints import Keypoints
from emohead.motion.options import KEYPOINTS

POSE = 6


class Scale(NamedTuple):
    """Mean and deviation [N] of some numbers over the training part."""

    mean: Tensor
    deviation: Tensor


class SoundMotion(NamedTuple):
    """`poses` [B, T, 6], normalised, and `keypoints` [B, T, 6 K], flat."""

    poses: Tensor
    keypoints: Tensor


class MotionAudio(nn.Module):
    """Head poses and keypoints of each frame of a clip."""

    def __init__(self, options: MotionAudioOptions, mfcc: MfccStatistics, pose: Scale) -> None:
        super().__init__()
        self.options = options
        for name, value in (
            ("mfcc_mean", mfcc.mean), ("mfcc_deviation", mfcc.deviation),
            ("pose_mean", pose.mean), ("pose_deviation", pose.deviation),
        ):  # fmt: skip
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))
        flat, audio = 6 * KEYPOINTS, options.audio_width
        heard = (WINDOW_FRAMES * COEFFICIENTS, options.hidden_width, audio)
        self.pose_encoder = mlp(*heard)
        self.pose_start = nn.Linear(flat + POSE, options.pose_width)
        self.pose_lstm = nn.LSTMCell(audio + POSE, options.pose_width)
        self.pose_last = nn.Linear(options.pose_width, POSE)
        self.encoder = mlp(*heard)
        self.lstm = nn.LSTM(
            audio + POSE + flat, options.lstm_width, batch_first=True, bidirectional=True
        )
        self.last = nn.Linear(2 * options.lstm_width, flat)

    def normalise_pose(self, poses: Tensor) -> Tensor:
        """Poses [..., 6] in deviations from the training part's mean."""
        return (poses - self.pose_mean) / self.pose_deviation

    def forward(
        self,
        mfcc: Tensor,
        face: Tensor,
        face_pose: Tensor,
        lengths: Tensor,
        poses: Tensor | None = None,
    ) -> SoundMotion:
        """Of windows [B, T, 28, 12], a face's keypoints [B, 6 K] and normalised pose [B, 6].

        Of each clip `lengths` [B] frames count. Keypoints are made with the `poses` [B, T, 6] that
        are given, normalised, else with those that were predicted.
        """
        windows = (mfcc[..., -COEFFICIENTS:] - self.mfcc_mean) / self.mfcc_deviation
        windows = windows.flatten(2)
        predicted = self._poses(windows, face, face_pose)
        sound = self.encoder(windows)
        used = predicted.detach() if poses is None else poses
        faces = face[:, None].expand(-1, windows.shape[1], -1)
        packed = pack_padded_sequence(
            torch.cat([sound, used, faces], dim=-1), lengths.cpu(),
            batch_first=True, enforce_sorted=False,
        )  # fmt: skip
        hidden, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=windows.shape[1]
        )
        return SoundMotion(predicted, faces + self.last(hidden))

    def _poses(self, windows: Tensor, face: Tensor, face_pose: Tensor) -> Tensor:
        """[B, T, 6]: each from the sound and the pose before, the first one's being the face's."""
        sound = self.pose_encoder(windows)
        hidden = torch.tanh(self.pose_start(torch.cat([face, face_pose], dim=-1)))
        cell, pose, poses = torch.zeros_like(hidden), face_pose, []
        for heard in sound.unbind(1):
            hidden, cell = self.pose_lstm(torch.cat([heard, pose], dim=-1), (hidden, cell))
            pose = pose + self.pose_last(hidden)
            poses.append(pose)
        return torch.stack(poses, dim=1)


def flat(keypoints: Keypoints) -> Tensor:
    """Keypoints as one row of numbers, [..., 6 K]: all places, then all Jacobians."""
    return torch.cat([keypoints.places.flatten(-2), keypoints.jacobians.flatten(-3)], dim=-1)


def unflat(numbers: Tensor) -> Keypoints:
    """`flat` undone."""
    count = numbers.shape[-1] // 6
    places, jacobians = numbers.split([2 * count, 4 * count], dim=-1)
    return Keypoints(places.unflatten(-1, (count, 2)), jacobians.unflatten(-1, (count, 2, 2)))
