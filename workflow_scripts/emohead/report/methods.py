"""The methods that a report shows: their ids, labels, places on disk and chosen clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from emohead.media.reading import probe_video, read_video
from emohead.report.paper import TABLE_1

GROUND_TRUTH = "ground_truth"
COPY_REFERENCE = "copy_reference"
# Rows that show what a metric forgives; they compete with no method.
BUILT_IN = (GROUND_TRUTH, COPY_REFERENCE)


@dataclass(frozen=True)
class Method:
    """A row of the report: its id, the label that readers see and where its results lie.

    `path` is the folder of its run, with a folder for every speaker.
    """

    id: str
    label: str
    path: Path


@dataclass(frozen=True)
class RunClip:
    """A clip of a run that is shown: the `landmarks` float32 [T, 68, 2] that the method predicted,
    pixels of the crop (nan where it predicts none), and its `video`.
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

    def frame(self, t: int) -> np.ndarray:
        """Frame t of the video, uint8 [S, S, 3] RGB."""
        return self._frames[t]

    @cached_property
    def _frames(self) -> np.ndarray:
        return read_video(self.video)


@dataclass(frozen=True)
class MethodClips:
    """A method with its test clips that are shown, keyed by clip id."""

    id: str
    label: str
    clips: Mapping[str, RunClip]

    def shows(self, clip_id: str, t: int) -> bool:
        """Whether the method rendered frame t of a clip; somebody else's may lack some."""
        return clip_id in self.clips and t < self.clips[clip_id].length

    def landmarks(self, clip_id: str, t: int) -> np.ndarray | None:
        """Landmarks [68, 2] of a frame; None where the method didn't render it or has none."""
        points = self.clips[clip_id].landmarks[t] if self.shows(clip_id, t) else None
        return points if points is not None and np.isfinite(points).all() else None


def named_methods(
    paths: Sequence[tuple[str, Path]], labels: Sequence[tuple[str, str]] = ()
) -> list[Method]:
    """Methods in the order given, labelled as asked, else as in the paper, else by their id."""
    ids = [method_id for method_id, _ in paths]
    repeated = sorted({method_id for method_id in ids if ids.count(method_id) > 1})
    if repeated:
        raise ValueError(f"--method names {', '.join(repeated)} more than once: give each id once")
    unknown = [method_id for method_id, _ in labels if method_id not in ids]
    if unknown:
        raise ValueError(f"--label for {', '.join(unknown)}, but --method names: {', '.join(ids)}")
    known = {method_id: row.label for method_id, row in TABLE_1.items()}
    known |= {COPY_REFERENCE: "Copy reference"} | dict(labels)
    return [Method(method_id, known.get(method_id, method_id), path) for method_id, path in paths]


def split_ground_truth(
    methods: Sequence[MethodClips],
) -> tuple[MethodClips, list[MethodClips]]:
    """The ground truth and, in order, the others; ValueError if the ground truth is not there."""
    truth = [method for method in methods if method.id == GROUND_TRUTH]
    if not truth:
        raise ValueError(f"no method {GROUND_TRUTH!r} among {[method.id for method in methods]}")
    return truth[0], [method for method in methods if method.id != GROUND_TRUTH]


def open_methods(methods: Sequence[Method]) -> list[MethodClips]:
    """Open the shown clips of every method's run; ValueError names a method without a run."""
    return [MethodClips(each.id, each.label, open_run(each.path)) for each in methods]


def open_run(folder: Path) -> dict[str, RunClip]:
    """The shown clips of all speakers of a run; ValueError when there is no such run."""
    speakers = sorted(path.parent for path in folder.glob("*/landmarks.npz"))
    if not speakers:
        raise ValueError(
            f"no <speaker>/landmarks.npz below {folder}: render and score this run first"
        )
    clips = {}
    for speaker in speakers:
        with np.load(speaker / "landmarks.npz") as landmarks:
            for video in sorted(speaker.glob("videos/*.mp4")):
                clips[video.stem] = RunClip(landmarks[f"{video.stem}/predicted"], video)
    return clips


def spread_frames(length: int, count: int) -> list[int]:
    """Indices of `count` frames in the middle of equal parts of a clip of `length` frames."""
    return [int(t) for t in (np.arange(count) + 0.5) * length / count]
