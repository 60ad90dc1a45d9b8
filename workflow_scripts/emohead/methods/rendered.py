"""What a run of a method leaves: its frames without loss in a shard, and videos with sound."""

from pathlib import Path

import numpy as np

from emohead.data.mead import Clip
from emohead.features.store import ShardWriter, StoredClip
from emohead.media.reading import SAMPLES_PER_FRAME, clip_audio
from emohead.media.writing import write_video


def store_rendering(
    shard: ShardWriter,
    videos: Path,
    truth: StoredClip,
    take: Clip,
    *,
    frames: np.ndarray,
    landmarks: np.ndarray,
    comment: str,
    transform: np.ndarray | None = None,
    attributes: dict[str, str | int | float] | None = None,
) -> None:
    """Add the rendering of `truth` to a shard, and `<clip_id>.mp4` with `take`'s sound to `videos`.

    `frames` uint8 [T, S, S, 3] and `landmarks` [T, 68, 2] (pixels of the crop) start with the
    clip's first frame and may end before its last. `comment` goes into the video's metadata.
    """
    shard.add(
        truth.clip_id,
        landmarks=landmarks,
        frames=frames,
        transform=transform,
        attributes=attributes,
    )
    shown = truth.cut(range(truth.span.start, truth.span.start + len(frames)))
    write_video(
        videos / f"{truth.clip_id}.mp4",
        frames,
        audio=sound_of(shown, clip_audio(take)),
        comment=comment,
    )


def sound_of(clip: StoredClip, samples: np.ndarray) -> np.ndarray:
    """The sound of a stored clip's frames, float32 [T * 640], out of the whole take's [N], 16 kHz.

    Sample 0 of `samples` lies at frame 0 of the take; where they end too early there is silence.
    """
    piece = samples[clip.span.start * SAMPLES_PER_FRAME : clip.span.stop * SAMPLES_PER_FRAME]
    return np.pad(piece, (0, clip.length * SAMPLES_PER_FRAME - len(piece)))
