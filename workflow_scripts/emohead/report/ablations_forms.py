"""The ablations' tables and figure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from emohead.evaluation.ablations import COLUMNS, STAGE_METRICS, compare
from emohead.evaluation.summary import of_reference, read_scores, references_of, score_by
from emohead.report.figures import draw_ablations_figure
from emohead.report.tables import Table, Tables, interval_note, number, stage_heading, write_forms

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

    `labels` are as for `compare`, and `sound` the scores of the plain sound.
    """
    rows = read_scores(scores)
    numbers = compare(rows, labels)
    heard = read_scores([sound])
    tables = [
        Table(f"{stage}, reference face: {reference}", _cells(part))
        for (stage, reference), part in numbers.groupby(["stage", "reference"], sort=False)
    ]
    first = _by_emotion(rows, next(iter(labels["landmarks"])))
    tables.append(Table("First landmark model, by emotion", first))
    notes = [
        f"{CAPTION}{interval_note(rows['speaker'].nunique())}",
        f"A logistic regression on mean and standard deviation of the MFCC, same split, names the "
        f"emotion of {heard['value'].mean():.3f} of the test clips; chance is "
        f"{1 / heard['emotion'].nunique():.3f}.",
    ]
    shown = Tables("ablations", tables, notes=notes)
    figure = draw_ablations_figure(numbers)
    write_forms(outputs, tables=shown, numbers=numbers[COLUMNS], figure=figure)


def _cells(part: pd.DataFrame) -> pd.DataFrame:
    lines: dict[str, dict[str, str]] = {}
    for row in part.itertuples():
        line = lines.setdefault(row.model, {"Model": row.label})
        line[stage_heading(row.metric, row.convention)] = _shown(row)
    return pd.DataFrame.from_dict(lines, orient="index")


def _by_emotion(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    rows, means = of_reference(scores, references_of(scores)[0]), {}
    for each in STAGE_METRICS["landmarks"]:
        found = score_by(rows, "emotion", model, *each)
        means[stage_heading(*each)] = {emotion: one.mean for emotion, one in found.items()}
    cells = pd.DataFrame(means).sort_index().map(lambda mean: number(mean, 3))
    return cells.rename_axis("Emotion").reset_index()


def _shown(row: tuple) -> str:
    decimals = 2 if row.metric == "psnr" else 3
    text = number(row.mean, decimals)
    if pd.notna(row.sd):
        text += f" ± {number(row.sd, decimals)}"
    if pd.isna(row.difference):
        return text
    text += f" ({row.difference:+.{decimals}f}"
    if pd.notna(row.difference_low):
        text += f" [{row.difference_low:+.{decimals}f}, {row.difference_high:+.{decimals}f}]"
    return f"**{text})**" if row.verdict else f"{text})"
