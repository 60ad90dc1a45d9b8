"""The options of the networks of sound and of their loss."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from emohead.features.mfcc_shape import COEFFICIENTS, WINDOW_FRAMES
from emohead.motion.sound_shape import NUMBERS, STEPS
from emohead.options import Count, NotNegative, Options


@dataclass(frozen=True)
class MotionAudioOptions(Options):
    """What the networks of sound are made of; the hourglass's defaults are Audio2Head's."""

    field: str = ""
    """One of motion_field.models."""
    sound: Literal["mfcc", "mfcc_fbank_f0"] = "mfcc"
    """What is heard of a frame: the other models' MFCC, or Audio2Head's 41 numbers each 10 ms.

    These are 13 MFCC, 26 mel bands, pitch and voicing, in four steps (rule extract_sound).
    """
    network: Literal["recurrent", "hourglass"] = "recurrent"
    """What makes keypoints: an LSTM both ways, or Audio2Head's 3-D hourglass.

    The hourglass hears mfcc_fbank_f0.
    """
    hidden_width: Count = 256
    """Of both MLPs that hear."""
    audio_width: Count = 128
    pose_width: Count = 64
    """Of the LSTM of the head's pose."""
    lstm_width: Count = 256
    """Of that of keypoints."""
    hourglass_grid: Count = 64
    """Cells of a side that the hourglass finds keypoints on."""
    hourglass_width: Count = 32
    hourglass_max: Count = 512
    hourglass_levels: Count = 5
    window: Count = 64
    """Frames that the hourglass hears at once, of which the middle half is used."""

    @property
    def heard(self) -> tuple[int, int]:
        """Steps of sound in a frame, and the numbers of each."""
        return (WINDOW_FRAMES, COEFFICIENTS) if self.sound == "mfcc" else (STEPS, NUMBERS)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """See `Options.contradictions`."""
        if self.network == "hourglass" and self.sound != "mfcc_fbank_f0":
            yield "sound", "is mfcc, and the hourglass hears mfcc_fbank_f0"
        for name in ("hourglass_grid", "window"):
            least = 2**self.hourglass_levels
            if self.network == "hourglass" and getattr(self, name) % max(least, 4):
                yield (
                    name,
                    (
                        f"is {getattr(self, name)}: it must be a multiple of 4 and of "
                        f"2^hourglass_levels, {least}"
                    ),
                )


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
