"""Whether the rendered face is still the same person, to dlib's face recogniser."""

from collections.abc import Iterable

import numpy as np

from emohead.evaluation.catalogue import FIRST_SCORED

#: The face is described once a second, from the first scored frame on: that takes longer than all
#: else that is done with several frames.
DESCRIBED_EVERY = 25


def described_frames(frames: int) -> range:
    """Which of a clip's frames are described."""
    return range(FIRST_SCORED, frames, DESCRIBED_EVERY)


def identity_distance(ours: Iterable[np.ndarray], truth: Iterable[np.ndarray]) -> float:
    """Mean distance of the descriptors [128] of the same frames, as far as both go; nan of none.

    dlib takes faces below .6 for the same person.
    """
    distances = [float(np.linalg.norm(a - b)) for a, b in zip(ours, truth, strict=False)]
    return float(np.mean(distances)) if distances else float("nan")
