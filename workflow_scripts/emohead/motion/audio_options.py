"""The options of the networks of sound and of their loss."""

from dataclasses import dataclass

from emohead.options import Count, NotNegative, Options


@dataclass(frozen=True)
class MotionAudioOptions(Options):
    """What the networks of sound are made of."""

    field: str = ""
    """One of motion_field.models."""
    hidden_width: Count = 256
    """Of both MLPs that hear."""
    audio_width: Count = 128
    pose_width: Count = 64
    """Of the LSTM of the head's pose."""
    lstm_width: Count = 256
    """Of that of keypoints."""


@dataclass(frozen=True)
class MotionAudioLossOptions(Options):
    """Weights of mean absolute differences.

    EAMM's of `place` and `jacobian`, whose training is of the same shape (Audio2Head's isn't
    published); ours of `pose` and its steps, without which heads stand still.
    """

    place: NotNegative = 10.0
    jacobian: NotNegative = 10.0
    pose: NotNegative = 1.0
    pose_velocity: NotNegative = 1.0
