"""What the results were made by, as they say themselves, and how long the run's jobs took."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from emohead.provenance import Provenance
from emohead.report.tables import MISSING, Table, duration

_COLUMNS = ("s", "max_rss", "cpu_time")


def read_provenance(path: Path) -> Provenance:
    """What is in a provenance.json; ValueError when the file is none."""
    try:
        return Provenance.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: no provenance of a result ({error})") from error


def made_alike(results: Iterable[tuple[str, Provenance]]) -> Table:
    """Of results, by name, those together where nothing but their time differs; in their order."""
    groups: dict[Provenance, list[str]] = {}
    seconds: Counter[Provenance] = Counter()
    for name, provenance in results:
        kind = replace(provenance, seconds=0.0)
        groups.setdefault(kind, []).append(name)
        seconds[kind] += provenance.seconds
    lines = [
        (", ".join(dict.fromkeys(names)), by.device, by.precision, duration(seconds[by]),
         by.torch or MISSING, by.python, by.commit)
        for by, names in groups.items()
    ]  # fmt: skip
    head = ["Results", "device", "precision", "time", "torch", "Python", "commit"]
    return Table("Made by", pd.DataFrame(lines, columns=head))


def hash_of(paths: Sequence[Path]) -> str:
    """SHA-256 of the files' bytes, one after the other, as `cat FILE ... | sha256sum` gives it."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_run_times(folder: Path) -> pd.DataFrame:
    """Run times by rule, the longest first; empty when there are no benchmark files.

    Columns: jobs, seconds, longest, cpu_seconds, and peak_memory in MiB, NaN where it was not
    measured. The files are `<rule>.tsv` and `<rule>/<...>.tsv` in `folder`; each may hold several
    repetitions of its job, of which the last counts. ValueError for a file that is none.
    """
    jobs = []
    for path in sorted(folder.glob("**/*.tsv")):
        rows = pd.read_csv(path, sep="\t", na_values=["-", "NA"])
        if missing := [name for name in _COLUMNS if name not in rows]:
            raise ValueError(f"{path}: no column {', '.join(missing)}: not a benchmark file")
        rule = path.relative_to(folder).with_suffix("").parts[0]
        # Of a job that was killed there is the header alone.
        jobs.append(rows[list(_COLUMNS)].astype(float).tail(1).assign(rule=rule))
    if not jobs:
        return pd.DataFrame()
    times = pd.concat(jobs).groupby("rule").agg(
        jobs=("s", "size"), seconds=("s", "sum"), longest=("s", "max"),
        cpu_seconds=("cpu_time", "sum"), peak_memory=("max_rss", "max"),
    )  # fmt: skip
    return times.sort_values("seconds", ascending=False, kind="stable")
