"""What dlib sees on rendered frames: landmarks, as the headline metrics want them, and who."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emohead.evaluation.identity import FaceDescriber, described_frames
from emohead.features.faces import FaceFinder, NoFaceError
from emohead.features.store import StoredClip
from emohead.features.tracking import track_face
from emohead.files import whole_file


@dataclass(frozen=True)
class Redetected:
    """One clip: `landmarks` float32 [T, 68, 2], px of the crop, and `found` bool [T].

    `descriptors` float64 [N, 128] are those of the frames `identity.described_frames(T)`. All is
    nan where no frame shows a face.
    """

    landmarks: np.ndarray
    found: np.ndarray
    descriptors: np.ndarray


def redetect(clip: StoredClip, finder: FaceFinder, describer: FaceDescriber) -> Redetected:
    """What dlib sees on a rendered clip."""
    frames = clip.frames()
    try:
        track = track_face(frames, finder)
    except NoFaceError:
        return Redetected(
            np.full((len(frames), 68, 2), np.nan, np.float32),
            np.zeros(len(frames), bool),
            np.full((len(described_frames(len(frames))), 128), np.nan),
        )
    landmarks = track.landmarks.astype(np.float32)
    return Redetected(landmarks, track.found, describer.describe_clip(frames, landmarks))


def save_redetected(path: Path, clips: dict[str, Redetected]) -> None:
    """Write what was seen on several clips to an .npz file."""
    arrays = {
        f"{clip_id}/{name}": array
        for clip_id, clip in clips.items()
        for name, array in vars(clip).items()
    }
    with whole_file(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def load_redetected(path: Path) -> dict[str, Redetected]:
    """Read what `save_redetected` wrote."""
    with np.load(path) as arrays:
        clip_ids = sorted({name.rsplit("/", 1)[0] for name in arrays})
        return {
            clip_id: Redetected(
                arrays[f"{clip_id}/landmarks"],
                arrays[f"{clip_id}/found"],
                arrays[f"{clip_id}/descriptors"],
            )
            for clip_id in clip_ids
        }
