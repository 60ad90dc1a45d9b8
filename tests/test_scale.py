"""Planning at MEAD's full size: 48 actors, 384 shards, 31,000 clips."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

import pytest
import yaml

from emohead.archives.table import KINDS
from emohead.data.mead import EMOTIONS, LEVELS, audio_path, levels_of, video_path

ROOT = Path(__file__).parent.parent
SPEAKERS = [f"{sex}{number:03d}" for sex in "MW" for number in range(24)]
SHARDS = list(product(SPEAKERS, EMOTIONS))
CLIPS = 30  # of every speaker, emotion and level

# Processor seconds that a plan may take where Snakemake starts in `START` of them.
SECONDS = 20
START = 1.35
# Runs a command and prints its processor seconds, which a busy machine doesn't stretch as it does
# the clock's, and its peak memory. Between: what a process has before it runs a program, here all
# that the tests have loaded, counts as its own.
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, flush=True)
sys.exit(code)
"""

pytestmark = pytest.mark.end_to_end


@dataclass(frozen=True)
class Plan:
    """A dry run: its jobs by rule, and what it took.

    `seconds` are the processor's where Snakemake starts in `START`: another job on the same core
    stretches both alike, by up to a half.
    """

    jobs: dict[str, int]
    seconds: float
    mib: float


@pytest.fixture
def plan(snakemake_command, jobs, tmp_path):
    """Plans the run of a config beside the paper-scale preset: plan(config)."""

    def measured(*arguments: str) -> tuple[subprocess.CompletedProcess[str], float, float]:
        command = snakemake_command(tmp_path, *arguments)
        command["args"] = [sys.executable, "-c", MEASURE, *command["args"]]
        done = subprocess.run(**command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        seconds, size = map(float, done.stdout.splitlines()[-1].split())
        return done, seconds, size / (1024 if sys.platform == "darwin" else 1) / 1024

    def run(config: dict) -> Plan:
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
        presets = ["--configfile", str(ROOT / "config/mead.yaml"), str(tmp_path / "mine.yaml")]
        for _ in range(3):  # what else the machine does only ever adds
            _, before, _ = measured("--version")
            done, seconds, mib = measured("--dry-run", *presets)
            _, after, _ = measured("--version")
            made = Plan(jobs(done), seconds * 2 * START / (before + after), mib)
            print(
                f"{sum(made.jobs.values())} jobs in {made.seconds:.1f} CPU s ({seconds:.1f} here, "
                f"{(before + after) / 2:.2f} to start) with {made.mib:.0f} MiB"
            )
            if made.seconds < SECONDS:
                break
        return made

    return run


def clip_files(root: Path) -> Iterator[tuple[Path, Path]]:
    """The video and the audio of every clip, in MEAD's layout."""
    for speaker, emotion in SHARDS:
        for level in levels_of(emotion, LEVELS):
            for number in range(1, CLIPS + 1):
                yield (
                    video_path(root, speaker, "front", emotion, level, number),
                    audio_path(root, speaker, emotion, level, number),
                )


def make_empty(files: Iterable[Path]) -> None:
    folders = set()
    for file in files:
        if file.parent not in folders:
            file.parent.mkdir(parents=True)
            folders.add(file.parent)
        os.close(os.open(file, os.O_CREAT))


def check(made: Plan, lister: str) -> None:
    assert made.jobs[lister] == made.jobs["extract_features"] == len(SHARDS) == 384
    assert made.jobs["collect_clips"] == made.jobs["split_clips"] == made.jobs["report_data"] == 1
    assert made.seconds < SECONDS
    assert made.mib < 1024


def test_folders(plan, tmp_path):
    clips = list(clip_files(tmp_path / "MEAD"))
    assert len(clips) > 31_000
    make_empty(chain.from_iterable(clips))
    check(plan({"data": {"folder": str(tmp_path / "MEAD")}}), "list_clips")


def test_archives(plan, tmp_path):
    rows = [
        f"{s},{kind},https://example.org/{s}/{kind}.tar,,\n" for s in SPEAKERS for kind in KINDS
    ]
    (tmp_path / "archives.csv").write_text("".join(["speaker,kind,url,sha256,bytes\n", *rows]))
    data = {"source": "archives", "archives": {"table": str(tmp_path / "archives.csv")}}
    made = plan({"data": data})
    check(made, "list_clips")
    assert (made.jobs["fetch_archive"], made.jobs["unpack_archives"]) == (2 * 48, 48)


def test_footage(plan, tmp_path):
    videos = [video for video, _ in clip_files(tmp_path / "MEAD")]
    make_empty(videos)
    rows = ["file,speaker,emotion,level\n"]
    for video in videos:
        speaker, _, _, emotion, level, _ = video.relative_to(tmp_path / "MEAD").parts
        rows.append(f"{video},{speaker},{emotion},{level[-1]}\n")
    (tmp_path / "footage.csv").write_text("".join(rows))
    footage = {"table": str(tmp_path / "footage.csv"), "folder": str(tmp_path)}
    check(plan({"data": {"source": "footage", "footage": footage}}), "list_footage")
