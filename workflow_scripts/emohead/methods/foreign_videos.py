"""Videos that another program made of the test clips: brought into the crop of the ground truth.

They may have any size, rate, length and framing of the face. What can't be used is noted, and the
rest goes on.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pandas as pd
from tqdm import tqdm

from emohead.data.mead import VIDEO_SUFFIXES
from emohead.data.references import Protocol, choose_reference_clips
from emohead.features.alignment import Place, align, whole_picture
from emohead.features.comparison import count_faces, suspicions
from emohead.features.faces import FaceFinder, NoFaceError, crop_frame
from emohead.features.store import StoredClip
from emohead.features.tracking import Seen, SeveralFacesError, follow_face
from emohead.files import whole_file
from emohead.media.reading import MediaError, RgbPart, iterate_frames, luma, probe_video
from emohead.methods.rendered import RenderedClip

# How often the face is looked for, and how many frames are compared with the true ones.
_DETECT_EVERY, _COMPARED = 10, 8

_NOTE_COLUMNS = ("clip_id", "status", "detail")
Status = Literal["scored", "short", "missing", "broken", "no_face", "several_faces"]


@dataclass(frozen=True)
class Note:
    """What became of a clip's video; of `short` ones the frames that there are were taken."""

    clip_id: str
    status: Status
    detail: str


def place_videos(
    folder: Path,
    clips: Mapping[str, StoredClip],
    finder: FaceFinder,
    *,
    method: str,
    reference: Protocol,
) -> tuple[dict[str, RenderedClip], list[Note]]:
    """The videos `<clip_id>.mp4` (.mov, .webm, ...) of a folder in the crops of `clips`.

    The notes say of each of the clips (test clips) what became of its video; one that can't be used
    is left out. `reference` says which reference faces the method was given.
    """
    found = find_videos(folder, clips)
    reference_clips = choose_reference_clips(clips, reference)
    placed, notes = {}, []
    for clip_id, clip in tqdm(clips.items(), desc=method, unit="clip", mininterval=5):
        made = _try_to_place(found, clip, clips[reference_clips[clip_id]], finder, method)
        if isinstance(made, Note):
            notes.append(made)
            tqdm.write(f"{clip_id}: {made.status}: {made.detail}")
            continue
        placed[clip_id], detail = made
        status = "scored" if placed[clip_id].length == clip.length else "short"
        notes.append(Note(clip_id, status, detail))
    return placed, notes


def write_notes(notes: Sequence[Note], path: Path) -> None:
    """A table with a row for each clip: clip_id, status, detail."""
    with whole_file(path) as unfinished:
        pd.DataFrame(notes, columns=list(_NOTE_COLUMNS)).to_csv(unfinished, index=False)


def collect_notes(tables: Sequence[Path], folder: Path, path: Path) -> None:
    """Put the notes of all speakers into one table; ValueError when no video can be used."""
    rows = pd.concat([pd.read_csv(table) for table in tables])
    notes = [Note(*row) for row in rows[list(_NOTE_COLUMNS)].itertuples(index=False)]
    used = sum(note.status in ("scored", "short") for note in notes)
    print(f"{used} of {len(notes)} test clips have a video that can be scored", flush=True)
    if not used:
        raise ValueError(_nothing_to_score(folder, notes))
    write_notes(notes, path)


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
    video: Path, clip: StoredClip, reference: StoredClip, finder: FaceFinder, *, method: str
) -> tuple[RenderedClip, str]:
    """A video at 25 fps in the crop of a clip, at most as long as the clip; and what was done.

    One transform for all of its frames brings the face of the first frame that shows one to where
    the first frame of `reference` has it. Raises MediaError when the video can't be read, or has
    one frame, NoFaceError when none of those frames has a face, and SeveralFacesError where it
    shows more than one.
    """
    t, seen, landmarks = _followed_face(video, clip.length, finder)
    if (faces := count_faces(luma(seen.frame), finder)) > 1:
        raise SeveralFacesError(
            f"{video}: shows {faces} faces beside each other: cut out the one that was made"
        )
    place = Place.of(reference.frame(0), reference.landmarks[0], finder)
    image = RgbPart().of(seen.frame)
    transform = align(image, seen.landmarks, place, finder)
    there = sum(1 for _ in iterate_frames(video))
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
    compared = set(np.linspace(0, length - 1, _COMPARED).astype(int))
    crops = enumerate(_crops(video, transform, place.crop_size, length))
    detail += suspicions(
        [crop for k, crop in crops if k in compared], [clip.frame(k) for k in sorted(compared)],
        landmarks, clip.landmarks,
    )  # fmt: skip
    placed = RenderedClip(
        clip.clip_id,
        np.full((length, 68, 2), np.nan, np.float32),
        partial(_crops, video, transform, place.crop_size, length),
        {"video": str(video), "reference_clip": reference.clip_id},
        comment=f"Synthetic talking head, made by {method}; cropped for comparison",
    )
    return placed, ", ".join(detail)


def _crops(video: Path, transform: np.ndarray, crop_size: int, length: int) -> Iterator[np.ndarray]:
    """The crops of the first `length` frames of a video."""
    whole = RgbPart()
    for frame in islice(iterate_frames(video), length):
        yield crop_frame(whole.of(frame), transform, crop_size)


def _try_to_place(
    found: Mapping[str, Path],
    clip: StoredClip,
    reference: StoredClip,
    finder: FaceFinder,
    method: str,
) -> tuple[RenderedClip, str] | Note:
    """A clip's video in its crop, or why it can't be used."""
    if clip.clip_id not in found:
        return Note(clip.clip_id, "missing", "the folder has no video of this name")
    try:
        return place_video(found[clip.clip_id], clip, reference, finder, method=method)
    except NoFaceError as error:
        return Note(clip.clip_id, "no_face", str(error))
    except SeveralFacesError as error:
        return Note(clip.clip_id, "several_faces", str(error))
    # A frame that FFmpeg's filters refuse is one of FFmpeg's own errors.
    except (MediaError, av.FFmpegError) as error:
        return Note(clip.clip_id, "broken", str(error))


def _followed_face(
    video: Path, length: int, finder: FaceFinder
) -> tuple[int, Seen[av.VideoFrame], np.ndarray]:
    """The first of `length` frames with a face: its number, and it; and landmarks [T, 68, 2]."""
    frames = islice(iterate_frames(video), length)
    first, landmarks = None, []
    for t, seen in enumerate(follow_face(frames, luma, finder, every=_DETECT_EVERY)):
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


def _nothing_to_score(folder: Path, told: Sequence[Note]) -> str:
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
