"""What a finished run took, from Snakemake's benchmark files."""

from pathlib import Path

import pandas as pd

COLUMNS = ["rule", "seconds", "jobs", "longest", "cpu_seconds", "peak_memory"]


def read_run_times(folder: Path) -> pd.DataFrame:
    """Run times by rule, the longest first; without rows when there are no benchmark files.

    The columns are `COLUMNS`; peak_memory is in MiB, NaN where it was not measured. The files are
    `<rule>.tsv` or `<rule>/<...>.tsv`. The last line counts where a job was repeated; the file of a
    job that was killed has a header alone.
    """
    jobs = [
        pd.read_csv(path, sep="\t", na_values=["-", "NA"])[["s", "max_rss", "cpu_time"]]
        .astype(float).tail(1).assign(rule=path.relative_to(folder).with_suffix("").parts[0])
        for path in sorted(folder.glob("**/*.tsv"))
    ]  # fmt: skip
    if not jobs:
        return pd.DataFrame(columns=COLUMNS)
    times = pd.concat(jobs).groupby("rule", as_index=False).agg(
        seconds=("s", "sum"), jobs=("s", "size"), longest=("s", "max"),
        cpu_seconds=("cpu_time", "sum"), peak_memory=("max_rss", "max"),
    )  # fmt: skip
    return times.sort_values("seconds", ascending=False, kind="stable")
