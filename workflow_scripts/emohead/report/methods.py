"""The rows of the report: what readers call them, what they see, and where their runs lie."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from emohead.media.reading import probe_video, read_video

GROUND_TRUTH = "ground_truth"
COPY_REFERENCE = "copy_reference"
# Rows that show what a metric forgives; they compete with no method.
BUILT_IN = (GROUND_TRUTH, COPY_REFERENCE)


@dataclass(frozen=True)
class Method:
    """A row of the report, as the workflow's rules describe it.

    `given` says what the method sees beside the sound, `note` goes under Table 1; `runs` are the
    folders of its first seed, by reference face. `gates` are the gates.csv of its disentangler or
    motion field, one a seed, and `placed` the notes.csv of somebody else's videos.
    """

    id: str
    label: str
    given: str = ""
    note: str = ""
    runs: Mapping[str, Path] = field(default_factory=dict)
    gates: Sequence[Path] = ()
    placed: Sequence[Path] = ()


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


def read_methods(text: str) -> list[Method]:
    """The methods in a rule's JSON: a list of objects with the fields of `Method`."""
    return [
        Method(
            **each
            | {"runs": {name: Path(folder) for name, folder in each.get("runs", {}).items()}}
            | {name: [Path(file) for file in each.get(name, ())] for name in ("gates", "placed")}
        )
        for each in json.loads(text)
    ]


def labels_of(methods: Sequence[Method]) -> dict[str, str]:
    """What readers call the methods, by id."""
    return {method.id: method.label for method in methods}


def open_methods(methods: Sequence[Method], reference: str) -> list[MethodClips]:
    """The shown clips of the methods that were run with this reference face, and the truth's.

    ValueError without the ground truth, or names the folder that is no run.
    """
    opened = []
    for each in methods:
        folder = each.runs.get(reference)
        if each.id == GROUND_TRUTH and each.runs:
            folder = next(iter(each.runs.values()))
        if folder is not None:
            opened.append(MethodClips(each.id, each.label, open_run(folder)))
    return opened


def split_ground_truth(
    methods: Sequence[MethodClips],
) -> tuple[MethodClips, list[MethodClips]]:
    """The ground truth and, in order, the others; ValueError if the ground truth is not there."""
    truth = [method for method in methods if method.id == GROUND_TRUTH]
    if not truth:
        raise ValueError(f"no method {GROUND_TRUTH!r} among {[method.id for method in methods]}")
    return truth[0], [method for method in methods if method.id != GROUND_TRUTH]


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
