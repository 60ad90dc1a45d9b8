"""From a clip to its features: the aligning crop, 68 landmarks and MFCC windows of each frame."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import av
import numpy as np

from emohead.data.mead import FPS, Clip
from emohead.features.faces import (
    FaceFinder,
    crop_region,
    crop_transform,
    shrink,
    transform_points,
    warp,
)
from emohead.features.mfcc import mfcc_windows
from emohead.features.store import ClipWriter, ShardWriter
from emohead.features.tracking import (
    ChosenFace,
    Seen,
    SeveralFacesError,
    choose_face,
    follow_face,
)
from emohead.media.reading import (
    SAMPLES_PER_FRAME,
    RgbPart,
    iterate_frames,
    luma,
    probe_video,
    read_audio,
)

# The face is looked for in every tenth frame, and its box interpolated between.
_DETECT_EVERY = 10
# Sound whose loudest sample is below this (-60 dB) is silence: a muted microphone.
_SILENCE = 1e-3


@dataclass(frozen=True)
class FeatureOptions:
    """How features are made; the config's `features` keys.

    `crop_size` in pixels; `max_gap` is the longest run of frames without a face that is bridged;
    `max_length_difference` in seconds, between the clip's picture and its sound; `min_frames` the
    shortest clip that is used; `c0`, whether MFCC windows have the loudness, too.
    """

    crop_size: int = 256
    max_gap: int = 5
    max_length_difference: float = 0.5
    min_frames: int = 10
    c0: bool = False


@dataclass(frozen=True)
class ClipFacts:
    """What is known of a clip once its features are made: a row of the shard's table.

    `fps`, `width` and `height` are the source's; `frames` (25 a second) and `seconds` the
    features'; `frames_without_face` were bridged; `faces` is the most that were seen at once.
    """

    frames: int
    seconds: float
    fps: float
    width: int
    height: int
    frames_without_face: int
    faces: int


def extract_clip(
    clip: Clip, finder: FaceFinder, options: FeatureOptions, writer: ShardWriter
) -> ClipFacts:
    """Add the features of one clip to a shard, holding a few frames of it at a time.

    Where several faces are seen, the largest and most persistent one is followed. Raises
    ValueError (MediaError, NoFaceError) with the reason when the clip can't be used; what the
    shard then holds of it is not whole.
    """
    video = probe_video(clip.video)
    samples = read_audio(clip.audio, start=video.start)
    if np.abs(samples).max() < _SILENCE:
        raise ValueError(f"{clip.audio}: the sound is silent")
    try:
        seen, faces = _follow(clip, finder, options), 1
        crops = _store_crops(seen, writer.begin(clip.clip_id), options.crop_size)
    except SeveralFacesError:
        chosen = choose_face(iterate_frames(clip.video), luma, finder, every=_DETECT_EVERY)
        seen, faces = _follow(clip, finder, options, chosen), chosen.faces
        crops = _store_crops(seen, writer.begin(clip.clip_id), options.crop_size)
    frames = len(crops.landmarks)
    if frames < options.min_frames:
        raise ValueError(f"{frames} frames, fewer than {options.min_frames}")
    difference = len(samples) / SAMPLES_PER_FRAME - frames
    if abs(difference) / FPS > options.max_length_difference:
        longer, shorter = ("sound", "picture") if difference > 0 else ("picture", "sound")
        raise ValueError(f"the {longer} is {abs(difference) / FPS:.2f} s longer than the {shorter}")
    made_with = asdict(options)
    del made_with["c0"]  # the windows' width tells
    crops.stored.finish(
        landmarks=crops.landmarks,
        mfcc=mfcc_windows(samples, frames, c0=options.c0),
        transform=crops.transform,
        attributes={"video": str(clip.video), **made_with},
    )
    return ClipFacts(
        frames=frames,
        seconds=frames / FPS,
        fps=round(video.fps, 3),
        width=crops.width,
        height=crops.height,
        frames_without_face=crops.missed,
        faces=faces,
    )


def _follow(
    clip: Clip, finder: FaceFinder, options: FeatureOptions, chosen: ChosenFace | None = None
) -> Iterator[Seen[av.VideoFrame]]:
    return follow_face(
        iterate_frames(clip.video),
        luma,
        finder,
        every=_DETECT_EVERY,
        max_gap=options.max_gap,
        chosen=chosen,
        alone=chosen is None,
    )


@dataclass(frozen=True)
class _Crops:
    """A clip whose frames are stored: what belongs to them, and its source's size."""

    stored: ClipWriter
    landmarks: np.ndarray
    transform: np.ndarray
    missed: int
    width: int
    height: int


def _store_crops(seen: Iterable[Seen[av.VideoFrame]], stored: ClipWriter, crop_size: int) -> _Crops:
    """Store every frame's crop, by the transform of the first frame with a face."""
    landmarks: list[np.ndarray] = []
    waiting: list[av.VideoFrame] = []
    crop: _Crop | None = None
    missed = 0
    for each in seen:
        waiting.append(each.frame)
        landmarks.append(each.landmarks)
        missed += not each.found
        if crop is None and each.found:
            crop = _Crop.around(each, crop_size)
        if crop is not None:
            for frame in waiting:
                stored.append(crop.of(frame))
            waiting.clear()
    return _Crops(
        stored, transform_points(np.stack(landmarks), crop.transform), crop.transform, missed,
        each.frame.width, each.frame.height,
    )  # fmt: skip


@dataclass(frozen=True)
class _Crop:
    """The crop of one clip: `transform` [2, 3] from the frame, `inner` from the part of it."""

    transform: np.ndarray
    inner: np.ndarray
    part: RgbPart
    crop_size: int

    @classmethod
    def around(cls, seen: Seen[av.VideoFrame], crop_size: int) -> "_Crop":
        transform = crop_transform(seen.landmarks, crop_size)
        box = crop_region(transform, crop_size, seen.frame.width, seen.frame.height)
        inner = transform.copy()
        inner[:, 2] += transform[:, :2] @ np.array(box[:2])
        size, inner = shrink(inner, box[2] - box[0], box[3] - box[1])
        return cls(transform, inner, RgbPart(box, size), crop_size)

    def of(self, frame: av.VideoFrame) -> np.ndarray:
        return warp(self.part.of(frame), self.inner, self.crop_size)
