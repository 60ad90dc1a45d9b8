"""Table 2 as .csv, .md, .tex and .html, and the tables of ratings and of what was dropped."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from emohead.evaluation.published import SOURCE_2
from emohead.evaluation.statistics import Difference
from emohead.evaluation.summary import read_scores
from emohead.report.methods import Method, labels_of
from emohead.report.tables import Table, Tables, write_csv, write_forms
from emohead.study.answers import read_answers
from emohead.study.key import SCALES, read_key
from emohead.study.ratings import tabulate_ratings
from emohead.study.table2 import Correlation, Table2, build_table2, raters_in_words

MADE_UP = "Made up: these raters are simulated. Nothing here is a result."
CAPTION = (
    "LS: lip synchronisation; EE: emotional expressiveness; VPQ: video quality; more is better. "
    "Means over raters and clips, in brackets the 95 % interval over both. Ground truth and copied "
    "reference are hidden anchors. Paper: " + SOURCE_2 + "; other clips, methods and raters, so "
    "that only the order can be compared."
)
HEADINGS = {"ls": "LS", "ee": "EE", "vpq": "VPQ"}
DIFFERENCES = ("Against", "Scale", "Difference (95 %)", "p, Holm", "p, Wilcoxon")
AGREEMENT = ("Scale", "ICC(2,1)", "ICC(2,k)", "Krippendorff's alpha")
ASSOCIATIONS = ("Metric", "Scale", "Spearman (95 %)", "Within methods (95 %)", "Videos")


def write_table2(
    answers: Path,
    key: Path,
    methods: Sequence[Method],
    output: Sequence[Path],
    *,
    scores: Sequence[Path],
    seed: int,
    ratings: Path,
    excluded: Path,
) -> None:
    """Turn a folder of answers into Table 2, whose forms are told by their suffixes.

    `seed` is that of the videos shown. Errors as `read_key`, `read_answers` and `read_scores`;
    without `scores` nothing is held against the metrics.
    """
    known = read_key(key)
    read = read_answers(answers, known)
    table = tabulate_ratings(read, known)
    rows = read_scores(scores) if scores else None
    built = build_table2(table, known, read, scores=rows, seed=seed, labels=labels_of(methods))
    write_csv(ratings, table)
    write_csv(excluded, pd.DataFrame(read.dropped, columns=["file", "kind", "reason"]))
    write_forms(output, tables=tables(built), numbers=numbers(built))


def numbers(table: Table2) -> pd.DataFrame:
    """All figures, one a line; `part` says of what kind."""
    ours = table.ours
    lines = [
        ("mean", scale, row.label, "", "mean", mean.mean, mean.low, mean.high, None, None,
         row.paper.get(scale))
        for row in table.rows
        for scale, mean in row.means.items()
    ]  # fmt: skip
    lines += [
        ("difference", each.scale, ours, each.label, "difference", each.difference.mean,
         each.difference.low, each.difference.high, each.difference.p, each.p_holm, None)
        for each in table.comparisons
    ]  # fmt: skip
    lines += [
        ("agreement", each.scale, "", "", name, getattr(each, name), *(None,) * 5)
        for each in table.agreements
        for name in ("icc_single", "icc_mean", "alpha")
    ]
    lines += [
        (part, each.scale, "", "", f"{each.metric.name} {each.metric.convention}",
         found.rho, found.low, found.high, None, None, None)
        for each in table.associations
        for part, found in (("association", each.over_all), ("association within", each.within))
    ]  # fmt: skip
    columns = (
        "part", "scale", "method", "against", "name", "value", "low", "high", "p", "p_holm", "paper"
    )  # fmt: skip
    frame = pd.DataFrame(lines, columns=columns)
    frame["raters"], frame["clips"], frame["simulated"] = table.raters, table.clips, table.simulated
    return frame


def tables(table: Table2) -> Tables:
    """A table for each part that has rows."""
    made_up = MADE_UP if table.simulated else ""
    parts = [
        Table(heading, pd.DataFrame(rows, columns=pd.Index(head)))
        for heading, head, rows in _sections(table)
        if rows
    ]
    return Tables("table2", parts, warning=made_up, caption=CAPTION, notes=table.notes)


def _sections(
    table: Table2,
) -> Iterator[tuple[str, Sequence[str | tuple[str, str]], list[list[str]]]]:
    head = [("", "Method"), *(("This run", each) for each in HEADINGS.values())]
    head += [("Paper", each) for each in HEADINGS.values()]
    rows = [
        [row.label, *(_interval(row.means[scale].mean, row.means[scale]) for scale in SCALES)]
        + [_number(row.paper.get(scale)) for scale in SCALES]
        for row in table.rows
    ]
    yield f"Table 2: {raters_in_words(table.raters)}, {table.clips} clips", head, rows
    rows = [
        [each.label, HEADINGS[each.scale], _interval(each.difference.mean, each.difference),
         _p(each.p_holm), _p(each.p_wilcoxon)]
        for each in table.comparisons
    ]  # fmt: skip
    yield f"{table.ours} less the other methods", DIFFERENCES, rows
    rows = [
        [HEADINGS[each.scale], *map(_number, (each.icc_single, each.icc_mean, each.alpha))]
        for each in table.agreements
    ]
    yield "Agreement of the raters", AGREEMENT, rows
    rows = [
        [f"{each.metric.heading} ({_better(each.metric.lower_is_better)})", HEADINGS[each.scale],
         _interval(each.over_all.rho, each.over_all), _interval(each.within.rho, each.within),
         str(each.videos)]
        for each in table.associations
    ]  # fmt: skip
    yield "How ratings go together with the metrics", ASSOCIATIONS, rows


def _better(lower: bool | None) -> str:
    return "less is better" if lower else "more is better"


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{round(value, 2) + 0.0:.2f}"


def _interval(value: float, ends: Difference | Correlation) -> str:
    return f"{_number(value)} [{_number(ends.low)}, {_number(ends.high)}]"


def _p(value: float) -> str:
    if math.isnan(value):
        return "–"
    return "< .001" if value < 0.001 else f"{value:.3f}".removeprefix("0")
