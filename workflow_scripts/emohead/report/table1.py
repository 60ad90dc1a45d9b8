"""The rows of Table 1: this run beside the paper's figures, for each protocol."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from emohead.config import NOT_STATED
from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.report.methods import BUILT_IN
from emohead.report.paper import OTHER_READINGS, SOURCE, TABLE_1, PaperRow
from emohead.report.scores import (
    REFERENCE_LABELS,
    Score,
    clips_of,
    common_clips,
    count,
    label_methods,
    note_missing_clips,
    note_unscored,
    of_reference,
    references_of,
    score,
    table_of,
    whom_intervals_speak_of,
)

LEGACY = "psnr_legacy"
#: The landmark distances of what the landmark models predict, before any rendering.
PREDICTED = {
    f"{name}_predicted": replace(
        metric(name, "predicted/centred/128"), heading=f"{heading}, predicted"
    )
    for name, heading in (("f_lmd", "F-LMD"), ("m_lmd", "M-LMD"))
}
#: The columns of this run's half, and of them those that the paper has.
COLUMNS: dict[str, Metric] = (
    {name: metric(name, HEADLINE[name]) for name in ("f_lmd", "m_lmd")}
    | PREDICTED
    | {name: metric(name, HEADLINE[name]) for name in ("ssim", "psnr")}
    | {LEGACY: metric(LEGACY, "grey_wrapped")}
)
PAPER_COLUMNS = tuple(HEADLINE)
DECIMALS = {name: 3 if name == "ssim" else 2 for name in COLUMNS}
PAPER_DECIMALS = 2
MISSING, NOT_RUN = "–", "not run"
#: Under the table, and after it where the paper's half stands beside.
CAPTION = (
    "F-LMD, M-LMD: mean distance between the landmarks in rendered and ground-truth frames "
    "(all 68, the mouth's 20), in pixels of a 128-pixel crop; predicted: between those that the "
    "landmark model gives and the clip's own, whatever the translator. SSIM; PSNR (RGB) in dB. "
    "PSNR, wrapped 8-bit: grey frames whose squared difference wraps at 256, as a widely used "
    "script computes it; its floor is near 27.9 dB. Mean over test clips per seed, then over seeds "
    "(± standard deviation over seeds); in brackets the 95 % interval for these trainings. Given: "
    "what a method sees beside the sound: frames (one face, a video, or the clip's upper face), "
    "whose head pose (its own, the clip's, or another clip's), what tells it the emotion, and "
    "whether it was trained on the speakers. Bold: the best of this run's methods that are given "
    "the same."
)
PAPER_CAPTION = (
    f"Paper: {SOURCE}, as printed; it states neither its crop size nor its PSNR, so that the two "
    "halves are not on one scale. Both readings of its row without MSEF have that row's figures. "
    "If the paper's PSNR comes from that script, as is likely, it can be held against the wrapped "
    "column alone."
)


@dataclass(frozen=True)
class Row:
    """A row of Table 1; `scores` is None for a row of the paper that was not run."""

    id: str
    label: str
    paper: PaperRow
    given: str = MISSING
    scores: dict[str, Score] | None = None
    seeds: int = 0
    clips: int = 0
    frames: int = 0
    faces_missed: int = 0

    def shown(self, name: str) -> str:
        """This run's mean as printed: `1.23`, `∞`, `–` for no value, or `not run`."""
        if self.scores is None:
            return NOT_RUN
        return number(self.scores[name].mean, DECIMALS[name])

    def spread(self, name: str) -> str:
        """The standard deviation over seeds as printed, empty for a single seed."""
        if self.scores is None or math.isnan(self.scores[name].sd):
            return ""
        return number(self.scores[name].sd, DECIMALS[name])

    def interval(self, name: str) -> str:
        """The 95 % interval as printed, `[1.20, 1.26]`; empty if unknown or without width."""
        if self.scores is None or not self.scores[name].low < self.scores[name].high:
            return ""
        ends = (self.scores[name].low, self.scores[name].high)
        return f"[{', '.join(number(end, DECIMALS[name]) for end in ends)}]"

    def shown_paper(self, name: str) -> str:
        """The paper's figure as printed there."""
        return number(getattr(self.paper, name), PAPER_DECIMALS)


@dataclass(frozen=True)
class Protocol:
    """The rows of one protocol, and the notes under them; the first has the paper's half.

    `over` says which clips the means are of: `all` that each row has, or `common` to all rows.
    """

    reference: str
    heading: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    has_paper: bool
    over: str = "all"

    def is_best(self, row: Row, name: str) -> bool:
        """Whether no other method of this run is better, as far as the printed digits say.

        Only methods that are given the same compete, and one alone among others is not the best.
        """
        equals = [each for each in self.rows if _competes(each) and each.given == row.given]
        values = [
            float(each.shown(name).replace("∞", "inf"))
            for each in equals
            if each.shown(name) != MISSING
        ]
        alone = len(equals) == 1 < sum(map(_competes, self.rows))
        if row not in equals or alone or row.given == NOT_STATED or row.shown(name) == MISSING:
            return False
        best = min(values) if COLUMNS[name].lower_is_better else max(values)
        return float(row.shown(name).replace("∞", "inf")) == best


