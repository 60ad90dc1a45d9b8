"""Ablations: what each choice does, one stage at a time, beside the model that makes none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.data.mead import EMOTIONS
from emohead.evaluation.catalogue import Metric, metric
from emohead.evaluation.statistics import Difference, paired_difference
from emohead.report.scores import (
    Score,
    of_reference,
    read_scores,
    score,
    score_by,
    speakers_of,
    table_of,
    whom_intervals_speak_of,
)
from emohead.report.table1 import number

#: What each stage is scored by: metric and convention.
STAGE_METRICS = {
    "landmarks": (
        ("f_lmd", "predicted/centred/128"),
        ("m_lmd", "predicted/centred/128"),
        ("lip_correlation", "predicted"),
        ("emotion_accuracy", "msef"),
    ),
    "translator": (("ssim", "frame"), ("psnr", "frame"), ("psnr", "face"), ("psnr", "mouth")),
}
DECIMALS = {"f_lmd": 3, "m_lmd": 3, "psnr": 2}
OTHER_DECIMALS = 3


@dataclass(frozen=True)
class Cell:
    """A model's mean by one metric and what it differs from the first model, if it isn't that."""

    measured: Metric
    score: Score
    difference: Difference | None

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or nothing: of one training, or where the interval holds zero."""
        change = self.difference
        if change is None or change.seeds == 1 or not (change.low > 0 or change.high < 0):
            return ""
        return "better" if (change.mean < 0) == self.measured.lower_is_better else "worse"


@dataclass(frozen=True)
class Choice:
    """A model of an ablation: its name, what a reader calls it, and its cells."""

    stage: str
    reference: str
    name: str
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Ablations:
    """All choices; the error of the first landmark model by emotion; what plain sound tells."""

    choices: tuple[Choice, ...]
    by_emotion: Mapping[str, Mapping[str, Score]]
    sound_accuracy: float
    speakers: int

    def of(self, stage: str, reference: str) -> list[Choice]:
        """The choices of a stage, scored with one kind of reference face."""
        return [c for c in self.choices if (c.stage, c.reference) == (stage, reference)]

    @property
    def references(self) -> list[str]:
        """The kinds of reference face, in their order."""
        return list(dict.fromkeys(choice.reference for choice in self.choices))


def compare(
    scores: Sequence[Path], sound: Path, labels: Mapping[str, Sequence[tuple[str, str]]]
) -> Ablations:
    """Compare the models of both stages by their tables of scores.

    `labels` gives for each stage (name, text), the first the one that the others are held against.
    Raises ValueError when a table is missing or a model has no scores.
    """
    table = read_scores(scores)
    references = list(table["reference"].unique())
    choices = tuple(
        choice
        for stage, named in labels.items()
        for reference in references
        for choice in _compare_stage(of_reference(table, reference), stage, reference, named)
    )
    first, _ = labels["landmarks"][0]
    rows = of_reference(table, references[0])
    by_emotion = {
        name: score_by(rows, "emotion", first, name, convention)
        for name, convention in STAGE_METRICS["landmarks"]
    }
    heard = read_scores([sound])
    speakers = table["speaker"].nunique()
    return Ablations(choices, by_emotion, float(heard["value"].mean()), speakers)


def _compare_stage(
    rows: pd.DataFrame, stage: str, reference: str, labels: Sequence[tuple[str, str]]
) -> Iterator[Choice]:
    first, _ = labels[0]
    for name, label in labels:
        if name not in set(rows["method"].unique()):
            raise ValueError(f"{stage} model {name!r} has no scores: evaluate it first")
        cells = []
        for measure, convention in STAGE_METRICS[stage]:
            ours = table_of(rows, name, measure, convention)
            base = table_of(rows, first, measure, convention)
            same = ours.size and base.size and name != first
            change = _difference(ours, base) if same else None
            cells.append(Cell(metric(measure, convention), score(ours), change))
        yield Choice(stage, reference, name, label, tuple(cells))


