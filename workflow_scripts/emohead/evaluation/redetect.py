"""Landmarks found again on rendered frames, as the headline metrics want them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emohead.faces import FaceFinder, NoFaceError
from emohead.files import whole_file
from emohead.store import StoredClip
from emohead.tracking import track_face


@dataclass(frozen=True)
class Redetected:
    """One clip: `landmarks` float32 [T, 68, 2], px of the crop (nan without any face), and
    `found` bool [T].
    """

    landmarks: np.ndarray
    found: np.ndarray


def redetect(clip: StoredClip, finder: FaceFinder) -> Redetected:
    """The landmarks that dlib sees on a rendered clip."""
    frames = clip.frames()
    try:
        track = track_face(frames, finder)
    except NoFaceError:
        nothing = np.full((len(frames), 68, 2), np.nan, np.float32)
        return Redetected(nothing, np.zeros(len(frames), bool))
    return Redetected(track.landmarks.astype(np.float32), track.found)


def save_redetected(path: Path, clips: dict[str, Redetected]) -> None:
    """Write the landmarks of several clips to an .npz file."""
    arrays = {f"{clip_id}/landmarks": clip.landmarks for clip_id, clip in clips.items()}
    arrays |= {f"{clip_id}/found": clip.found for clip_id, clip in clips.items()}
    with whole_file(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def load_redetected(path: Path) -> dict[str, Redetected]:
    """Read what `save_redetected` wrote."""
    with np.load(path) as arrays:
        clip_ids = sorted({name.rsplit("/", 1)[0] for name in arrays})
        return {c: Redetected(arrays[f"{c}/landmarks"], arrays[f"{c}/found"]) for c in clip_ids}
