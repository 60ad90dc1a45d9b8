"""Whether the rendered face is still the same person, to dlib's face recogniser."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import dlib
import numpy as np

from emohead.evaluation.catalogue import FIRST_SCORED

#: The face is described once a second, from the first scored frame on: that takes longer than all
#: else that is done with several frames.
DESCRIBED_EVERY = 25


def _recogniser() -> dlib.face_recognition_model_v1:
    folder = Path(find_spec("face_recognition_models").origin).parent / "models"
    return dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))


@dataclass(frozen=True)
class FaceDescriber:
    """dlib's face recogniser (package face-recognition-models), loaded once for a process."""

    recogniser: dlib.face_recognition_model_v1 = field(default_factory=_recogniser)

    def describe(self, frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The descriptor [128] of the face with these landmarks [68, 2], px, in an RGB frame."""
        points = [dlib.point(int(x), int(y)) for x, y in np.round(landmarks)]
        whole = dlib.rectangle(0, 0, frame.shape[1] - 1, frame.shape[0] - 1)
        shape = dlib.full_object_detection(whole, points)
        return np.array(self.recogniser.compute_face_descriptor(frame, shape))


def described_frames(frames: int) -> range:
    """Which of a clip's frames are described."""
    return range(FIRST_SCORED, frames, DESCRIBED_EVERY)


def identity_distance(ours: Iterable[np.ndarray], truth: Iterable[np.ndarray]) -> float:
    """Mean distance of the descriptors [128] of the same frames, as far as both go; nan of none.

    dlib takes faces below .6 for the same person.
    """
    distances = [float(np.linalg.norm(a - b)) for a, b in zip(ours, truth, strict=False)]
    return float(np.mean(distances)) if distances else float("nan")
