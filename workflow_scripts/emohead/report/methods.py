"""The methods that a report shows: their ids, labels, places on disk and chosen clips."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emohead.data.mead import parse_clip_id
from emohead.features.store import StoredClip, open_clips
from emohead.report.paper import TABLE_1

GROUND_TRUTH = "ground_truth"
COPY_REFERENCE = "copy_reference"
# Rows that show what a metric forgives; they compete with no method.
BUILT_IN = (GROUND_TRUTH, COPY_REFERENCE)


@dataclass(frozen=True)
class Method:
    """A row of the report: its id, the label that readers see and where its results lie.

    What `path` is depends on the output: an evaluation folder (tables), a shard (figures) or a
    folder of videos (page).
    """

    id: str
    label: str
    path: Path


@dataclass(frozen=True)
class MethodClips:
    """A method with its rendered test clips, keyed by clip id."""

    id: str
    label: str
    clips: Mapping[str, StoredClip]

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
    """Open the shard of every method; ValueError names the method whose shard is missing."""
    for method in methods:
        if not method.path.is_file():
            raise ValueError(f"method {method.id!r}: no shard {method.path}: run its synthesis")
    return [MethodClips(each.id, each.label, open_clips([each.path])) for each in methods]


def clip_per_emotion(clip_ids: Iterable[str], emotions: Sequence[str]) -> dict[str, str]:
    """One clip id per emotion: the strongest level, the speakers in turn, the lowest number.

    Emotions without a clip are left out; when none of them has one, all that have are shown.
    """
    names = {clip_id: parse_clip_id(clip_id) for clip_id in sorted(clip_ids)}
    there = sorted({name.emotion for name in names.values()})
    if not set(there) & set(emotions):
        emotions = there
    speakers = sorted({name.speaker for name in names.values()})
    chosen: dict[str, str] = {}
    for turn, emotion in enumerate(emotions):
        candidates = [clip_id for clip_id, name in names.items() if name.emotion == emotion]
        if candidates:
            wanted = turn % len(speakers)
            chosen[emotion] = min(
                candidates,
                key=lambda clip_id: (
                    -names[clip_id].level,
                    (speakers.index(names[clip_id].speaker) - wanted) % len(speakers),
                    clip_id,
                ),
            )
    return chosen


def spread_frames(length: int, count: int) -> list[int]:
    """Indices of `count` frames in the middle of equal parts of a clip of `length` frames."""
    return [int(t) for t in (np.arange(count) + 0.5) * length / count]
