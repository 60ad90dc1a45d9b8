"""Videos that another program made of the test clips: brought into the crop of the ground truth.

They may have any size, rate, length and framing of the face. What can't be used is noted, and the
rest goes on.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pandas as pd
from tqdm import tqdm

from emohead.data.clip_tables import read_clips
from emohead.data.mead import VIDEO_SUFFIXES
from emohead.data.references import Protocol, choose_reference_clips
from emohead.features.alignment import Place, align, whole_picture
from emohead.features.faces import FaceFinder, NoFaceError, crop_frame
from emohead.features.store import ShardWriter, StoredClip
from emohead.features.tracking import Seen, follow_face
from emohead.files import whole_file
from emohead.media.reading import MediaError, RgbPart, iterate_frames, luma, probe_video
from emohead.methods.rendered import store_rendering

# How often the face is looked for until it is found; after that it isn't followed.
_DETECT_EVERY = 10

Status = Literal["scored", "short", "missing", "broken", "no_face"]


@dataclass(frozen=True)
class Note:
    """What became of a clip's video; of `short` ones the frames that there are were taken."""

    clip_id: str
    status: Status
    detail: str


@dataclass(frozen=True)
class PlacedVideo:
    """A video in the clip's crop: `frames` uint8 [T, S, S, 3], at most as many as the clip has.

    `transform` float32 [2, 3] leads from the video's pixels to the crop's; `detail` says what was
    done.
    """

    frames: np.ndarray
    transform: np.ndarray
    detail: str


def import_videos(
    folder: Path,
    clips: Mapping[str, StoredClip],
    finder: FaceFinder,
    *,
    clip_table: Path,
    method: str,
    reference: Protocol,
    shard: Path,
    videos: Path,
    notes: Path,
) -> None:
    """Write the videos `<clip_id>.mp4` (.mov, .webm, ...) of a folder as a run of `method`.

    `shard` gets the clips' crops, their landmarks nan; `videos` the same with the true sound, from
    the files that `clip_table` names; `notes` a row for each of the `clips` (the test part):
    clip_id, status, detail. `reference` says which reference faces the method was given. Raises
    ValueError when no clip can be used.
    """
    found = find_videos(folder, clips)
    takes = {take.clip_id: take for take in read_clips(clip_table)}
    reference_clips = choose_reference_clips(clips, reference)
    told: list[Note] = []
    with ShardWriter(shard, codec="png") as writer:
        for clip_id, clip in tqdm(clips.items(), desc=method, unit="clip", mininterval=5):
            placed = _try_to_place(found, clip, clips[reference_clips[clip_id]], finder)
            if isinstance(placed, Note):
                told.append(placed)
                tqdm.write(f"{clip_id}: {placed.status}: {placed.detail}")
                continue
            length = len(placed.frames)
            status = "scored" if length == clip.length else "short"
            told.append(Note(clip_id, status, placed.detail))
            store_rendering(
                writer,
                videos,
                clip,
                takes[clip_id],
                frames=placed.frames,
                landmarks=np.full((length, 68, 2), np.nan, np.float32),
                transform=placed.transform,
                comment=f"Synthetic talking head, made by {method}; cropped for comparison",
                attributes={
                    "video": str(found[clip_id]),
                    "reference_clip": reference_clips[clip_id],
                },
            )
        used = sum(note.status in ("scored", "short") for note in told)
        print(f"{used} of {len(told)} test clips have a video that can be scored", flush=True)
        if not used:
            raise ValueError(_nothing_to_score(folder, told))
    with whole_file(notes) as unfinished:
        pd.DataFrame(told, columns=["clip_id", "status", "detail"]).to_csv(unfinished, index=False)


