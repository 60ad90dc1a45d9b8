"""Extracts a clip's features: the aligned crop, 68 landmarks and MFCC windows of each frame."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice

import av
import numpy as np

from emohead.data.mead import FPS, STRETCHES, Clip
from emohead.features.faces import (
    FaceFinder,
    NoFaceError,
    crop_region,
    crop_transform,
    shrink,
    transform_points,
    warp,
)
from emohead.features.jumps import JumpFinder, find_scenes
from emohead.features.lips import lip_curve, write_curve
from emohead.features.mfcc import mfcc_windows
from emohead.features.options import FeatureOptions
from emohead.features.store import ClipWriter, ShardWriter
from emohead.features.tracking import (
    ChosenFace,
    Seen,
    SeveralFacesError,
    choose_face,
    follow_face,
)
from emohead.media.loudness import is_silent, likeness
from emohead.media.reading import RgbPart, iterate_frames, luma, probe_video
from emohead.media.sound import SAMPLE_RATE, SAMPLES_PER_FRAME, read_audio, read_voice
from emohead.media.streams import MediaError

# The face is looked for in every tenth frame, and its box interpolated between.
_DETECT_EVERY = 10
# Seconds of a recording, between jumps and gaps, that are worth being a clip.
_SHORTEST_STRETCH = 3
# Seconds by which an audio file may be off its video's own sound: a codec's delay, not a mistake.
_MOST_SHIFTED = 0.1


@dataclass(frozen=True)
class ClipFacts:
    """The facts of a clip whose features are made: a row of the shard's table.

    `fps`, `width` and `height` are the source's; `frames` (25 a second) and `seconds` the
    features', from frame `start` of the recording on; `frames_without_face` were bridged; `faces`
    is the most that were seen at once; `lips` is `write_curve(lip_curve(...))`.
    """

    clip_id: str
    start: int
    frames: int
    seconds: float
    fps: float
    width: int
    height: int
    frames_without_face: int
    faces: int
    lips: str


@dataclass(frozen=True)
class Extracted:
    """The result for a clip: itself or its good stretches, and what was left out, if anything."""

    clips: tuple[ClipFacts, ...]
    left_out: str


def extract_clip(
    clip: Clip, finder: FaceFinder, options: FeatureOptions, writer: ShardWriter
) -> Extracted:
    """Add the features of one clip to a shard, holding a few frames of it at a time.

    Where several faces are seen, the largest and most persistent one is followed. Of a recording in
    which the face jumps or is away, the stretches of three seconds (and of `min_frames`) and more
    between are used, as clips of their own. Raises ValueError (MediaError, NoFaceError) with the
    reason when the clip can't be used; what the shard then holds of it is not whole.
    """
    video = probe_video(clip.video)
    samples = read_voice(clip.audio, start=video.start)
    if video.has_sound and clip.audio != clip.video:
        _check_sound(clip, samples, video.start)
    extraction = _Extraction(clip, finder, options, writer, samples, video.fps)
    try:
        return Extracted((extraction.whole(),), "")
    except NoFaceError as error:
        return extraction.stretches(error)


def _check_sound(clip: Clip, samples: np.ndarray, start: float) -> None:
    """Raise MediaError where a clip's own audio file holds another sound than its video."""
    try:
        own = read_audio(clip.video, start=start)
    except MediaError:
        return  # It is the audio file that is used.
    if is_silent(own, SAMPLE_RATE):
        return
    found = likeness(own, samples)
    if not found.is_same:
        raise MediaError(
            f"{clip.audio}: holds another sound than {clip.video}: their waveforms correlate with "
            f"{found.waveform:.2f}, their loudness with {found.loudness:.2f}"
        )
    if found.is_certain and abs(found.lag) > _MOST_SHIFTED:
        late = "late" if found.lag > 0 else "early"
        raise MediaError(
            f"{clip.audio}: is {abs(found.lag):.2f} s {late} against the sound of {clip.video}"
        )


