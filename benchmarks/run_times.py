"""Where a finished run's time went: seconds by rule, from Snakemake's benchmark files.

Usage: python benchmarks/run_times.py [results/benchmarks]
"""

import sys
from pathlib import Path

import pandas as pd

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/benchmarks")
rows = []
for path in sorted(folder.rglob("*.tsv")):
    rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
    rows.append(pd.read_csv(path, sep="\t").assign(rule=rule))
jobs = pd.concat(rows)
table = jobs.groupby("rule").agg(
    jobs=("s", "size"), wall_s=("s", "sum"), cpu_s=("cpu_time", "sum"), peak_mib=("max_rss", "max")
)
table.loc["all"] = [*table[["jobs", "wall_s", "cpu_s"]].sum(), table["peak_mib"].max()]
print(table.round(0).astype(int).to_string())
