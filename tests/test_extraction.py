import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from media_factory import astronaut, hopper, make_clip, regular_times

from emohead.data.clip_tables import clip_table
from emohead.data.mead import Clip
from emohead.features.clip import FeatureOptions
from emohead.features.shard import extract_shard
from emohead.features.store import Shard

ROOT = Path(__file__).parent.parent
OPTIONS = FeatureOptions(crop_size=96)
FRAMES = 12


def drifting(moment):
    shift = np.array([[1, 0, 30 * np.sin(2 * moment)], [0, 1, 0]])
    return cv2.warpAffine(astronaut(), shift, (256, 256), borderMode=cv2.BORDER_REPLICATE)


def nobody(moment):
    return np.full((256, 256, 3), 90, np.uint8)


def leaving(moment):
    return drifting(moment) if moment < 0.2 else nobody(moment)


def two_people(moment):
    return np.hstack([drifting(moment), hopper()])


def noise(seconds):
    return np.random.default_rng(0).normal(0, 0.1, round(48_000 * seconds)).astype(np.float32)


def make_take(path, picture=drifting, *, frames=FRAMES, **settings):
    settings = {"sound": noise(frames / 25)} | settings
    return make_clip(path, times=regular_times(25, frames / 25), picture=picture, **settings)


def as_clip(number, path):
    return Clip("W901", "front", "sad", 3, number, path, path)


def cut_off(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])