@dataclass(frozen=True)
class _Extraction:
    """One clip's way into a shard; `samples` are the sound from the first frame on."""

    clip: Clip
    finder: FaceFinder
    options: FeatureOptions
    writer: ShardWriter
    samples: np.ndarray
    fps: float

    def whole(self) -> ClipFacts:
        """The clip as it is."""
        crops, faces = self._crops(self.clip, 0, None, iterate_frames(self.clip.video))
        self._check_length(len(crops.landmarks))
        return self._finish(self.clip, crops, faces)

    def stretches(self, why: NoFaceError) -> Extracted:
        """The good stretches of a recording that can't be used as a whole; `why` without any."""
        spans, frames = self._good_spans()
        if not spans:
            raise NoFaceError(f"{why}, and no stretch of {self._shortest / FPS:g} s without that")
        self._check_length(frames)
        made, position = [], 0
        pictures = iterate_frames(self.clip.video)
        for span in spans:
            skipped = span.start - position
            part = islice(pictures, skipped, skipped + len(span))
            piece = self._piece(span, len(made))
            try:
                crops, faces = self._crops(piece, span.start, span.stop, part)
                made.append(self._finish(piece, crops, faces))
            except (NoFaceError, _SilentError):
                self.writer.discard(piece.clip_id)
            _skip(part)
            position = span.stop
        if not made:
            raise why
        used = sum(facts.frames for facts in made)
        told = (
            f"{(frames - used) / FPS:.1f} of {frames / FPS:.1f} s are left out, {len(made)} "
            f"stretches are used: {why}"
        )
        return Extracted(tuple(made), told)

    @property
    def _shortest(self) -> int:
        """Frames of the shortest stretch that is used."""
        return max(_SHORTEST_STRETCH * FPS, self.options.min_frames)

    def _piece(self, span: range, number: int) -> Clip:
        """A stretch as a clip; the first one keeps the recording's id."""
        clip = replace(self.clip, start=span.start)
        return replace(clip, number=clip.number * STRETCHES + number + 1) if number else clip

    def _good_spans(self) -> tuple[list[range], int]:
        """The frames between jumps and gaps, where they last long enough; and all frames' number.

        The video is decoded once for the jumps, and once more for the gaps.
        """
        scenes = find_scenes(iterate_frames(self.clip.video), luma, self.finder)
        frames, spans = iterate_frames(self.clip.video), []
        for scene in scenes:
            part = islice(frames, len(scene))
            followed = follow_face(part, luma, self.finder, every=_DETECT_EVERY)
            try:
                found = np.array([seen.found for seen in followed])
            except NoFaceError:
                found = np.zeros(len(scene), bool)
            _skip(part)
            for first, last in _runs(found, self.options.max_gap):
                if last - first >= self._shortest:
                    spans.append(range(scene.start + first, scene.start + last))
        return spans, scenes[-1].stop

    def _crops(
        self, clip: Clip, start: int, stop: int | None, frames: Iterator[av.VideoFrame]
    ) -> tuple["_Crops", int]:
        """The stored crops of frames [start, stop) of the video, and how many faces they show."""
        try:
            return self._store(clip, start, frames, None), 1
        except SeveralFacesError:
            again = islice(iterate_frames(clip.video), start, stop)
            chosen = choose_face(again, luma, self.finder, every=_DETECT_EVERY)
            again = islice(iterate_frames(clip.video), start, stop)
            return self._store(clip, start, again, chosen), chosen.faces

    def _store(
        self,
        clip: Clip,
        start: int,
        frames: Iterable[av.VideoFrame],
        chosen: ChosenFace | None,
    ) -> "_Crops":
        seen = follow_face(
            frames, luma, self.finder,
            every=_DETECT_EVERY, max_gap=self.options.max_gap, chosen=chosen, alone=chosen is None,
        )  # fmt: skip
        stored = self.writer.begin(clip.clip_id)
        return _store_crops(_watched(seen, start, self.finder), stored, self.options.crop_size)

    def _check_length(self, frames: int) -> None:
        if frames < self.options.min_frames:
            raise ValueError(f"{frames} frames, fewer than {self.options.min_frames}")
        difference = len(self.samples) / SAMPLES_PER_FRAME - frames
        if abs(difference) / FPS > self.options.max_length_difference:
            longer, shorter = ("sound", "picture") if difference > 0 else ("picture", "sound")
            raise ValueError(
                f"the {longer} is {abs(difference) / FPS:.2f} s longer than the {shorter}"
            )

    def _finish(self, clip: Clip, crops: "_Crops", faces: int) -> ClipFacts:
        """Store what belongs to a clip's crops."""
        frames = len(crops.landmarks)
        first = clip.start * SAMPLES_PER_FRAME
        samples = self.samples[first : first + frames * SAMPLES_PER_FRAME]
        if is_silent(samples, SAMPLE_RATE):
            raise _SilentError(f"{clip.audio}: the sound is silent")
        made_with = asdict(self.options)
        del made_with["c0"]  # the windows' width tells
        crops.stored.finish(
            landmarks=crops.landmarks,
            mfcc=mfcc_windows(samples, frames, c0=self.options.c0),
            transform=crops.transform,
            attributes={"video": str(clip.video), **made_with},
        )
        return ClipFacts(
            clip_id=clip.clip_id,
            start=clip.start,
            frames=frames,
            seconds=frames / FPS,
            fps=round(self.fps, 3),
            width=crops.width,
            height=crops.height,
            frames_without_face=crops.missed,
            faces=faces,
            lips=write_curve(lip_curve(crops.landmarks, samples)),
        )


class _SilentError(MediaError):
    """A clip, or a stretch of one, without a voice."""


def _skip(frames: Iterable[av.VideoFrame]) -> None:
    """Consume the rest of some frames."""
    deque(frames, maxlen=0)


def _runs(found: np.ndarray, max_gap: int) -> list[tuple[int, int]]:
    """Where a face is seen, bool [T]: (first, last + 1) of runs with no longer gap than that."""
    seen = np.flatnonzero(found)
    if not len(seen):
        return []
    breaks = np.flatnonzero(np.diff(seen) > max_gap + 1)
    firsts, lasts = [seen[0], *seen[breaks + 1]], [*seen[breaks], seen[-1]]
    return [(int(a), int(b) + 1) for a, b in zip(firsts, lasts, strict=True)]


def _watched(
    seen: Iterable[Seen[av.VideoFrame]], start: int, finder: FaceFinder
) -> Iterator[Seen[av.VideoFrame]]:
    """The same frames; raises JumpError where the face jumps. The first one is number `start`."""
    jumps = JumpFinder(finder)
    for t, each in enumerate(seen, start):
        box = np.concatenate([each.landmarks.min(axis=0), each.landmarks.max(axis=0)])
        jumps.look(t, luma(each.frame), box)
        yield each
    jumps.end()


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
