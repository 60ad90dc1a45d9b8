"""The long tables of scores: read from disk, chosen by protocol, method and metric, averaged.

A protocol is the choice of the reference face (`same_emotion`, `neutral`). The ground truth is
scored once and stands in the tables of every protocol.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emohead.evaluation.catalogue import ALL_CLIPS
from emohead.evaluation.statistics import mean_interval, mean_over_seeds
from emohead.mead import EMOTIONS, parse_clip_id
from emohead.report.methods import BUILT_IN, COPY_REFERENCE, GROUND_TRUTH
from emohead.report.paper import TABLE_1

COLUMNS = ("clip_id", "method", "reference", "seed", "metric", "convention", "value")
REFERENCE_LABELS = {
    "same_emotion": "Reference face in the clip's emotion",
    "neutral": "Neutral reference face",
}
NAMED_CLIPS = 3  # in a note on clips that are missing


@dataclass(frozen=True)
class Score:
    """A mean with its 95 % interval over clips, and the standard deviation over seeds.

    NaN where there is no value, too few clips for an interval, or a single seed.
    """

    mean: float
    sd: float
    low: float
    high: float


def read_scores(paths: Sequence[Path]) -> pd.DataFrame:
    """The rows of all long tables, in the order of the files, with `emotion`, `speaker`, `level`.

    These three are missing (None, 0) in figures of a whole method, whose clip_id is `all`.
    ValueError names a file that is missing or isn't a long table, and a value given twice.
    """
    scores = pd.concat([_read_table(Path(path)) for path in paths], ignore_index=True)
    if scores.empty:
        raise ValueError(f"no scores in {', '.join(map(str, paths))}: is the test part empty?")
    repeated = scores.duplicated(list(COLUMNS[:-1]))
    if repeated.any():
        first = scores[repeated].iloc[0]
        key = ", ".join(str(first[name]) for name in COLUMNS[:-1])
        raise ValueError(f"two values for {key}: give each of the tables once")
    names = {clip: parse_clip_id(clip) for clip in scores["clip_id"].unique() if clip != ALL_CLIPS}
    for column, missing in (("emotion", None), ("speaker", None), ("level", 0)):
        known = {clip: getattr(name, column) for clip, name in names.items()}
        scores[column] = scores["clip_id"].map(known | {ALL_CLIPS: missing})
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


def label_methods(scores: pd.DataFrame, labels: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """Method ids with the names that readers see, in the order of rows.

    The ground truth and the copied reference come first, then `labels` in their order, then the
    methods without a label, called as in the paper or else by their id. Methods without any score
    are left out (`note_unscored` names them).
    """
    known = {method: row.label for method, row in TABLE_1.items()}
    known |= {COPY_REFERENCE: "Copy reference"} | dict(labels)
    there = list(scores["method"].unique())
    order = dict.fromkeys([*BUILT_IN, *(method for method, _ in labels), *there])
    return {method: known.get(method, method) for method in order if method in there}


def table_of(scores: pd.DataFrame, method: str, metric: str, convention: str) -> pd.DataFrame:
    """A method's values of one metric, seeds down and clips across; NaN where there is none."""
    rows = scores[
        (scores["method"] == method)
        & (scores["metric"] == metric)
        & (scores["convention"] == convention)
    ]
    return rows.pivot(index="seed", columns="clip_id", values="value")


def score(table: pd.DataFrame) -> Score:
    """Mean over the clips of each seed, then over seeds, of a `table_of`."""
    values = table.to_numpy(float)
    if not values.size:
        nan = float("nan")
        return Score(nan, nan, nan, nan)
    seed_means = np.array([mean_over_seeds(seed[None]) for seed in values])
    several = len(seed_means) > 1 and bool(np.isfinite(seed_means).all())
    sd = float(np.std(seed_means, ddof=1)) if several else float("nan")
    interval = mean_interval(values)
    return Score(mean_over_seeds(values), sd, interval.low, interval.high)


def score_by(
    scores: pd.DataFrame, group: str, method: str, metric: str, convention: str
) -> dict[str | int, Score]:
    """`score` of the clips of each emotion, level or speaker (`group` says which), sorted."""
    groups = scores[scores["clip_id"] != ALL_CLIPS].groupby(group)
    plain = int if group == "level" else str
    tables = {plain(name): table_of(part, method, metric, convention) for name, part in groups}
    return {name: score(table) for name, table in tables.items() if table.size}


def emotions_of(scores: pd.DataFrame) -> list[str]:
    """The emotions of the scored clips, in MEAD's order."""
    return [emotion for emotion in EMOTIONS if (scores["emotion"] == emotion).any()]


def levels_of(scores: pd.DataFrame) -> list[int]:
    """The levels of the scored clips, from weak to strong."""
    return sorted(int(level) for level in scores["level"].unique() if level)


def clips_of(scores: pd.DataFrame, method: str) -> list[str]:
    """The clips that a method is scored on in every one of its seeds, sorted."""
    rows = scores[(scores["method"] == method) & (scores["clip_id"] != ALL_CLIPS)]
    by_seed = [set(part["clip_id"]) for _, part in rows.groupby("seed")]
    return sorted(set.intersection(*by_seed)) if by_seed else []


def count(scores: pd.DataFrame, method: str, metric: str) -> int:
    """The sum of a count (`frames`, `faces_missed`) over clips and seeds."""
    rows = scores[(scores["method"] == method) & (scores["metric"] == metric)]
    return int(rows["value"].sum())


def note_unscored(scores: pd.DataFrame, labels: Sequence[tuple[str, str]]) -> list[str]:
    """A sentence for each labelled method that has no score at all."""
    there = set(scores["method"])
    return [
        f"{label}: none of its clips could be scored."
        for method, label in labels
        if method not in there
    ]


def note_missing_clips(scores: pd.DataFrame, labels: dict[str, str]) -> list[str]:
    """A sentence for each method of one protocol that lacks clips which others have."""
    clips = {method: clips_of(scores, method) for method in labels if _is_in(scores, method)}
    every = sorted(set().union(*clips.values()))
    notes = []
    for method, found in clips.items():
        lacking = sorted(set(every) - set(found))
        if lacking:
            named = ", ".join(lacking[:NAMED_CLIPS])
            more = f" and {len(lacking) - NAMED_CLIPS} more" if len(lacking) > NAMED_CLIPS else ""
            notes.append(
                f"{labels[method]} is scored on {len(found)} of {len(every)} clips, so that its "
                f"means can't be held against the others'; it lacks {named}{more}."
            )
    return notes


def _is_in(scores: pd.DataFrame, method: str) -> bool:
    return bool((scores["method"] == method).any())


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ValueError(f"no scores {path}: run the evaluation first")
    text = {name: str for name in COLUMNS if name not in ("seed", "value")}
    try:
        table = pd.read_csv(path, dtype={**text, "seed": int, "value": float})
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{path}: is not a table of scores ({error}): evaluate again") from error
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}: evaluate again")
    if table[list(COLUMNS)].isna().any(axis=None):
        raise ValueError(f"{path}: has empty cells: evaluate again")
    return table[list(COLUMNS)]