@dataclass(frozen=True)
class Table1:
    """A table for each protocol, and the plain notes that go under all of them."""

    protocols: tuple[Protocol, ...]
    notes: tuple[str, ...] = ()


def number(value: float | None, decimals: int) -> str:
    """A number with fixed decimals; `∞`, `-∞`; `–` for None and NaN."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{decimals}f}"


def heading_of(name: str) -> str:
    """A column's heading with the direction of better: `F-LMD ↓`."""
    return f"{COLUMNS[name].heading} {'↓' if COLUMNS[name].lower_is_better else '↑'}"


def build_table1(
    scores: pd.DataFrame,
    labels: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    *,
    given: Mapping[str, str] | None = None,
    intervals: bool = True,
) -> Table1:
    """Table 1 from the long rows of `read_scores`; `intervals` can be left out, being slow.

    `given` says by name what the methods see beside the sound.

    Rows stand in the order of `labels`; a row of the paper that was not run follows its
    predecessor in the paper, in the first protocol alone. Where a row lacks clips that others
    have, a second table of the protocol is over the clips that all rows have.
    """
    names = label_methods(scores, labels)
    references = references_of(scores)
    protocols = []
    for each in references:
        rows = of_reference(scores, each)
        shared = common_clips(rows)
        for over, part in {"all": rows, "common": shared}.items():
            if part is not None:
                protocols.append(
                    _build_protocol(
                        part,
                        each,
                        names,
                        given or {},
                        over=over,
                        has_paper=each == references[0] and over == "all",
                        intervals=intervals,
                    )
                )
    speakers = whom_intervals_speak_of(scores["speaker"].nunique())
    return Table1(
        tuple(protocols),
        (*notes, *note_unscored(scores, labels), *([speakers] if intervals else [])),
    )


def _build_protocol(
    scores: pd.DataFrame,
    reference: str,
    labels: dict[str, str],
    given: Mapping[str, str],
    *,
    over: str,
    has_paper: bool,
    intervals: bool,
) -> Protocol:
    there = set(scores["method"].unique())
    labels = {method: label for method, label in labels.items() if method in there}
    rows = [
        _run_row(scores, method, label, given.get(method, MISSING), intervals)
        for method, label in labels.items()
    ]
    notes = (
        *note_missing_clips(scores, labels),
        *_missing_values(scores, labels),
        *_missing_faces(rows),
    )
    shown = _with_rows_not_run(rows) if has_paper else rows
    heading = REFERENCE_LABELS.get(reference, reference)
    if over == "common":
        heading += f": the {rows[0].clips} clips that all rows have"
    return Protocol(reference, heading, tuple(shown), notes, has_paper, over)


def _competes(row: Row) -> bool:
    return row.scores is not None and row.id not in BUILT_IN


def _run_row(scores: pd.DataFrame, method: str, label: str, given: str, intervals: bool) -> Row:
    tables = {
        name: table_of(scores, method, column.name, column.convention)
        for name, column in COLUMNS.items()
    }
    return Row(
        method,
        label,
        TABLE_1.get(OTHER_READINGS.get(method, method), PaperRow(label)),
        MISSING if method in BUILT_IN else given,
        {name: score(table, interval=intervals) for name, table in tables.items()},
        seeds=scores.loc[scores["method"] == method, "seed"].nunique(),
        clips=len(clips_of(scores, method)),
        frames=count(scores, method, "frames"),
        faces_missed=count(scores, method, "faces_missed"),
    )


def _with_rows_not_run(rows: Sequence[Row]) -> list[Row]:
    result = list(rows)
    for place, (paper_id, paper) in enumerate(TABLE_1.items()):
        if paper.has_figures and paper_id not in [row.id for row in result]:
            before = list(TABLE_1)[:place]
            places = [i for i, row in enumerate(result) if row.id in before]
            result.insert(max(places, default=-1) + 1, Row(paper_id, paper.label, paper))
    return result


def _missing_values(scores: pd.DataFrame, labels: dict[str, str]) -> list[str]:
    notes = []
    for method, label in labels.items():
        clips = clips_of(scores, method)
        for name, column in COLUMNS.items():
            table = table_of(scores, method, column.name, column.convention)
            if name in PREDICTED and table.empty:  # somebody else's videos
                continue
            table = table.reindex(columns=clips)
            missing = int(table.isna().any().sum()) if table.size else len(clips)
            if missing:
                notes.append(
                    f"{label}: {column.heading} could not be measured on {missing} of "
                    f"{len(clips)} clips, which its mean leaves out."
                )
    return notes


def _missing_faces(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row.label}: no face was found in {row.faces_missed} of {row.frames} rendered frames."
        for row in rows
        if row.faces_missed
    ]
