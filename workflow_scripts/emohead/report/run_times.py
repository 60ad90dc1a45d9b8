"""What the run's jobs took, from Snakemake's benchmark files."""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from emohead.report.data_tables import duration

_COLUMNS = ("s", "max_rss", "cpu_time")


@dataclass(frozen=True)
class RuleTime:
    """All jobs of a rule: times in seconds, memory in MiB, NaN where it was not measured.

    `bar` is the rule's time as a share of the longest rule's.
    """

    rule: str
    jobs: int
    seconds: float
    longest: float
    cpu_seconds: float
    peak_memory: float
    bar: float

    @property
    def shown(self) -> tuple[str, ...]:
        """Time, jobs, longest job, processor time and memory as printed."""
        return (
            duration(self.seconds),
            str(self.jobs),
            duration(self.longest),
            duration(self.cpu_seconds),
            "–" if math.isnan(self.peak_memory) else f"{self.peak_memory:,.0f} MiB",
        )


def read_run_times(folder: Path) -> list[RuleTime]:
    """Run times by rule, the longest first; empty when there are no benchmark files.

    The files are `<rule>.tsv` and `<rule>/<...>.tsv` in `folder`; each may hold several
    repetitions of its job, of which the last counts. ValueError for a file that is none.
    """
    jobs = [
        (path.relative_to(folder).with_suffix("").parts[0], _last_row(path))
        for path in sorted(folder.glob("**/*.tsv"))
    ]
    table = pd.DataFrame([{"rule": rule, **row} for rule, row in jobs if row is not None])
    if table.empty:
        return []
    times = [
        RuleTime(
            str(rule), len(part), float(part["s"].sum()), float(part["s"].max()),
            float(part["cpu_time"].sum()), float(part["max_rss"].max()), 0.0,
        )
        for rule, part in table.groupby("rule")
    ]  # fmt: skip
    most = max(time.seconds for time in times) or 1.0
    return sorted(
        (RuleTime(**{**vars(time), "bar": round(time.seconds / most, 4)}) for time in times),
        key=lambda time: (-time.seconds, time.rule),
    )


def _last_row(path: Path) -> dict[str, float] | None:
    """The last repetition of a job; None when a killed job left the header alone."""
    rows = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
    missing = [name for name in _COLUMNS if name not in rows]
    if missing:
        raise ValueError(f"{path}: no column {', '.join(missing)}: not a benchmark file")
    return None if rows.empty else {name: float(rows[name].iloc[-1]) for name in _COLUMNS}
