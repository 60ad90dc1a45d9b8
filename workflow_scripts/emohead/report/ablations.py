"""Ablations: what each choice does, one stage at a time, beside the model that makes none."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emohead.data.mead import EMOTIONS
from emohead.evaluation.catalogue import Metric, metric
from emohead.evaluation.statistics import paired_difference
from emohead.report.figures import draw_ablations_figure
from emohead.report.scores import (
    of_reference,
    read_scores,
    references_of,
    score,
    score_by,
    speakers_of,
    table_of,
    whom_intervals_speak_of,
)
from emohead.report.style import save_figure
from emohead.report.tables import Table, Tables, heading_of, number, write_tables

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
#: The columns of ablations.csv, a row for each model, kind of reference face and metric.
COLUMNS = [
    "stage", "reference", "model", "label", "metric", "convention", "mean", "sd", "low", "high",
    "difference", "difference_low", "difference_high", "verdict",
]  # fmt: skip
CAPTION = (
    "Mean over test clips, then over seeds (± standard deviation over seeds); in brackets the "
    "difference from the first row with its 95 % interval (not corrected for the number of "
    "comparisons), **bold** where it leaves zero out and there are several seeds. "
)


def write_ablations(
    scores: Sequence[Path],
    sound: Path,
    labels: Mapping[str, Mapping[str, str]],
    outputs: Sequence[Path],
) -> None:
    """Compare the models of both stages by their tables of scores; write tables and figure (.png).

    `labels` gives for each stage the names' texts, the first the one that the others are held
    against; `sound` are the scores of the plain sound. Raises ValueError when a table is missing or
    a model has no scores.
    """
    table = read_scores(scores)
    numbers = compare(table, labels)
    heard = float(read_scores([sound])["value"].mean())
    tables = ablation_tables(numbers, _by_emotion(table, next(iter(labels["landmarks"]))))
    notes = [
        f"{CAPTION}{whom_intervals_speak_of(table['speaker'].nunique())}",
        f"A logistic regression on mean and standard deviation of the MFCC, same split, names the "
        f"emotion of {heard:.3f} of the test clips; chance is {1 / len(EMOTIONS):.3f}.",
    ]
    drawn = [path for path in outputs if path.suffix == ".png"]
    written = [path for path in outputs if path not in drawn]
    write_tables(written, Tables("ablations", tables, notes=notes), numbers[COLUMNS])
    save_figure(draw_ablations_figure(numbers), drawn)


def compare(scores: pd.DataFrame, labels: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Every model's mean by every metric, and what it differs from its stage's first model.

    The columns are `COLUMNS`; `heading` and `place` of the metric; whether the model is the first.
    The verdict is `better`, `worse`, or nothing: of one training, or where the interval holds zero.
    """
    rows = []
    for stage, named in labels.items():
        first = next(iter(named))
        for reference in references_of(scores):
            part = of_reference(scores, reference)
            for name, label in named.items():
                if name not in set(part["method"].unique()):
                    raise ValueError(f"{stage} model {name!r} has no scores: evaluate it first")
                rows += [
                    {"stage": stage, "reference": reference, "model": name, "label": label,
                     "metric": each, "convention": convention, "place": place,
                     "heading": _heading(metric(each, convention)), "first": name == first}
                    | _cell(part, name, first, metric(each, convention))
                    for place, (each, convention) in enumerate(STAGE_METRICS[stage])
                ]  # fmt: skip
    return pd.DataFrame(rows)


def _cell(rows: pd.DataFrame, name: str, first: str, measured: Metric) -> dict[str, Any]:
    ours, base = (table_of(rows, n, measured.name, measured.convention) for n in (name, first))
    cell = score(ours)._asdict() | dict.fromkeys(COLUMNS[-4:-1], np.nan) | {"verdict": ""}
    if name == first or not (ours.size and base.size):
        return cell
    ours, base = ours.align(base, join="inner")
    found = paired_difference(
        ours.to_numpy(float), base.to_numpy(float), speakers=speakers_of(ours.columns)
    )
    if found.seeds > 1 and (found.low > 0 or found.high < 0):
        lower = found.mean < 0
        cell["verdict"] = "better" if lower == measured.lower_is_better else "worse"
    return cell | dict(zip(COLUMNS[-4:-1], (found.mean, found.low, found.high), strict=True))


def ablation_tables(numbers: pd.DataFrame, by_emotion: pd.DataFrame) -> list[Table]:
    """A table for each stage and kind of reference face, then the errors by emotion."""
    tables = []
    for (stage, reference), part in numbers.groupby(["stage", "reference"], sort=False):
        shown = part.assign(text=[_shown(row) for row in part.to_dict("records")])
        order = {"index": part["model"].unique(), "columns": part["heading"].unique()}
        cells = shown.pivot(index="model", columns="heading", values="text").reindex(**order)
        labels = dict(zip(part["model"], part["label"], strict=True))
        cells.insert(0, "Model", cells.index.map(labels))
        tables.append(Table(f"{stage}, reference face: {reference}", cells))
    return [*tables, Table("First landmark model, by emotion", by_emotion)]


def _by_emotion(scores: pd.DataFrame, first: str) -> pd.DataFrame:
    rows = of_reference(scores, references_of(scores)[0])
    cells: dict[str, dict[str, str]] = {}
    for each in STAGE_METRICS["landmarks"]:
        measured = metric(*each)
        for emotion, found in score_by(rows, "emotion", first, *each).items():
            text = number(found.mean, _decimals(measured.name))
            cells.setdefault(_heading(measured), {})[emotion] = text
    frame = pd.DataFrame(cells).fillna("–")
    frame = frame.reindex([each for each in EMOTIONS if each in frame.index])
    frame.insert(0, "Emotion", frame.index)
    return frame


def _shown(row: Mapping[str, Any]) -> str:
    decimals = _decimals(row["metric"])
    text = number(row["mean"], decimals)
    if not np.isnan(row["sd"]):
        text += f" ± {number(row['sd'], decimals)}"
    if np.isnan(row["difference"]):
        return text
    text += f" ({row['difference']:+.{decimals}f}"
    if not np.isnan(row["difference_low"]):
        ends = (f"{row[f'difference_{end}']:+.{decimals}f}" for end in ("low", "high"))
        text += f" [{', '.join(ends)}]"
    return f"**{text})**" if row["verdict"] else f"{text})"


def _heading(measured: Metric) -> str:
    name, arrow = heading_of(measured).rsplit(" ", 1)
    where = f", {measured.convention}" if measured.name in ("ssim", "psnr") else ""
    return f"{name}{where} {arrow}"


def _decimals(name: str) -> int:
    return 2 if name == "psnr" else 3
