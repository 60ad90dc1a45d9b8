"""The page's numbers by emotion: a table for every metric and every reference."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.statistics import mean_over_seeds
from emohead.report.methods import BUILT_IN, GROUND_TRUTH
from emohead.report.scores import emotions_of, references_of, table_of

#: Beside Table 1's four, where they were computed.
ALSO_SHOWN = (
    ("lip_correlation", "redetected"),
    ("emotion_accuracy", "landmarks"),
    ("emotion_accuracy", "pixels"),
    ("emotion_accuracy", "msef"),
    ("identity", "dlib_distance"),
)
_THREE_DECIMALS = ("ssim", "identity")


@dataclass(frozen=True)
class HeatCell:
    """A number as printed and its place between the table's best (0) and worst (1).

    None for the rows that show what a metric forgives, which compete with no method.
    """

    shown: str
    heat: float | None


@dataclass(frozen=True)
class HeatTable:
    """One metric with one reference: a row per method, a cell per emotion and one for all."""

    reference: str
    metric: Metric
    emotions: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]

    @property
    def id(self) -> str:
        """The metric and its convention, in one word for the page's picker."""
        return f"{self.metric.name}-{self.metric.convention.replace('/', '-')}"


def per_emotion_tables(scores: pd.DataFrame, labels: Mapping[str, str]) -> list[HeatTable]:
    """Means over test clips per seed, then over seeds, of what `read_scores` returned.

    A metric and a reference without a value of a method that competes have no table.
    """
    tables = []
    for name, convention in (*HEADLINE.items(), *ALSO_SHOWN):
        of_metric = scores[(scores["metric"] == name) & (scores["convention"] == convention)]
        for reference in references_of(scores):
            rows = of_metric[
                (of_metric["reference"] == reference) | (of_metric["method"] == GROUND_TRUTH)
            ]
            if set(rows["method"].unique()) - set(BUILT_IN):
                tables.append(_table(rows, metric(name, convention), labels, reference))
    return tables


def _table(
    rows: pd.DataFrame, entry: Metric, labels: Mapping[str, str], reference: str
) -> HeatTable:
    parts = {emotion: rows[rows["emotion"] == emotion] for emotion in emotions_of(rows)}
    parts["all"] = rows
    means = {
        (method, name): mean_over_seeds(
            table_of(part, method, entry.name, entry.convention).to_numpy(float)
        )
        for method in labels
        for name, part in parts.items()
    }
    competing = [
        value for (m, _), value in means.items() if m not in BUILT_IN and math.isfinite(value)
    ]
    best, worst = min(competing, default=0.0), max(competing, default=0.0)
    if not entry.lower_is_better:
        best, worst = worst, best

    def cell(method: str, name: str) -> HeatCell:
        value = means[method, name]
        if method in BUILT_IN or not math.isfinite(value):
            return HeatCell(_number(value, entry), None)
        heat = (value - best) / (worst - best) if worst != best else 0.0
        return HeatCell(_number(value, entry), round(heat, 3))

    body = tuple(
        (label, tuple(cell(method, name) for name in parts))
        for method, label in labels.items()
        if (rows["method"] == method).any()
    )
    return HeatTable(reference, entry, tuple(parts), body)


def _number(value: float, entry: Metric) -> str:
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{3 if entry.name in _THREE_DECIMALS else 2}f}"
