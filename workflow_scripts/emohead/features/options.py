"""How features are made: the config's `features` keys."""

from dataclasses import dataclass
from typing import Annotated

from emohead.options import Natural, NotNegative, Options


@dataclass(frozen=True)
class FeatureOptions(Options):
    """What becomes of a clip, and which clips are rejected; the defaults are the paper's sizes."""

    crop_size: Annotated[int, ("minimum", 64), ("multipleOf", 64)] = 256
    """Pixels; the paper's is 256."""
    max_gap: Natural = 5
    """Frames in a row without a face that are bridged; more reject the clip."""
    max_length_difference: NotNegative = 0.5
    """Seconds between a clip's picture and its sound."""
    min_frames: Annotated[int, ("minimum", 2)] = 10
    """At 25 a second; a shorter clip is rejected."""
    c0: bool = False
    """Store the first MFCC, the loudness, too, for models with c0: true."""
