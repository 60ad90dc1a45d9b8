"""A test clip as a method shows it: rendered by models, stood in for, or somebody else's video."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from emohead.data.mead import Clip
from emohead.data.references import Protocol, choose_reference_clips
from emohead.features.store import Shard, StoredClip
from emohead.media.reading import SAMPLES_PER_FRAME, clip_audio
from emohead.media.writing import write_video

#: Instead of a model: the clip's own landmarks or frames, or those of its reference face.
StandIn = Literal["truth", "reference"]
STAND_INS: tuple[StandIn, ...] = get_args(StandIn)
#: Instead of a translator: the warped reference face, without any net.
WARP = "warp"
#: Instead of a model: that of a bundle, which was trained elsewhere.
BUNDLE = "bundle"
#: In the place of both: a motion field's, which has no landmarks.
MOTION = "motion"
#: Beside rendered frames: what they were made by.
PROVENANCE = "provenance.json"


@dataclass(frozen=True)
class RenderedClip:
    """A clip by a method, from the clip's first frame on; it may end before the clip's last one.

    `landmarks` float32 [T, 68, 2], px of the crop, are those that the method predicted, nan where
    it predicts none. `frames` gives the frames, uint8 [S, S, 3] RGB, from the first one on each
    time that it is called. `attributes` say where the clip came from (`reference_clip`) and what
    MSEF's classifier says (`emotion_probabilities`). `comment` is for a video's metadata.
    """

    clip_id: str
    landmarks: np.ndarray
    frames: Callable[[], Iterator[np.ndarray]]
    attributes: Mapping[str, str | int | float]
    comment: str

    @property
    def length(self) -> int:
        """Number of frames T."""
        return len(self.landmarks)


def synthetic(method: str) -> str:
    """The metadata of a method's video."""
    return f"Synthetic talking head, made by emohead's method {method}"


def open_rendering(folder: Path, method: str) -> dict[str, RenderedClip]:
    """The clips that `render_clips` left in a folder, sorted."""
    opened = (Shard(path) for path in sorted(folder.glob("*.h5")))
    clips = {clip_id: shard[clip_id] for shard in opened for clip_id in shard.clip_ids}
    return {
        clip_id: RenderedClip(
            clip_id, clip.landmarks, clip.iterate_frames, clip.attributes, synthetic(method)
        )
        for clip_id, clip in sorted(clips.items())
    }


def stand_in_clips(
    clips: Mapping[str, StoredClip],
    reference: Protocol,
    *,
    method: str,
    landmarks: StandIn,
    translator: StandIn,
) -> dict[str, RenderedClip]:
    """The clips of a method without models: the true ones, their reference faces, or both.

    Nothing is copied: the frames are those of the feature shards.
    """
    reference_clips = choose_reference_clips(clips, reference)
    made = {}
    for clip_id, clip in clips.items():
        chosen = clips[reference_clips[clip_id]]
        made[clip_id] = RenderedClip(
            clip_id,
            clip.landmarks if landmarks == "truth"
            else np.repeat(chosen.landmarks[:1], clip.length, axis=0),
            clip.iterate_frames if translator == "truth" else partial(_still, chosen, clip.length),
            {"reference_clip": reference_clips[clip_id]},
            synthetic(method),
        )  # fmt: skip
    return made


def _still(clip: StoredClip, length: int) -> Iterator[np.ndarray]:
    """The first frame, repeated: always the same array, so that it is analysed once."""
    return repeat(clip.frame(0), length)


def write_clip(clip: RenderedClip, truth: StoredClip, take: Clip, video: Path) -> None:
    """Write a clip as a video with the sound of `take`, the files that `truth` was made of."""
    shown = truth.cut(range(truth.span.start, truth.span.start + clip.length))
    write_video(video, clip.frames(), audio=sound_of(shown, clip_audio(take)), comment=clip.comment)


def sound_of(clip: StoredClip, samples: np.ndarray) -> np.ndarray:
    """The sound of a stored clip's frames, float32 [T * 640], out of the whole take's [N], 16 kHz.

    Sample 0 of `samples` lies at frame 0 of the take; where they end too early there is silence.
    """
    piece = samples[clip.span.start * SAMPLES_PER_FRAME : clip.span.stop * SAMPLES_PER_FRAME]
    return np.pad(piece, (0, clip.length * SAMPLES_PER_FRAME - len(piece)))
