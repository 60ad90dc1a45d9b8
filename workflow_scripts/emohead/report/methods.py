"""The rows of the report: what readers call them, what they see, and where their runs lie."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from emohead.evaluation.published import PAPER_LABELS
from emohead.evaluation.run_clips import RunClip, open_run
from emohead.evaluation.summary import BUILT_IN, GROUND_TRUTH

#: What readers call the protocols.
PROTOCOL_LABELS = {
    "same_emotion": "Reference face in the clip's emotion",
    "neutral": "Neutral reference face",
}


@dataclass(frozen=True)
class Method:
    """A row of the report, as the workflow's rules describe it.

    `given` says what the method sees beside the sound, `note` goes under Table 1; `runs` are the
    folders of its first seed, by reference face. `gates` are the gates.csv of its disentangler or
    motion field, one a seed, and `placed` the notes.csv of somebody else's videos; `clips`, by id,
    those that `open_methods` read.
    """

    id: str
    label: str
    given: str = ""
    note: str = ""
    runs: Mapping[str, str | Path] = field(default_factory=dict)
    gates: Sequence[str | Path] = ()
    placed: Sequence[str | Path] = ()
    clips: Mapping[str, RunClip] = field(default_factory=dict)


def read_methods(text: str) -> list[Method]:
    """The methods in a rule's JSON, the ground truth first: objects with the fields of `Method`."""
    return [Method(**each) for each in json.loads(text)]


def labels_of(methods: Sequence[Method]) -> dict[str, str]:
    """What readers call the methods, by id."""
    return {method.id: method.label for method in methods}


def label_methods(scores: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, str]:
    """The methods that have scores, with the names that readers see, in the order of rows.

    The ground truth and the copied reference come first, then `labels` in their order, then the
    methods without a label, called as in the paper or else by their id.
    """
    known = {**PAPER_LABELS, **labels}
    there = list(scores["method"].unique())
    order = dict.fromkeys([*BUILT_IN, *labels, *there])
    return {method: known.get(method, method) for method in order if method in there}


def open_methods(methods: Sequence[Method], reference: str) -> list[Method]:
    """The shown clips of the methods that were run with this reference face, the truth's first.

    The ground truth, of which there is one run, serves them all.
    """
    opened = []
    for each in methods:
        runs = [*each.runs.values()] if each.id == GROUND_TRUTH else []
        if folder := each.runs.get(reference, *runs[:1]):
            opened.append(replace(each, clips=open_run(Path(folder))))
    return opened
