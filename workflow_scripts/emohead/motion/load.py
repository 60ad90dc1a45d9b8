"""From checkpoints back to a motion field and to its networks of sound; needs no trainer."""

import torch

from emohead.landmarks.model import MfccStatistics
from emohead.motion.audio import POSE, MotionAudio, Scale
from emohead.motion.audio_options import MotionAudioOptions
from emohead.motion.field import MotionField, build_field
from emohead.motion.options import MotionFieldOptions
from emohead.training.checkpoint import Checkpoint


def restore_field(checkpoint: Checkpoint) -> MotionField:
    """The trained motion field of a checkpoint, ready to render."""
    field = build_field(MotionFieldOptions(**checkpoint.options))
    field.load_state_dict(checkpoint.weights)
    return field.eval()


def restore_motion_audio(checkpoint: Checkpoint) -> MotionAudio:
    """The trained networks of sound of a checkpoint."""
    statistics = MfccStatistics.from_arrays(checkpoint.arrays)
    unknown = Scale(torch.zeros(POSE), torch.ones(POSE))  # the weights have it
    model = MotionAudio(MotionAudioOptions(**checkpoint.options), statistics, unknown)
    model.load_state_dict(checkpoint.weights)
    return model.eval()
