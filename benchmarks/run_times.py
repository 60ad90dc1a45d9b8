"""Where a finished run's time went: seconds by rule, from Snakemake's benchmark files.

Usage: python benchmarks/run_times.py [results/benchmarks]
"""

import sys
from pathlib import Path

from emohead.run_times import read_run_times

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results/benchmarks")
table = read_run_times(folder).set_index("rule")
summed = dict.fromkeys(("seconds", "jobs", "cpu_seconds"), "sum")
table.loc["all"] = table.agg(summed | dict.fromkeys(("longest", "peak_memory"), "max"))
print(table.round().astype("Int64").to_string())
