"""Tables of scores: read from disk, chosen by protocol, method and metric, averaged with intervals.

A protocol is the choice of the reference face (`same_emotion`, `neutral`). The ground truth is
scored once and stands in the tables of every protocol.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from emohead.data.mead import parse_clip_id
from emohead.evaluation.catalogue import ALL_CLIPS, THEVAL
from emohead.evaluation.scores import COLUMNS, read_table
from emohead.evaluation.statistics import mean_interval, mean_over_seeds

GROUND_TRUTH, COPY_REFERENCE = "ground_truth", "copy_reference"
#: Rows that show what a metric forgives; they compete with no method.
BUILT_IN = (GROUND_TRUTH, COPY_REFERENCE)


class Score(NamedTuple):
    """A mean with its 95 % interval over speakers or clips, and the standard deviation over seeds.

    NaN where there is no value, too few clips for an interval, or a single seed. `clips` counts
    those that have a value.
    """

    mean: float
    sd: float
    low: float
    high: float
    clips: int


def read_scores(paths: Sequence[Path]) -> pd.DataFrame:
    """The rows of all tables, in the order of the files, with `emotion`, `speaker`, `level`.

    These three are missing (NaN, 0) in figures of a whole method, whose clip_id is `all`. Columns
    of text are categorical: to compare full MEAD's eleven million rows as strings takes minutes.
    ValueError names a file that is missing or isn't a table of scores, and a value given twice.
    """
    tables = [table for path in paths if len(table := read_table(Path(path)))]
    if not tables:
        raise ValueError(f"no scores in {', '.join(map(str, paths))}: is the test part empty?")
    # `pd.concat` of whole tables would make strings of categories that differ.
    scores = pd.DataFrame(
        {
            name: pd.concat([table[name] for table in tables], ignore_index=True)
            if name in ("seed", "value")
            else union_categoricals([table[name] for table in tables], sort_categories=True)
            for name in COLUMNS
        }
    )
    key = list(COLUMNS[:-1])
    repeated = scores[scores.duplicated(key)]
    if len(repeated):
        twice = ", ".join(map(str, repeated.iloc[0][key]))
        raise ValueError(f"two values for {twice}: give each of the tables once")
    clips = scores["clip_id"].cat
    names = [None if clip == ALL_CLIPS else parse_clip_id(clip) for clip in clips.categories]
    for column in ("emotion", "speaker"):
        of_clips = pd.Categorical([name and getattr(name, column) for name in names])
        scores[column] = of_clips[clips.codes]
    scores["level"] = np.array([name.level if name else 0 for name in names])[clips.codes]
    return scores


def references_of(scores: pd.DataFrame) -> list[str]:
    """The protocols, in the order in which the tables name them; the first is the headline's."""
    return list(scores["reference"].unique())


def of_reference(scores: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The rows of one protocol, and the ground truth's; ValueError for an unknown protocol."""
    if reference not in references_of(scores):
        known = ", ".join(references_of(scores))
        raise ValueError(f"no scores with the reference {reference!r}: there are {known}")
    return scores[(scores["reference"] == reference) | (scores["method"] == GROUND_TRUTH)]


def table_of(scores: pd.DataFrame, method: str, metric: str, convention: str) -> pd.DataFrame:
    """A method's values of one metric, seeds down and clips across; NaN where there is none."""
    rows = scores[
        (scores["method"] == method)
        & (scores["metric"] == metric)
        & (scores["convention"] == convention)
    ]
    rows = rows.assign(clip_id=rows["clip_id"].astype(str))
    return rows.pivot(index="seed", columns="clip_id", values="value")


def score(table: pd.DataFrame) -> Score:
    """The mean of a `table_of` over clips, then over seeds, and how sure that is."""
    values = table.to_numpy(float)
    ends = mean_interval(values, speakers=speakers_of(table.columns))
    seed_means = np.array([mean_over_seeds(seed[None]) for seed in values])
    several = len(seed_means) > 1 and np.isfinite(seed_means).all()
    sd = float(np.std(seed_means, ddof=1)) if several else np.nan
    return Score(mean_over_seeds(values), sd, ends.low, ends.high, values.shape[1])


def score_by(
    scores: pd.DataFrame, group: str, method: str, metric: str, convention: str
) -> dict[str | int, Score]:
    """`score` of the clips of each emotion, level or speaker (`group` says which), sorted."""
    table = table_of(scores, method, metric, convention).drop(columns=ALL_CLIPS, errors="ignore")
    names = [getattr(parse_clip_id(clip_id), group) for clip_id in table]
    return {name: score(part.T.dropna(how="all")) for name, part in table.T.groupby(names)}


def theval_scores(scores: pd.DataFrame, method: str) -> pd.DataFrame:
    """A method's value and score under one protocol by each metric of `THEVAL` that it has.

    The score is 1 - |value - true| / |true|, of means over a method's clips, as THEval's eq. (12).
    """
    rows = {}
    for name in THEVAL:
        ours, true = (table_of(scores, each, name, "theval") for each in (method, GROUND_TRUTH))
        value, truth = (each.mean(axis=1).mean() for each in ours.align(true, "inner", axis=1))
        if pd.notna(value):
            rows[name] = (value, 1 - abs(value - truth) / abs(truth) if truth else np.nan)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "score"])


def speakers_of(clips: Iterable[str]) -> list[str]:
    """The speaker of each clip."""
    return [parse_clip_id(clip).speaker for clip in clips]


def clips_of(scores: pd.DataFrame, method: str) -> list[str]:
    """The clips that a method is scored on in every one of its seeds, sorted."""
    rows = scores[(scores["method"] == method) & (scores["clip_id"] != ALL_CLIPS)]
    by_seed = [set(clips.unique()) for _, clips in rows.groupby("seed")["clip_id"]]
    return sorted(set.intersection(*by_seed)) if by_seed else []


def common_clips(scores: pd.DataFrame) -> pd.DataFrame | None:
    """The rows of one protocol on the clips that all methods have.

    None where all have the same, and where no clip is left.
    """
    clips = [set(clips_of(scores, method)) for method in scores["method"].unique()]
    shared = set.intersection(*clips)
    if not shared or shared == set.union(*clips):
        return None
    return scores[scores["clip_id"].isin(shared)]


def count(scores: pd.DataFrame, method: str, metric: str) -> int:
    """The sum of a count (`frames`, `faces_missed`) over clips and seeds."""
    rows = scores[(scores["method"] == method) & (scores["metric"] == metric)]
    return int(rows["value"].sum())
