"""The numbers of Table 1: means of each method for each protocol, the best, and by emotion."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pandas as pd

from emohead.config import NOT_STATED
from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.published import OTHER_READINGS, PAPER_LABELS, TABLE_1
from emohead.evaluation.summary import (
    BUILT_IN,
    GROUND_TRUTH,
    clips_of,
    common_clips,
    count,
    of_reference,
    references_of,
    score,
    score_by,
    table_of,
)

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
    | {"psnr_legacy": metric("psnr_legacy", "grey_wrapped")}
)
PAPER_COLUMNS = tuple(HEADLINE)
DECIMALS = {name: 3 if name == "ssim" else 2 for name in COLUMNS}
NAMED_CLIPS = 3  # of those that are missing
ENDS = ("mean", "sd", "low", "high")


def table1_numbers(
    scores: pd.DataFrame, names: Mapping[str, str], given: Mapping[str, str]
) -> pd.DataFrame:
    """The table's numbers, a row for each method and protocol.

    `over` says which clips means are of: `all` that a method has or, where some lack clips that
    others have, once more the `common` ones. `<metric>`, `_sd`, `_low`, `_high` are as `Score`;
    `_best` are printed bold; in the first protocol alone stand `paper_<metric>` and, with 0 seeds
    and after their predecessor, rows of the paper that weren't run. `names` are the rows' labels in
    their order; `given` says what the methods see beside the sound: those alone that see the same
    compete.
    """
    rows: list[dict[str, object]] = []
    for reference in references_of(scores):
        whole = of_reference(scores, reference)
        for over, part in {"all": whole, "common": common_clips(whole)}.items():
            if part is None:
                continue
            there = set(part["method"].unique())
            shown = [method for method in names if method in there]
            rows += [
                {"method": method, "reference": reference, "over": over,
                 "label": names.get(method) or PAPER_LABELS[method],
                 "given": "–" if method in BUILT_IN else given.get(method) or "–"}
                | _measure(part, method)
                for method in (shown if rows else _with_the_papers(shown))
            ]  # fmt: skip
    columns = [name if end == "mean" else f"{name}_{end}" for end in ENDS for name in COLUMNS]
    counts = ["seeds", "clips", "frames", "faces_missed"]
    keys = ["method", "reference", "over", "label", "given", *counts]
    numbers = pd.DataFrame(rows)[[*keys, *columns]]
    paper = TABLE_1.reindex(numbers["method"].replace(OTHER_READINGS)).set_index(numbers.index)
    is_first = (numbers["reference"] == numbers["reference"][0]) & (numbers["over"] == "all")
    numbers = numbers.join(paper[is_first].rename(columns="paper_{}".format))
    return numbers.assign(**_find_best(numbers))


def group_scores(scores: pd.DataFrame, names: Mapping[str, str], reference: str) -> pd.DataFrame:
    """Means of Table 1's metrics with 95 % intervals, by emotion and, if there are several, level.

    `group` is emotion or level, `name` which; `names` are the methods' labels in their order. The
    ground truth, perfect throughout, is left out. ValueError if there is nothing else.
    """
    rows = of_reference(scores, reference)
    rows = rows[rows["method"] != GROUND_TRUTH]
    if rows.empty:
        raise ValueError(f"no method but the ground truth has scores with {reference!r}")
    groups = {"emotion": rows}
    # Neutral has one level alone, and says nothing of levels.
    levels = rows[rows["emotion"] != "neutral"]
    if levels.loc[levels["level"] > 0, "level"].nunique() > 1:
        groups["level"] = levels
    return pd.DataFrame(
        {"reference": reference, "method": method, "label": label, "metric": name,
         "convention": convention, "group": group, "name": each, "clips": found.clips,
         "mean": found.mean, "low": found.low, "high": found.high}
        for method, label in names.items()
        if (rows["method"] == method).any()
        for name, convention in HEADLINE.items()
        for group, part in groups.items()
        for each, found in score_by(part, group, method, name, convention).items()
    )  # fmt: skip


def find_gaps(scores: pd.DataFrame, numbers: pd.DataFrame) -> list[str]:
    """Sentences on clips, values and faces that the `numbers` of one protocol lack."""
    clips = {method: set(clips_of(scores, method)) for method in numbers["method"]}
    every = set().union(*clips.values())
    lacking, unmeasured, faceless = [], [], []
    for row in numbers.itertuples():
        found = clips[row.method]
        if missing := sorted(every - found):
            named = ", ".join(missing[:NAMED_CLIPS])
            more = f" and {len(missing) - NAMED_CLIPS} more" if missing[NAMED_CLIPS:] else ""
            lacking.append(
                f"{row.label} is scored on {len(found)} of {len(every)} clips, so that its means "
                f"can't be held against the others'; it lacks {named}{more}."
            )
        for name, column in COLUMNS.items():
            table = table_of(scores, row.method, column.name, column.convention)
            if name in PREDICTED and table.empty:  # somebody else's videos
                continue
            if missing := found - set(table.dropna(axis="columns")):
                unmeasured.append(
                    f"{row.label}: {column.heading} could not be measured on {len(missing)} of "
                    f"{len(found)} clips, which its mean leaves out."
                )
        if row.faces_missed:
            faceless.append(
                f"{row.label}: no face was found in {row.faces_missed} of {row.frames} rendered "
                "frames."
            )
    return [*lacking, *unmeasured, *faceless]


def _with_the_papers(methods: Sequence[str]) -> list[str]:
    """The methods, and those of the paper that weren't run after their predecessors."""
    order = list(methods)
    for before, method in pairwise(TABLE_1.index):
        if method not in order:
            order.insert(order.index(before) + 1 if before in order else 0, method)
    return order


def _find_best(numbers: pd.DataFrame) -> dict[str, pd.Series]:
    """By metric whether no other method is better, as far as printed digits say.

    Only methods that are given the same compete, and one alone among others is not the best.
    """
    competing = numbers[~numbers["method"].isin(BUILT_IN) & (numbers["seeds"] > 0)]
    table, given = ["reference", "over"], ["reference", "over", "given"]
    equals = competing.groupby(given)["method"].transform("size")
    is_alone = (equals == 1) & (competing.groupby(table)["method"].transform("size") > 1)
    competing = competing[~is_alone & (competing["given"] != NOT_STATED)]
    best = {}
    for name, column in COLUMNS.items():
        values = competing[name].round(DECIMALS[name]) * (1 if column.lower_is_better else -1)
        least = values.groupby([competing[key] for key in given]).transform("min")
        best[f"{name}_best"] = (values == least).reindex(numbers.index, fill_value=False)
    return best


def _measure(scores: pd.DataFrame, method: str) -> dict[str, float]:
    rows = scores[scores["method"] == method]
    row = {"seeds": rows["seed"].nunique(), "clips": len(clips_of(rows, method))}
    row |= {name: count(rows, method, name) for name in ("frames", "faces_missed")}
    for name, column in COLUMNS.items():
        found = score(table_of(rows, method, column.name, column.convention))
        row |= {name: found.mean}
        row |= {f"{name}_{end}": getattr(found, end) for end in ENDS[1:]}
    return row
