"""What every run was scored on: seeds, clips, and frames without a face."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from emohead.report.data_tables import Share
from emohead.report.scores import clips_of, count, references_of


@dataclass(frozen=True)
class Scored:
    """A method with one reference: its seeds, and its clips of all test clips.

    `faces_missed` are frames, of all seeds, in which dlib found no face again.
    """

    label: str
    reference: str
    seeds: int
    clips: Share
    faces_missed: Share


def scored_runs(scores: pd.DataFrame, labels: Mapping[str, str]) -> list[Scored]:
    """What each method was scored on, of what `read_scores` returned; the ground truth once."""
    test_clips = max(len(clips_of(scores, method)) for method in labels)
    runs = []
    for reference in references_of(scores):
        for method, label in labels.items():
            is_run = (scores["reference"] == reference) & (scores["method"] == method)
            rows = scores[is_run]
            if len(rows):
                clips = Share(len(clips_of(rows, method)), test_clips)
                missed = Share(count(rows, method, "faces_missed"), count(rows, method, "frames"))
                runs.append(Scored(label, reference, rows["seed"].nunique(), clips, missed))
    return runs
