"""From checkpoints back to a motion field and to its networks of sound; needs no trainer."""

import torch

from emohead.motion.audio import POSE, MotionAudio, RecurrentAudio, Scale
from emohead.motion.audio_hourglass import HourglassAudio
from emohead.motion.audio_options import MotionAudioOptions
from emohead.motion.field import MotionField, build_field
from emohead.motion.options import MotionFieldOptions
from emohead.training.checkpoint import Checkpoint


def restore_field(checkpoint: Checkpoint) -> MotionField:
    """The trained motion field of a checkpoint, ready to render."""
    field = build_field(MotionFieldOptions(**checkpoint.options))
    field.load_state_dict(checkpoint.weights)
    return field.eval()


def build_motion_audio(options: MotionAudioOptions, sound: Scale, pose: Scale) -> MotionAudio:
    """The networks of sound that the options say, with the scales of their training part."""
    kinds = {"recurrent": RecurrentAudio, "hourglass": HourglassAudio}
    return kinds[options.network](options, sound, pose)


def restore_motion_audio(checkpoint: Checkpoint) -> MotionAudio:
    """The trained networks of sound of a checkpoint."""
    options = MotionAudioOptions(**checkpoint.options)
    # Of the right size; their values come with the weights.
    scales = (Scale(torch.zeros(n), torch.ones(n)) for n in (options.heard[1], POSE))
    model = build_motion_audio(options, *scales)
    model.load_state_dict(checkpoint.weights)
    return model.eval()
