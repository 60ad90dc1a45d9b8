"""Videos that another program made of the test clips: brought into the crop of the ground truth.

They may have any size, rate, length and framing of the face. A video that can't be used gets a
note, and the others are used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path

import av
import numpy as np
import pandas as pd
from tqdm import tqdm

from emohead.data.references import Protocol, choose_reference_clips
from emohead.features.alignment import Place, align, whole_picture
from emohead.features.comparison import compare, count_faces
from emohead.features.faces import FaceFinder, NoFaceError, crop_frame, share_outside
from emohead.features.store import StoredClip
from emohead.features.tracking import Seen, SeveralFacesError, follow_face
from emohead.media.reading import MediaError, RgbPart, iterate_frames, luma, probe_video
from emohead.methods.rendered import RenderedClip
from emohead.methods.video_names import OUR_NAMES, find_videos, is_table
from emohead.methods.video_notes import Note, concerns_of, read_notes, write_notes

# How often the face is looked for, and how many frames are compared with the true ones.
_DETECT_EVERY, _COMPARED = 10, 8


@dataclass(frozen=True)
class ForeignVideos:
    """A config's method of videos: their folder, their names (`find_videos`), and `start`.

    `start` is the frame of a video, at 25 a second, that shows the clip's first one: 1 where the
    reference face comes before; -1 where a video begins with the clip's second frame.
    """

    folder: Path
    names: str = OUR_NAMES
    start: int = 0

    def frames(self, video: Path) -> Iterator[av.VideoFrame]:
        """A video's frames from the clip's first one on; the next stands in for a missing one.

        The first frame of a clip is never scored.
        """
        frames = iterate_frames(video)
        if self.start >= 0:
            return islice(frames, self.start, None)
        first = next(frames, None)
        return iter(()) if first is None else chain(repeat(first, 1 - self.start), frames)


def place_videos(
    videos: ForeignVideos,
    clips: Mapping[str, StoredClip],
    finder: FaceFinder,
    *,
    method: str,
    reference: Protocol,
) -> tuple[dict[str, RenderedClip], list[Note]]:
    """Somebody else's videos in the crops of `clips`.

    There is a note for the video of each of the `clips` (test clips); one that can't be used is
    left out. `reference` says which reference faces the method was given.
    """
    found = find_videos(videos.folder, clips, videos.names)
    reference_clips = choose_reference_clips(clips, reference)
    placed, notes = {}, []
    for clip_id, clip in tqdm(clips.items(), desc=method, unit="clip", mininterval=5):
        video = found.get(clip_id)
        if video is None:
            named = "of this name" if videos.names == OUR_NAMES else f"of it by {videos.names}"
            made = Note(clip_id, "missing", f"the folder has no video {named}")
        else:
            made = _try_to_place(
                video, videos, clip, clips[reference_clips[clip_id]], finder, method
            )
        if isinstance(made, Note):
            notes.append(made)
            tqdm.write(f"{clip_id}: {made.status}: {made.detail}")
            continue
        placed[clip_id], note = made
        notes.append(note)
    return placed, notes


def collect_notes(tables: Sequence[Path], videos: ForeignVideos, path: Path) -> None:
    """Put the notes of all speakers into one table; ValueError when no video can be used."""
    notes = read_notes(tables)
    used = sum(note.is_used for note in notes)
    print(f"{used} of {len(notes)} test clips have a video that can be scored", flush=True)
    if not used:
        raise ValueError(_nothing_to_score(videos, notes))
    for concern in concerns_of(notes):
        print(concern, flush=True)
    write_notes(notes, path)


def place_video(
    video: Path,
    videos: ForeignVideos,
    clip: StoredClip,
    reference: StoredClip,
    finder: FaceFinder,
    *,
    method: str,
) -> tuple[RenderedClip, Note]:
    """A video at 25 fps in the crop of a clip, at most as long as the clip; and what was done.

    One transform for all of its frames brings the face of the first frame that shows one to where
    the first frame of `reference` has it. Raises MediaError when the video can't be read, or has
    one frame, NoFaceError when none of those frames has a face, and SeveralFacesError where it
    shows more than one.
    """
    t, seen, landmarks = _followed_face(videos.frames(video), clip.length, finder)
    if (faces := count_faces(luma(seen.frame), finder)) > 1:
        raise SeveralFacesError(
            f"{video}: shows {faces} faces beside each other: cut out the one that was made"
        )
    # A video that lacks the clip's first frame begins where the face is in the second one.
    shown = max(0, -videos.start) if reference.clip_id == clip.clip_id else 0
    place = Place.of(reference.frame(shown), reference.landmarks[shown], finder)
    image = RgbPart().of(seen.frame)
    transform = align(image, seen.landmarks, place, finder)
    there = sum(1 for _ in videos.frames(video))
    if there < 2:
        raise MediaError(f"{video}: holds one frame; the first is never scored")
    length = min(there, clip.length)
    detail = [
        f"{image.shape[1]}x{image.shape[0]} px at {probe_video(video).fps:.4g} fps",
        _describe(transform, image, place.crop_size),
        f"{length} of {clip.length} frames",
    ]
    if there > length:
        detail.append(f"{there - length} beyond the clip's end left out")
    if t:
        detail.append(f"first face in frame {t}")
    crops_of = partial(_crops, videos, video, transform, place.crop_size, length)
    compared = set(np.linspace(0, length - 1, _COMPARED).astype(int))
    beside = compare(
        [crop for k, crop in enumerate(crops_of()) if k in compared],
        [clip.frame(k) for k in sorted(compared)],
        landmarks, clip.landmarks,
    )  # fmt: skip
    detail += beside.words
    outside = share_outside(transform, place.crop_size, image.shape[1], image.shape[0])
    if outside > 0:
        detail.append(f"{outside:.1%} of the crop lies outside the video")
    placed = RenderedClip(
        clip.clip_id,
        np.full((length, 68, 2), np.nan, np.float32),
        crops_of,
        {"video": str(video), "reference_clip": reference.clip_id},
        comment=f"Synthetic talking head, made by {method}; cropped for comparison",
    )
    status = "scored" if length == clip.length else "short"
    return placed, Note(
        clip.clip_id, status, ", ".join(detail),
        beside.lip_lag, outside, beside.mirrored, beside.exchanged,
    )  # fmt: skip


def _crops(
    videos: ForeignVideos, video: Path, transform: np.ndarray, crop_size: int, length: int
) -> Iterator[np.ndarray]:
    """The crops of the first `length` frames of a video."""
    whole = RgbPart()
    for frame in islice(videos.frames(video), length):
        yield crop_frame(whole.of(frame), transform, crop_size)


def _try_to_place(
    video: Path,
    videos: ForeignVideos,
    clip: StoredClip,
    reference: StoredClip,
    finder: FaceFinder,
    method: str,
) -> tuple[RenderedClip, Note] | Note:
    """A clip's video in its crop, or why it can't be used."""
    try:
        return place_video(video, videos, clip, reference, finder, method=method)
    except NoFaceError as error:
        return Note(clip.clip_id, "no_face", str(error))
    except SeveralFacesError as error:
        return Note(clip.clip_id, "several_faces", str(error))
    # A frame that FFmpeg's filters refuse is one of FFmpeg's own errors.
    except (MediaError, av.FFmpegError) as error:
        return Note(clip.clip_id, "broken", str(error))


def _followed_face(
    frames: Iterator[av.VideoFrame], length: int, finder: FaceFinder
) -> tuple[int, Seen[av.VideoFrame], np.ndarray]:
    """The first of `length` frames with a face: its number, and it; and landmarks [T, 68, 2]."""
    first, landmarks = None, []
    for t, seen in enumerate(
        follow_face(islice(frames, length), luma, finder, every=_DETECT_EVERY)
    ):
        landmarks.append(seen.landmarks)
        if first is None and seen.found:
            first = t, seen
    return *first, np.stack(landmarks)


def _describe(transform: np.ndarray, image: np.ndarray, crop_size: int) -> str:
    height, width = image.shape[:2]
    if np.array_equal(transform, whole_picture(width, height, crop_size)):
        return "has the crop's framing"
    scale = np.sqrt(np.linalg.det(transform[:, :2].astype(float)))
    turn = np.degrees(np.arctan2(transform[1, 0], transform[0, 0]))
    return f"aligned: scale {scale:.3f}, turn {turn:+.1f} degrees"


def _nothing_to_score(videos: ForeignVideos, told: Sequence[Note]) -> str:
    folder = videos.folder
    names = f"{told[0].clip_id}.mp4" if videos.names == OUR_NAMES else videos.names
    counts = pd.Series([note.status for note in told]).value_counts()
    summary = ", ".join(f"{count} {status}" for status, count in counts.items())
    files = sorted(path.name for path in folder.iterdir())
    there = ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
    reasons = [f"; {note.detail}" for note in told if note.status != "missing"][:3]
    return (
        f"{folder}: not one video can be scored of {len(told)} test clips ({summary}); the folder "
        f"holds {there or 'nothing'}, and names {'of' if is_table(names) else 'like'} {names} were "
        "looked for" + "".join(reasons)
    )