# What is wrong with a file, and what the table says of it; None where it is taken.
FAULTS = {
    "good.mp4": None,
    "truncated.mp4": "truncated, damaged or not a media file",
    "truncated, its index first.mp4": r"truncated|damaged at|ends after",
    "zero bytes.mp4": r"zero bytes\.mp4: can't be read as video \(empty\)",
    "text.mp4": "a web page in place of the file",
    "without audio.mp4": "no audio stream",
    "silent.mp4": "the sound is silent",
    "nobody.mp4": "no face in 6 frames in a row, more than 5",
    "leaving.mp4": "no face in 6 frames in a row, more than 5",
    "three frames.mp4": "3 frames, fewer than 10",
    "longer sound.mp4": r"the sound is 0\.\d\d s longer than the picture",
    "vanished.mp4": r"vanished\.mp4: can't be read as video \(No such file",
    "two people.mp4": None,
    "Zoë's café, take 1 [50%] #2: früh.mp4": None,
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A read-only folder of clips, in the order of FAULTS."""
    folder = tmp_path_factory.mktemp("Źródła i pliki")
    good = make_take(folder / "good.mp4")
    pictures = {"nobody.mp4": nobody, "leaving.mp4": leaving, "two people.mp4": two_people}
    for name, picture in pictures.items():
        make_take(folder / name, picture)
    shutil.copy(good, folder / "truncated.mp4")
    cut_off(folder / "truncated.mp4", 0.6)
    name = "truncated, its index first.mp4"
    make_take(folder / name, frames=50, container_options={"movflags": "faststart"})
    cut_off(folder / name, 0.6)
    (folder / "zero bytes.mp4").touch()
    (folder / "text.mp4").write_text("<html>Sign in to download this file</html>")
    make_take(folder / "without audio.mp4", sound=None)
    make_take(folder / "silent.mp4", sound=np.zeros(30_000))
    make_take(folder / "three frames.mp4", frames=3)
    make_take(folder / "longer sound.mp4", sound=noise(1.2))
    shutil.copy(good, folder / list(FAULTS)[-1])
    folder.chmod(0o555)
    yield [as_clip(number, folder / name) for number, name in enumerate(FAULTS, 1)]
    folder.chmod(0o755)


def facts_of(folder):
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def extracted(faulty, tmp_path_factory):
    """The folder in which two workers have put s.h5 and s.csv."""
    folder = tmp_path_factory.mktemp("features")
    source = faulty[0].video.parent
    before = facts_of(source)
    extract_shard(
        faulty, folder / "s.h5", folder / "s.csv", OPTIONS, state=folder / "state", workers=2
    )
    assert facts_of(source) == before
    return folder


def contents(shard):
    """clip_id -> all that a shard holds of it, in comparable form; not where it comes from."""
    clips = Shard(shard)
    return {
        clip_id: [
            array.tobytes() for array in (clip.landmarks, clip.mfcc, clip.transform, clip.frames())
        ]
        for clip_id, clip in ((clip_id, clips[clip_id]) for clip_id in clips.clip_ids)
    }


# --- clips that can't be used ---


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_its_reason(extracted, name):
    row = pd.read_csv(extracted / "s.csv").iloc[list(FAULTS).index(name)]
    clip_id = f"W901-front-sad-3-{list(FAULTS).index(name) + 1:03d}"
    assert row["clip_id"] == clip_id
    stored = Shard(extracted / "s.h5").clip_ids
    if FAULTS[name] is None:
        assert pd.isna(row["rejected"])
        assert row["frames"] == FRAMES
        assert clip_id in stored
    else:
        pd.testing.assert_series_equal(
            row[1:-2].isna(), pd.Series(True, row.index[1:-2]), check_names=False
        )
        assert pd.Series([row["rejected"]]).str.contains(FAULTS[name]).all(), row["rejected"]
        assert clip_id not in stored


def test_of_two_people_the_larger_is_followed(extracted, faulty):
    number = list(FAULTS).index("two people.mp4")
    table = pd.read_csv(extracted / "s.csv")
    assert table["faces"].tolist()[number] == 2
    assert table["faces"].tolist()[0] == 1
    stored = Shard(extracted / "s.h5")[faulty[number].clip_id]
    back = cv2.invertAffineTransform(stored.transform)
    points = stored.landmarks @ back[:, :2].T + back[:, 2]
    assert points[..., 0].min() > 256  # the right half


def test_the_state_folder_is_gone_in_the_end(extracted):
    assert {path.name for path in extracted.iterdir()} == {"s.h5", "s.csv"}


# --- workers ---


def test_the_number_of_threads_makes_no_difference(tmp_path, monkeypatch):
    """Shared out to several, a matrix product has other last bits; Snakemake sets the variables."""
    clip = as_clip(1, make_take(tmp_path / "long.mp4", frames=100))
    made = []
    for threads in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
        shard = tmp_path / f"{threads}.h5"
        extract_shard([clip], shard, tmp_path / f"{threads}.csv", OPTIONS, state=tmp_path / "state")
        made.append(contents(shard))
    assert made[0] == made[1]
    assert made[0]


class Trap(Clip):
    """A clip that does something in the worker as soon as its video is wanted."""

    def __getattribute__(self, name):
        if name == "video" and multiprocessing.parent_process() is not None:
            self.spring()
        return super().__getattribute__(name)


class Puzzling(Trap):
    def spring(self):
        raise KeyError("what no one expects")


class Unreadable(Trap):
    def spring(self):
        raise av.error.OSError(95, "Operation not supported")  # of a pixel format


class Deadly(Trap):
    def spring(self):
        os._exit(9)


class DiskFull(Trap):
    def spring(self):
        raise OSError(28, "No space left on device")


def trapped(kind, clip):
    return kind(*(getattr(clip, field.name) for field in fields(Clip)))


def test_a_clip_that_kills_its_worker_costs_only_itself(faulty, tmp_path):
    good, text = faulty[0], faulty[list(FAULTS).index("text.mp4")]
    clips = [text, text, good, text, text, text]
    clips = [replace(clip, number=n) for n, clip in enumerate(clips, 1)]
    for i, kind in {1: Deadly, 3: Puzzling, 4: Unreadable}.items():
        clips[i] = trapped(kind, clips[i])
    extract_shard(
        clips, tmp_path / "s.h5", tmp_path / "s.csv", OPTIONS, state=tmp_path / "state", workers=2
    )
    rejected = pd.read_csv(tmp_path / "s.csv")["rejected"].fillna("").tolist()
    assert rejected[1:5] == [
        "its extraction died: not enough memory, or a bad file",
        "",
        "unexpected: KeyError: 'what no one expects'",
        "unexpected: OSError: [Errno 95] Operation not supported",
    ]
    for reason in (rejected[0], rejected[5]):
        assert "can't be read as video" in reason
    assert Shard(tmp_path / "s.h5").clip_ids == [clips[2].clip_id]


def test_what_lies_in_the_state_is_used_only_while_it_is_true(faulty, tmp_path, capfd):
    # What is known of a clip that can't be used is kept as well, and quickly made.
    text, clips = faulty[list(FAULTS).index("text.mp4")].video, []
    for number in (1, 2, 3):
        path = tmp_path / f"{number}.mp4"
        shutil.copy(text, path)
        clips.append(as_clip(number, path))
    stopping = [*clips[:2], trapped(DiskFull, clips[2])]

    def extract(clips, options=OPTIONS):
        extract_shard(
            clips, tmp_path / "s.h5", tmp_path / "s.csv", options, state=tmp_path / "state"
        )

    with pytest.raises(OSError, match="No space left"):
        extract(stopping)
    assert not (tmp_path / "s.h5").exists()
    assert not (tmp_path / "s.csv").exists()
    os.utime(clips[1].video, (1, 1))
    with pytest.raises(OSError, match="No space left"):
        extract(stopping)
    assert "1 of 3 clips were made before" in capfd.readouterr().out
    extract(clips, replace(OPTIONS, crop_size=64))
    assert "made before" not in capfd.readouterr().out
    assert len(pd.read_csv(tmp_path / "s.csv")) == 3


# --- killed, or stopped, and called again ---


def script(folder, clips, **how):
    clip_table(clips).to_csv(folder / "list.csv", index=False)
    return subprocess.Popen(
        [
            sys.executable, ROOT / "workflow_scripts" / "extract_features.py",
            "--clips", folder / "list.csv", "--options", '{"crop_size": 96}',
            "--state", folder / "state", "--shard", folder / "s.h5", "--table", folder / "s.csv",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how,
    )  # fmt: skip


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_gone(group):
    with suppress(ProcessLookupError):
        os.killpg(group, 0)
        return False
    return True


def test_a_killed_shard_goes_on_where_it_stopped(extracted, faulty, tmp_path, capfd):
    # The third clip waits for ever: nobody writes to the pipe.
    third = tmp_path / "3.mp4"
    os.mkfifo(third)
    clips = [*faulty[:2], as_clip(3, third), faulty[-2]]
    state = tmp_path / "state"
    running = script(tmp_path, clips, start_new_session=True)
    wait_for(lambda: len(list(state.glob("*.json"))) == 2)
    # Only the parent is killed: its workers must not stay behind.
    running.kill()
    running.communicate()
    wait_for(lambda: is_gone(running.pid))
    assert not (tmp_path / "s.h5").exists()
    third.unlink()
    shutil.copy(faulty[0].video, third)
    extract_shard(clips, tmp_path / "s.h5", tmp_path / "s.csv", OPTIONS, state=state)
    assert "2 of 4 clips were made before" in capfd.readouterr().out
    assert not state.exists()
    # By two workers, in one go, the same came out; the third clip is the first one's file.
    header, *rows = (extracted / "s.csv").read_bytes().splitlines(keepends=True)
    again = rows[0].replace(b"-001,", b"-003,")
    assert (tmp_path / "s.csv").read_bytes() == b"".join([header, *rows[:2], again, rows[-2]])
    before, now = contents(extracted / "s.h5"), contents(tmp_path / "s.h5")
    first, last = clips[0].clip_id, clips[-1].clip_id
    assert now == {first: before[first], clips[2].clip_id: before[first], last: before[last]}


def test_a_second_job_of_a_shard_waits_until_the_first_one_is_done(faulty, tmp_path):
    """As where a killed Snakemake has left a job behind, and is started again."""
    text, pipe = tmp_path / "1.mp4", tmp_path / "2.mp4"
    shutil.copy(faulty[list(FAULTS).index("text.mp4")].video, text)
    os.mkfifo(pipe)  # the first job waits for somebody who writes
    clips = [as_clip(1, text), as_clip(2, pipe)]
    first = script(tmp_path, clips)
    wait_for(lambda: len(list((tmp_path / "state").glob("*.json"))) == 1)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(
            extract_shard, clips, tmp_path / "2.h5", tmp_path / "2.csv", OPTIONS,
            state=tmp_path / "state",
        )  # fmt: skip
        time.sleep(0.5)
        writer = os.open(pipe, os.O_WRONLY)
        pipe.unlink()
        shutil.copy(text, pipe)
        os.close(writer)
        told, _ = first.communicate()
        assert first.returncode == 0, told
        second.result()
    assert pd.read_csv(tmp_path / "2.csv")["rejected"].notna().tolist() == [True, True]
    kept = {"1.mp4", "2.mp4", "2.csv", "2.h5", "list.csv", "s.csv", "s.h5"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_full_disk_stops_with_a_sentence_and_keeps_the_state(faulty, tmp_path):
    # No file may grow beyond 300 kB: the long clip's features do.
    long = make_take(tmp_path / "long.mp4", frames=100)
    clips = [faulty[0], as_clip(2, long)]
    limit = (300_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    stopped = script(
        tmp_path, clips, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    )
    told, _ = stopped.communicate()
    assert stopped.returncode == 1, told
    assert f"state{os.sep}{clips[1].clip_id}.h5" in told
    assert "can't go on: [Errno 27] File too large" in told
    assert "is kept" in told
    assert not (tmp_path / "s.csv").exists()
    assert [path.stem for path in (tmp_path / "state").glob("*.json")] == [clips[0].clip_id]


# --- long clips ---

MEASURE = """
import sys
from pathlib import Path
from emohead.features.faces import FaceFinder
from emohead.features.clip import FeatureOptions, extract_clip
from emohead.data.mead import Clip
from emohead.features.store import ShardWriter

finder = FaceFinder()
for number, path in enumerate(sys.argv[2:], 1):
    clip = Clip("W901", "front", "sad", 3, number, Path(path), Path(path))
    with ShardWriter(Path(sys.argv[1]) / "shard.h5") as writer:
        print(extract_clip(clip, finder, FeatureOptions(crop_size=96), writer).clips[0].frames)
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_long_clip_takes_no_more_memory_than_a_short_one(faulty, tmp_path):
    long = make_take(
        tmp_path / "long.mp4", frames=800,
        codec_options={"preset": "ultrafast", "crf": "30"},
    )  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path, faulty[0].video, long],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow_scripts"), "OMP_NUM_THREADS": "1"},
    ).stdout  # fmt: skip
    short_frames, short_peak, long_frames, long_peak = map(int, told.split())
    assert (short_frames, long_frames) == (FRAMES, 800)
    # Held, its frames would take 75 MiB as they are decoded, or 150 MiB as RGB.
    assert long_peak - short_peak < 35
