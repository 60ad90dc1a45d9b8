"""The whole workflow at MEAD's full width, with next to nothing in it: what only numbers find.

    python benchmarks/rehearsal.py run FOLDER [--speakers 48] [--clips 2] [--cores 2]
    python benchmarks/rehearsal.py table FOLDER    # of what is there, at any time

`run` makes a MEAD of so many speakers below FOLDER: eight emotions, all levels, `--clips` clips of
each, which are a dozen frames of the mini set's portraits, 96 pixels wide, the same files linked
again and again. Then it runs the workflow with the smallest models that there are, every method,
somebody else's videos and both reference faces. The same command goes on after it was stopped.

Jobs are forked from a Python that has imported everything (`tests/warm_python.py`): starting 1,700
Pythons would cost an hour and show nothing.

The table: jobs, seconds by the clock and of a processor, and peak memory of every rule; disk of
every folder; what Snakemake itself took.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "workflow_scripts"), str(ROOT / "tests")]

from warm_python import USAGE, warm_python  # noqa: E402

from emohead.data.mead import (  # noqa: E402
    EMOTIONS,
    FPS,
    LEVELS,
    ClipName,
    audio_path,
    levels_of,
    video_path,
)
from emohead.files import whole_file  # noqa: E402
from emohead.media.reading import (  # noqa: E402
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
    read_audio,
    read_video,
)
from emohead.media.writing import write_audio, write_video  # noqa: E402
from emohead.mini.dataset import VIEW, make_speaker  # noqa: E402
from emohead.mini.portraits import PORTRAITS  # noqa: E402
from emohead.run_times import read_run_times  # noqa: E402

#: Of a clip: a few more than a clip must have.
FRAMES = 12
#: Frames that somebody has spoken before: silent clips are rejected.
BEGIN = 20
FRAME_SIZE, CROP_SIZE = 96, 64
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 2**20
#: What each job took: the name of its rule, processor seconds, peak memory in KiB.
JOBS = "jobs.csv"
#: Snakemake, whose jobs' Python is the first argument.
SNAKEMAKE = """
import sys
from snakemake.cli import main
sys.executable = sys.argv.pop(1)
main()
"""


def config(folder: Path) -> dict:
    """What is laid over config.yaml: the least of everything."""
    training = {"epochs": 1, "batch_size": 32, "validation": 0.02, "keep": "last", "threads": 1}
    return {
        "data": {
            "source": "folder", "folder": str(folder / "MEAD"), "speakers": None,
            "levels": list(LEVELS),
        },
        "features": {"crop_size": CROP_SIZE},
        "landmarks": {
            "options": {
                "components": 8, "memory_slots": 4, "emotion_width": 8, "audio_width": 8,
                "hidden_width": 8, "reference_width": 8, "lstm_width": 8,
            },
            "train": training,
        },
        "translator": {
            "options": {"widths": [4, 4, 4, 4, 4], "residual_blocks": 0, "reduction": 4},
            "loss": {"perceptual": 0},
            "train": {**training, "frames_per_clip": 1},
        },
        "methods": {"theirs": {"label": "Somebody else's", "videos": str(folder / "theirs")}},
        "report": {"note": "A rehearsal: models that have learnt nothing."},
    }  # fmt: skip


def speaker_names(count: int) -> list[str]:
    """M001, W001, M002, ..."""
    return [f"{'MW'[number % 2]}{number // 2 + 1:03d}" for number in range(count)]


def make_clips(folder: Path) -> None:
    """A short clip of each portrait and emotion, `folder`/<portrait>-<emotion>.mp4 and .m4a."""
    for portrait in PORTRAITS:
        if all((folder / f"{portrait}-{emotion}.m4a").exists() for emotion in EMOTIONS):
            continue
        make_speaker(folder / "long", portrait, sentences=1, frame_size=FRAME_SIZE)
        for emotion in EMOTIONS:
            level = levels_of(emotion, [3])[0]
            video = video_path(folder / "long", portrait, VIEW, emotion, level, 1)
            sound = read_audio(audio_path(folder / "long", portrait, emotion, level, 1))
            frames = islice(read_video(video), BEGIN, BEGIN + FRAMES)
            spoken = sound[BEGIN * SAMPLES_PER_FRAME : (BEGIN + FRAMES) * SAMPLES_PER_FRAME]
            write_video(folder / f"{portrait}-{emotion}.mp4", frames, fps=FPS)
            write_audio(folder / f"{portrait}-{emotion}.m4a", spoken, SAMPLE_RATE)


def make_mead(folder: Path, speakers: int, clips: int) -> None:
    """MEAD's layout below `folder`/MEAD, and everybody's videos once more in `folder`/theirs."""
    made = folder / "clips"
    make_clips(made)
    (folder / "theirs").mkdir(exist_ok=True)
    for portrait, speaker in zip(cycle(PORTRAITS), speaker_names(speakers), strict=False):
        for emotion in EMOTIONS:
            source = made / f"{portrait}-{emotion}"
            for level in levels_of(emotion, list(LEVELS)):
                for number in range(1, clips + 1):
                    name = ClipName(speaker, VIEW, emotion, level, number)
                    place = (speaker, VIEW, emotion, level, number)
                    link(f"{source}.mp4", video_path(folder / "MEAD", *place))
                    sound = audio_path(folder / "MEAD", speaker, emotion, level, number)
                    link(f"{source}.m4a", sound)
                    link(f"{source}.mp4", folder / "theirs" / f"{name.clip_id}.mp4")


def link(source: str, path: Path) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, path)


@dataclass
class Usage:
    """A call of Snakemake: seconds by the clock, its own processor seconds, its peak memory and the
    most that lay in results/, in MiB.
    """

    clock: float = 0
    own: float = 0
    memory: float = 0
    disk: float = 0

    def look(self, process: int, folder: Path) -> None:
        """At a process that runs, and at the folder where it does."""
        try:
            stat = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            status = Path(f"/proc/{process}/status").read_text()
        except FileNotFoundError:
            return
        self.own = sum(int(stat[n]) / TICKS for n in (11, 12))  # utime and stime of proc(5)
        peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
        self.memory = max([self.memory, *(int(kib) / 1024 for kib in peak)])
        self.disk = max(self.disk, size(folder / "results"))


def size(folder: Path) -> float:
    """MiB below a folder, files with several names once."""
    seen: dict[int, int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(os.path.join(place, name))
            except FileNotFoundError:  # removed meanwhile
                continue
            seen[found.st_ino] = found.st_size
    return sum(seen.values()) / MIB


def run(flags: argparse.Namespace) -> None:
    folder = flags.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    make_mead(folder, flags.speakers, flags.clips)
    mine = folder / "rehearsal.yaml"
    if not mine.exists():
        mine.write_text(yaml.safe_dump(config(folder)))
    with warm_python() as python:
        run_snakemake(python, folder, mine, flags)


def run_snakemake(python: str, folder: Path, mine: Path, flags: argparse.Namespace) -> None:
    snakemake = [
        sys.executable, "-c", SNAKEMAKE, python, *flags.targets, "--snakefile", ROOT / "Snakefile",
        "--directory", folder, "--cores", str(flags.cores), "--configfile", mine,
    ]  # fmt: skip
    if flags.unlock:
        subprocess.run([*snakemake, "--unlock"], check=True)
    usage, begin = Usage(), time.monotonic()
    record = folder / f"usage-{time.strftime('%Y%m%d-%H%M%S')}.json"
    with (folder / "snakemake.log").open("a") as log:
        running = subprocess.Popen(
            snakemake, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, USAGE: str(folder / JOBS)},
        )  # fmt: skip
        looked = 0.0
        while running.poll() is None:
            time.sleep(1)
            if time.monotonic() - looked > 20 or running.poll() is not None:
                usage.look(running.pid, folder)
                usage.clock, looked = time.monotonic() - begin, time.monotonic()
                with whole_file(record) as unfinished:
                    unfinished.write_text(json.dumps(asdict(usage)))
    print_table(folder)
    sys.exit(running.returncode)


def print_table(folder: Path) -> None:
    times = read_run_times(folder / "results/benchmarks").set_index("rule")
    jobs = pd.read_csv(folder / JOBS, names=["rule", "processor", "peak MiB"])
    jobs["peak MiB"] /= 1024
    taken = jobs.groupby("rule").agg({"processor": "sum", "peak MiB": "max"})
    rules = times[["jobs", "seconds", "longest"]].join(taken).rename_axis("rule")
    rules.loc["all"] = [*rules.sum()[["jobs", "seconds"]], *rules.max()[["longest"]], 0, 0]
    rules.loc["all", taken.columns] = rules["processor"].sum(), rules["peak MiB"].max()
    print(rules.round().astype("Int64").to_markdown(intfmt=","))
    print("\n| folder | MiB |\n| --- | --- |")
    for place in ("state", "results", *sorted(f"results/{p.name}" for p in folders(folder))):
        print(f"| {place} | {size(folder / place):,.1f} |")
    calls = [Usage(**json.loads(path.read_text())) for path in sorted(folder.glob("usage-*.json"))]
    print("\n| Snakemake | |\n| --- | --- |")
    print(f"| calls | {len(calls)} |")
    print(f"| min by the clock | {sum(call.clock for call in calls) / 60:.1f} |")
    print(f"| core minutes of its own | {sum(call.own for call in calls) / 60:.1f} |")
    print(f"| its peak memory, MiB | {max((call.memory for call in calls), default=0):,.0f} |")
    print(f"| most in results/, MiB | {max((call.disk for call in calls), default=0):,.0f} |")


def folders(folder: Path) -> list[Path]:
    return [path for path in (folder / "results").glob("*") if path.is_dir()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run", help="make the data and run the workflow, or go on")
    running.set_defaults(run=run)
    running.add_argument("folder", type=Path)
    running.add_argument("--speakers", type=int, default=48)
    running.add_argument("--clips", type=int, default=2, help="of a speaker, emotion and level")
    running.add_argument("--cores", type=int, default=2)
    running.add_argument(
        "--unlock", action="store_true", help="after a kill -9, when no Snakemake is left there"
    )
    running.add_argument("--targets", nargs="+", default=[], help="methods to make before all else")
    table = commands.add_parser("table", help="of what is there")
    table.set_defaults(run=lambda flags: print_table(flags.folder))
    table.add_argument("folder", type=Path)
    flags = parser.parse_args()
    flags.run(flags)


if __name__ == "__main__":
    main()
