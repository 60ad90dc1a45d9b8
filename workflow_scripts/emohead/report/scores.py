"""The tables of scores: read from disk, chosen by protocol, method and metric, averaged.

A protocol is the choice of the reference face (`same_emotion`, `neutral`). The ground truth is
scored once and stands in the tables of every protocol.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from emohead.data.mead import parse_clip_id
from emohead.evaluation.catalogue import ALL_CLIPS
from emohead.evaluation.scores import COLUMNS, read_table
from emohead.evaluation.statistics import FEWEST_SPEAKERS, mean_interval, mean_over_seeds
from emohead.report.methods import BUILT_IN, GROUND_TRUTH
from emohead.report.paper import PAPER_LABELS

TEXT = ("clip_id", "method", "reference", "metric", "convention")
REFERENCE_LABELS = {
    "same_emotion": "Reference face in the clip's emotion",
    "neutral": "Neutral reference face",
}
NAMED_CLIPS = 3  # in a note on clips that are missing
NUMERALS = ("no", "one", "two", "three", "four", "five")


class Score(NamedTuple):
    """A mean with its 95 % interval over speakers or clips, and the standard deviation over seeds.

    NaN where there is no value, too few clips for an interval, or a single seed.
    """

    mean: float = np.nan
    sd: float = np.nan
    low: float = np.nan
    high: float = np.nan


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
            name: union_categoricals([table[name] for table in tables], sort_categories=True)
            if name in TEXT
            else pd.concat([table[name] for table in tables], ignore_index=True)
            for name in COLUMNS
        }
    )
    repeated = scores.duplicated(list(COLUMNS[:-1]))
    if repeated.any():
        key = ", ".join(map(str, scores.loc[repeated, list(COLUMNS[:-1])].iloc[0]))
        raise ValueError(f"two values for {key}: give each of the tables once")
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


def protocol_label(reference: str) -> str:
    """What readers call a protocol."""
    return REFERENCE_LABELS.get(reference, reference)


def label_methods(scores: pd.DataFrame, labels: Mapping[str, str]) -> dict[str, str]:
    """The methods that have scores, with the names that readers see, in the order of rows.

    The ground truth and the copied reference come first, then `labels` in their order, then the
    methods without a label, called as in the paper or else by their id.
    """
    known = {**PAPER_LABELS, **labels}
    there = list(scores["method"].unique())
    order = dict.fromkeys([*BUILT_IN, *labels, *there])
    return {method: known.get(method, method) for method in order if method in there}


def table_of(scores: pd.DataFrame, method: str, metric: str, convention: str) -> pd.DataFrame:
    """A method's values of one metric, seeds down and clips across; NaN where there is none."""
    return _pivot(_rows_of(scores, method, metric, convention))


def score(table: pd.DataFrame) -> Score:
    """Mean over the clips of each seed, then over seeds, of a `table_of`."""
    values = table.to_numpy(float)
    if not values.size:
        return Score()
    seed_means = np.array([mean_over_seeds(seed[None]) for seed in values])
    several = len(seed_means) > 1 and bool(np.isfinite(seed_means).all())
    ends = mean_interval(values, speakers=speakers_of(table.columns))
    sd = float(np.std(seed_means, ddof=1)) if several else np.nan
    return Score(mean_over_seeds(values), sd, ends.low, ends.high)


def speakers_of(clips: Iterable[str]) -> list[str]:
    """The speaker of each clip."""
    return [parse_clip_id(clip).speaker for clip in clips]


def whom_intervals_speak_of(speakers: int) -> str:
    """The sentence that goes under intervals: of any speakers, or of these few."""
    if speakers >= FEWEST_SPEAKERS:
        return f"Intervals have the speaker as their unit ({speakers} speakers)."
    these = "this one speaker" if speakers == 1 else f"these {NUMERALS[speakers]} speakers"
    return (
        f"Intervals are of {these}, by clips: they say nothing of other people, for whom the "
        f"speaker is the unit, from {FEWEST_SPEAKERS} on."
    )


def score_by(
    scores: pd.DataFrame, group: str, method: str, metric: str, convention: str
) -> dict[str | int, Score]:
    """`score` of the clips of each emotion, level or speaker (`group` says which), sorted."""
    rows = _rows_of(scores, method, metric, convention)
    groups = rows[rows["clip_id"] != ALL_CLIPS].groupby(group, observed=True)
    plain = int if group == "level" else str
    return {plain(name): score(_pivot(part)) for name, part in groups}


def clips_of(scores: pd.DataFrame, method: str) -> list[str]:
    """The clips that a method is scored on in every one of its seeds, sorted."""
    rows = scores[(scores["method"] == method) & (scores["clip_id"] != ALL_CLIPS)]
    by_seed = [set(clips.unique()) for _, clips in rows.groupby("seed")["clip_id"]]
    return sorted(set.intersection(*by_seed)) if by_seed else []


def count(scores: pd.DataFrame, method: str, metric: str) -> int:
    """The sum of a count (`frames`, `faces_missed`) over clips and seeds."""
    rows = scores[(scores["method"] == method) & (scores["metric"] == metric)]
    return int(rows["value"].sum())


def note_missing_clips(scores: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """A sentence for each method of one protocol that lacks clips which others have."""
    clips = {method: clips_of(scores, method) for method in labels}
    every = sorted(set().union(*clips.values()))
    notes = []
    for method, found in clips.items():
        if lacking := sorted(set(every) - set(found)):
            named = ", ".join(lacking[:NAMED_CLIPS])
            more = f" and {len(lacking) - NAMED_CLIPS} more" if len(lacking) > NAMED_CLIPS else ""
            notes.append(
                f"{labels[method]} is scored on {len(found)} of {len(every)} clips, so that its "
                f"means can't be held against the others'; it lacks {named}{more}."
            )
    return notes


def common_clips(scores: pd.DataFrame) -> pd.DataFrame | None:
    """The rows of one protocol on the clips that all methods have.

    None where all have the same, and where no clip is left.
    """
    clips = [set(clips_of(scores, method)) for method in scores["method"].unique()]
    shared = set.intersection(*clips)
    if not shared or shared == set.union(*clips):
        return None
    return scores[scores["clip_id"].isin(shared)]


def _rows_of(scores: pd.DataFrame, method: str, metric: str, convention: str) -> pd.DataFrame:
    return scores[
        (scores["method"] == method)
        & (scores["metric"] == metric)
        & (scores["convention"] == convention)
    ]


def _pivot(rows: pd.DataFrame) -> pd.DataFrame:
    """Values of one metric of one method, seeds down and clips across."""
    rows = rows.assign(clip_id=rows["clip_id"].astype(str))
    return rows.pivot(index="seed", columns="clip_id", values="value")