def find_videos(folder: Path, clip_ids: Collection[str]) -> dict[str, Path]:
    """The videos of a folder that are called by one of these ids; ValueError without the folder."""
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder} to take videos from")
    files = {path.name.lower(): path for path in sorted(folder.iterdir())}
    found = {}
    for clip_id in clip_ids:
        names = [f"{clip_id}{suffix}".lower() for suffix in VIDEO_SUFFIXES]
        named = [files[name] for name in names if name in files]
        if named:
            found[clip_id] = named[0]
    return found


def place_video(
    video: Path, clip: StoredClip, reference: StoredClip, finder: FaceFinder
) -> PlacedVideo:
    """A video's frames at 25 fps in the crop of a clip, at most as many as the clip has.

    One transform for all of them brings the face of the first frame that shows one to where the
    first frame of `reference` has it. Raises MediaError when the video can't be read, or has one
    frame, and NoFaceError when none of those frames has a face.
    """
    t, seen = _first_face(video, clip.length, finder)
    place = Place.of(reference.frame(0), reference.landmarks[0], finder)
    whole = RgbPart()
    image = whole.of(seen.frame)
    transform = align(image, seen.landmarks, place, finder)
    frames, extra = [], 0
    for frame in iterate_frames(video):
        if len(frames) < clip.length:
            frames.append(crop_frame(whole.of(frame), transform, place.crop_size))
        else:
            extra += 1
    if len(frames) < 2:
        raise MediaError(f"{video}: holds one frame; the first is never scored")
    detail = [
        f"{image.shape[1]}x{image.shape[0]} px at {probe_video(video).fps:.4g} fps",
        _describe(transform, image, place.crop_size),
        f"{len(frames)} of {clip.length} frames",
    ]
    if extra:
        detail.append(f"{extra} beyond the clip's end left out")
    if t:
        detail.append(f"first face in frame {t}")
    return PlacedVideo(np.stack(frames), transform, ", ".join(detail))


def _try_to_place(
    found: Mapping[str, Path], clip: StoredClip, reference: StoredClip, finder: FaceFinder
) -> PlacedVideo | Note:
    """A clip's video in its crop, or why it can't be used."""
    if clip.clip_id not in found:
        return Note(clip.clip_id, "missing", "the folder has no video of this name")
    try:
        return place_video(found[clip.clip_id], clip, reference, finder)
    except NoFaceError as error:
        return Note(clip.clip_id, "no_face", str(error))
    # A frame that FFmpeg's filters refuse is one of FFmpeg's own errors.
    except (MediaError, av.FFmpegError) as error:
        return Note(clip.clip_id, "broken", str(error))


def _first_face(video: Path, length: int, finder: FaceFinder) -> tuple[int, Seen[av.VideoFrame]]:
    """The first of `length` frames with a face, the largest of those seen there, and its number."""
    frames = islice(iterate_frames(video), length)
    followed = follow_face(frames, luma, finder, every=_DETECT_EVERY)
    return next((t, seen) for t, seen in enumerate(followed) if seen.found)


def _describe(transform: np.ndarray, image: np.ndarray, crop_size: int) -> str:
    height, width = image.shape[:2]
    if np.array_equal(transform, whole_picture(width, height, crop_size)):
        return "has the crop's framing"
    scale = np.sqrt(np.linalg.det(transform[:, :2].astype(float)))
    turn = np.degrees(np.arctan2(transform[1, 0], transform[0, 0]))
    return f"aligned: scale {scale:.3f}, turn {turn:+.1f} degrees"


def _nothing_to_score(folder: Path, told: list[Note]) -> str:
    counts = pd.Series([note.status for note in told]).value_counts()
    summary = ", ".join(f"{count} {status}" for status, count in counts.items())
    files = sorted(path.name for path in folder.iterdir())
    there = ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
    reasons = [f"; {note.detail}" for note in told if note.status != "missing"][:3]
    return (
        f"{folder}: not one video can be scored of {len(told)} test clips ({summary}); the folder "
        f"holds {there or 'nothing'}, and names like {told[0].clip_id}.mp4 were looked for"
        + "".join(reasons)
    )
