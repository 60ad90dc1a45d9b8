"""What a run keeps of its shown clips: the predicted landmarks and the video."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emohead.media.reading import probe_video, read_video


@dataclass(frozen=True)
class RunClip:
    """The `landmarks` float32 [T, 68, 2] that a method predicted, pixels of the crop (nan where it
    predicts none), and its `video`.
    """

    landmarks: np.ndarray
    video: Path

    @property
    def length(self) -> int:
        """Number of frames T."""
        return len(self.landmarks)

    @property
    def crop_size(self) -> int:
        """Width and height of the frames, in pixels."""
        return probe_video(self.video).width

    def frames(self) -> np.ndarray:
        """The video, uint8 [T, S, S, 3] RGB."""
        return read_video(self.video)

    def face(self, t: int) -> np.ndarray | None:
        """Landmarks [68, 2] of frame t; None beyond the last one, and where there are none."""
        known = t < self.length and np.isfinite(self.landmarks[t]).all()
        return self.landmarks[t] if known else None


def open_run(folder: Path) -> dict[str, RunClip]:
    """The shown clips of all speakers of a run, by id; ValueError when there is no such run."""
    clips = {}
    for path in sorted(folder.glob("*/landmarks.npz")):
        with np.load(path) as landmarks:
            for video in sorted(path.parent.glob("videos/*.mp4")):
                clips[video.stem] = RunClip(landmarks[f"{video.stem}/predicted"], video)
    if not clips:
        raise ValueError(f"no shown clips below {folder}: render and score this run first")
    return clips
