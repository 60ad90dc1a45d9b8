"""What the report's tables take as the scores grow to MEAD's.

Writes made-up scores (`tests/score_factory.py`) of so many speakers' test clips, six methods, three
seeds and two references, and prints each script's seconds of a processor and peak memory.
Usage: python benchmarks/reports.py [--speakers 8]    (48 are MEAD)
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "workflow_scripts")]

from score_factory import METHODS, clip_ids, random_scores, write_scores  # noqa: E402

from emohead.evaluation.scores import collect_scores  # noqa: E402

#: Of the 30 takes of an emotion and level in MEAD, a fifth is tested on.
TAKES = range(25, 31)
FORMS = {
    "report_table1.py": ("csv", "md", "tex", "html"),
    "report_claims.py": ("csv", "md", "html"),
    "report_published.py": ("md", "html"),
    "report_emotions.py": ("csv", "png"),
}

# In a process between: what one has before it runs a program, here all scores, counts as its own.
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(code)
"""

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--speakers", type=int, default=8)
flags = parser.parse_args()


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds of a processor and peak MiB of a command."""
    done = subprocess.run([sys.executable, "-c", MEASURE, *command], stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"{command[1]} failed")
    seconds, kib = map(float, done.stdout.split()[-2:])
    return seconds, kib / 1024


with tempfile.TemporaryDirectory() as folder:
    rows, paths = 0, []
    names = [f"{'MW'[number % 2]}{number:03d}" for number in range(flags.speakers)]
    for method in METHODS:
        clips = clip_ids(names, levels=(1, 2, 3), numbers=TAKES)
        scores = random_scores([method], clips=clips, random_seed=len(method))
        paths += write_scores(Path(folder), scores)
        rows += len(scores)
    table = Path(folder) / "scores.parquet"
    collect_scores(paths, table)
    size = table.stat().st_size / 1e6
    print(f"{rows:,} rows of {flags.speakers} speakers, {size:.1f} MB", flush=True)
    for script, forms in FORMS.items():
        command = [sys.executable, str(ROOT / "workflow_scripts" / script), "--scores", str(table)]
        command += ["--output", *(f"{folder}/made.{form}" for form in forms)]
        command += ["--methods", json.dumps([{"id": name, "label": name} for name in METHODS])]
        if script == "report_emotions.py":
            command += ["--reference", "neutral"]
        seconds, mib = measure(command)
        print(f"{script:20s} {seconds:6.1f} s {mib:6.0f} MiB", flush=True)