def _difference(ours: pd.DataFrame, base: pd.DataFrame) -> Difference:
    """The paired difference of two `table_of`, on the seeds and clips that both have."""
    ours, base = ours.align(base, join="inner")
    return paired_difference(
        ours.to_numpy(float), base.to_numpy(float), speakers=speakers_of(ours.columns)
    )


def to_csv(ablations: Ablations) -> str:
    """One line a model, kind of reference face and metric, six decimals."""
    return pd.DataFrame(
        [
            {"stage": choice.stage, "reference": choice.reference, "model": choice.name,
             "label": choice.label, "metric": cell.measured.name,
             "convention": cell.measured.convention, "mean": cell.score.mean, "sd": cell.score.sd,
             "low": cell.score.low, "high": cell.score.high,
             "difference": cell.difference.mean if cell.difference else None,
             "difference_low": cell.difference.low if cell.difference else None,
             "difference_high": cell.difference.high if cell.difference else None,
             "verdict": cell.verdict}
            for choice in ablations.choices
            for cell in choice.cells
        ]
    ).to_csv(index=False, float_format="%.6f", lineterminator="\n")  # fmt: skip


def to_markdown(ablations: Ablations) -> str:
    """A table for each stage and kind of reference face, then the errors by emotion."""
    parts = []
    for stage in STAGE_METRICS:
        for reference in ablations.references:
            parts += [
                f"## {stage}, reference face: {reference}",
                _stage_table(ablations, stage, reference),
            ]
    parts.append(
        "Mean over test clips, then over seeds (± standard deviation over seeds); in brackets the "
        "difference from the first row with its 95 % interval (not corrected for the number of "
        "comparisons), **bold** where it leaves zero out and there are several seeds. "
        f"{whom_intervals_speak_of(ablations.speakers)}"
    )
    parts.append(
        f"A logistic regression on mean and standard deviation of the MFCC, same split, names the "
        f"emotion of {ablations.sound_accuracy:.3f} of the test clips; chance is "
        f"{1 / len(EMOTIONS):.3f}."
    )
    parts += ["## First landmark model, by emotion", _emotion_table(ablations)]
    return "\n\n".join(parts) + "\n"


def _stage_table(ablations: Ablations, stage: str, reference: str) -> str:
    choices = ablations.of(stage, reference)
    head = ["Model", *(_heading(cell.measured) for cell in choices[0].cells)]
    lines = [head, ["---", *["---"] * len(choices[0].cells)]]
    lines += [[choice.label.replace("|", r"\|"), *map(_shown, choice.cells)] for choice in choices]
    return _table(lines)


def _emotion_table(ablations: Ablations) -> str:
    measures = [metric(*each) for each in STAGE_METRICS["landmarks"]]
    lines = [["Emotion", *map(_heading, measures)], ["---"] * (1 + len(measures))]
    for emotion in EMOTIONS:
        scores = [ablations.by_emotion[m.name].get(emotion) for m in measures]
        if any(scores):
            cells = [
                number(s.mean if s else None, _decimals(m))
                for s, m in zip(scores, measures, strict=True)
            ]
            lines.append([emotion, *cells])
    return _table(lines)


def _shown(cell: Cell) -> str:
    decimals = _decimals(cell.measured)
    text = number(cell.score.mean, decimals)
    if not np.isnan(cell.score.sd):
        text += f" ± {number(cell.score.sd, decimals)}"
    change = cell.difference
    if change is None or np.isnan(change.mean):
        return text
    text += f" ({change.mean:+.{decimals}f}"
    if not np.isnan(change.low):
        text += f" [{change.low:+.{decimals}f}, {change.high:+.{decimals}f}]"
    return f"**{text})**" if cell.verdict else f"{text})"


def _heading(measured: Metric) -> str:
    arrow = "↓" if measured.lower_is_better else "↑"
    where = f", {measured.convention}" if measured.name in ("ssim", "psnr") else ""
    return f"{measured.heading}{where} {arrow}"


def _decimals(measured: Metric) -> int:
    return DECIMALS.get(measured.name, OTHER_DECIMALS)


def _table(lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
