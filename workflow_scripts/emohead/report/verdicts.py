"""The page's first words: what the claims table says of each claim of the paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from emohead.evaluation.catalogue import metric
from emohead.report.claims import FAILS, HOLDS, ONE_TRAINING, UNDECIDED, overall_verdict

VERDICTS = (HOLDS, FAILS, UNDECIDED, ONE_TRAINING)
HEADLINE_PART = "headline"
_COLUMNS = (
    "reference", "claim", "metric", "convention", "difference", "low", "high", "verdict",
    "sentence", "part",
)  # fmt: skip


@dataclass(frozen=True)
class Interval:
    """A difference and its interval on a line from -1 to 1; beyond 0 the claim is favoured."""

    low: float
    difference: float
    high: float


@dataclass(frozen=True)
class Finding:
    """One row of claims.csv; `interval` is None where the difference is not a number."""

    reference: str
    heading: str
    convention: str
    verdict: str
    sentence: str
    interval: Interval | None


@dataclass(frozen=True)
class Verdicts:
    """Findings by claim: those on Table 1's metrics, and those by other metrics and conventions."""

    headline: dict[str, tuple[Finding, ...]]
    other: dict[str, tuple[Finding, ...]]

    def overall(self, claim: str, reference: str) -> str | None:
        """The verdict on a headline claim with this reference; None where it was not tested."""
        findings = [each for each in self.headline[claim] if each.reference == reference]
        return overall_verdict(findings) if findings else None

    def count(self, reference: str, verdict: str) -> int:
        """How many headline claims have this verdict with this reference."""
        return sum(self.overall(claim, reference) == verdict for claim in self.headline)

    def tested(self, reference: str) -> int:
        """How many headline claims were tested with this reference."""
        return sum(self.count(reference, verdict) for verdict in VERDICTS)


def read_verdicts(path: Path, references: Sequence[str]) -> Verdicts:
    """Read claims.csv; findings stand in the table's order, references in the order given.

    ValueError for a missing file or column, or an unknown verdict.
    """
    if not path.is_file():
        raise ValueError(f"the page needs {path}, which is not there")
    rows = pd.read_csv(path, keep_default_na=False, na_values=["", "nan"])
    missing = [name for name in _COLUMNS if name not in rows]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}: make the claims again")
    unknown = sorted(set(rows["verdict"]) - set(VERDICTS))
    if unknown:
        raise ValueError(f"{path}: verdict {unknown[0]!r} is none of {', '.join(VERDICTS)}")
    reach = {
        key: _reach(part[["low", "difference", "high"]])
        for key, part in rows.groupby(["claim", "metric", "convention"])
    }
    place = {reference: i for i, reference in enumerate(references)}
    groups: dict[bool, dict[str, list[Finding]]] = {True: {}, False: {}}
    for row in rows.itertuples():
        finding = _finding(row, reach[row.claim, row.metric, row.convention])
        groups[row.part == HEADLINE_PART].setdefault(row.claim, []).append(finding)
    ordered = {
        is_headline: {
            claim: tuple(sorted(findings, key=lambda each: place.get(each.reference, len(place))))
            for claim, findings in claims.items()
        }
        for is_headline, claims in groups.items()
    }
    return Verdicts(headline=ordered[True], other=ordered[False])


def _finding(row: tuple, reach: float) -> Finding:
    entry = metric(row.metric, row.convention)
    numbers = (row.low, row.difference, row.high)
    interval = None
    if reach and all(math.isfinite(number) for number in numbers):
        sign = -1 if entry.lower_is_better else 1
        low, middle, high = (round(sign * number / reach, 4) for number in numbers)
        interval = Interval(min(low, high), middle, max(low, high))
    return Finding(
        row.reference, entry.heading, row.convention, row.verdict, row.sentence, interval
    )


def _reach(numbers: pd.DataFrame) -> float:
    """The farthest finite number from 0; every reference's interval is drawn to this scale."""
    values = numbers.to_numpy(float).ravel()
    return max((abs(value) for value in values if math.isfinite(value)), default=0.0)
