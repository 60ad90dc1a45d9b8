"""dlib's landmarks and face descriptors of rendered frames, for the headline metrics."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emohead.evaluation.identity import described_frames
from emohead.features.faces import FaceDescriber, FaceFinder, NoFaceError
from emohead.features.tracking import follow_face
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


def redetect(
    frames: Iterable[np.ndarray], length: int, finder: FaceFinder, describer: FaceDescriber
) -> Redetected:
    """dlib's landmarks and descriptors of a clip's `length` rendered frames, uint8 [S, S, 3].

    A few of them are held at a time, however long it is, as long as a face is seen.
    """
    landmarks = np.full((length, 68, 2), np.nan, np.float32)
    found = np.zeros(length, bool)
    described = described_frames(length)
    descriptors = np.full((len(described), 128), np.nan)
    last = None
    try:
        for t, seen in enumerate(follow_face(frames, _itself, finder, every=1)):
            landmarks[t], found[t] = seen.landmarks, seen.found
            if t in described:
                # A still face is described once: each description takes 60 ms.
                if last is None or not np.array_equal(seen.frame, last):
                    descriptor = describer.describe(seen.frame, seen.landmarks)
                descriptors[described.index(t)] = descriptor
                last = seen.frame
    except NoFaceError:
        pass
    return Redetected(landmarks, found, descriptors)


def _itself(frame: np.ndarray) -> np.ndarray:
    return frame


def save_redetected(
    path: Path, clips: Mapping[str, Redetected], predicted: Mapping[str, np.ndarray]
) -> None:
    """Write the re-detected and the predicted landmarks of clips to an .npz file."""
    arrays = {
        f"{clip_id}/{name}": array
        for clip_id, clip in clips.items()
        for name, array in {**vars(clip), "predicted": predicted[clip_id]}.items()
    }
    with whole_file(path) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def collect_redetected(paths: Iterable[Path], collected: Path) -> None:
    """Put several such files into one."""
    arrays = {}
    for path in paths:
        with np.load(path) as found:
            arrays.update(found)
    with whole_file(collected) as unfinished:
        np.savez_compressed(unfinished, **arrays)


def load_redetected(path: Path) -> dict[str, Redetected]:
    """Read the re-detected landmarks of such a file."""
    names = ("landmarks", "found", "descriptors")
    with np.load(path) as arrays:
        clip_ids = sorted({name.rsplit("/", 1)[0] for name in arrays})
        return {
            clip_id: Redetected(*(arrays[f"{clip_id}/{name}"] for name in names))
            for clip_id in clip_ids
        }
