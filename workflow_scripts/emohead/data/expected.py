"""How much data a config's source has, before any is there. Needs nothing but Python itself."""

from emohead.data.mead import FPS

#: MEAD has about 40 hours of frontal clips, 670 of each of its 48 actors.
MEAD_CLIP_SECONDS = 4.5
MINI_CLIP_SECONDS = 2.9  # the mini set's
#: In a shard's JPEGs: four clips of MEAD gave .51 at 128 pixels and .35 at 256.
JPEG_BYTES_PER_PIXEL = 0.4
#: A frame's 28 x 12 MFCC (c0 would be a thirteenth) and 68 landmarks, in float32.
FEATURE_BYTES = 4 * (28 * 12 + 68 * 2)


def clip_seconds(source: str) -> float:
    """The mean length of a clip of a data.source; footage is taken to be like MEAD."""
    return MINI_CLIP_SECONDS if source == "mini" else MEAD_CLIP_SECONDS


def clip_frames(source: str) -> int:
    """The mean length of a clip in frames."""
    return round(clip_seconds(source) * FPS)


def stored_frame_bytes(crop_size: int) -> float:
    """The bytes of a frame in a feature shard: its JPEG, landmarks and MFCC."""
    return JPEG_BYTES_PER_PIXEL * crop_size**2 + FEATURE_BYTES
