"""The three sources as a user meets them: a config of a few lines, and Snakemake itself.

The clips are the embedded data set's, under a MEAD actor's name, in folders called as people call
them.
"""

import csv
import hashlib
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import pandas as pd
import pytest
import yaml
from file_server import serving

from emohead.data.clip_tables import clip_table
from emohead.data.mead import Clip, audio_path, video_path
from emohead.mini.dataset import make_speaker

EMOTIONS = ["angry", "happy"]
SPLIT = "results/split.csv"
TEXT = b"Sorry, this file has moved.\n"

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def actor(tmp_path_factory) -> Path:
    """A folder with the folder M003: three clips of two emotions at level 3."""
    root = tmp_path_factory.mktemp("actor")
    make_speaker(root, "W901", emotions=EMOTIONS, sentences=3, frame_size=128, workers=2)
    (root / "W901").rename(root / "M003")
    return root


def video(root: Path, emotion: str, number: int) -> Path:
    return video_path(root, "M003", "front", emotion, 3, number)


def audio(root: Path, emotion: str, number: int) -> Path:
    return audio_path(root, "M003", emotion, 3, number)


def configure(project: Path, data: dict, **others: dict) -> list[str]:
    """Write a user's config; returns the flags to use it."""
    config = {
        "data": {"speakers": None, "emotions": EMOTIONS, **data},
        "features": {"crop_size": 64},
        **others,
    }
    project.mkdir(exist_ok=True)
    (project / "mine.yaml").write_text(yaml.safe_dump(config, allow_unicode=True))
    return ["--configfile", str(project / "mine.yaml")]


def rows(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.open(encoding="utf-8")))


def output(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def make(snakemake):
    """Makes targets, and expects that it works: make(project, flags, *targets)."""

    def run(project: Path, flags: list[str], *targets: str) -> subprocess.CompletedProcess[str]:
        done = snakemake(project, *targets, *flags)
        assert done.returncode == 0, output(done)
        return done

    return run


# Folders

MEAD = "Films de l'été/MÉAD"
FOLDER = {"source": "folder", "folder": MEAD, "emotions": [*EMOTIONS, "neutral"], "levels": [2, 3]}


def contents(folder: Path) -> dict[str, tuple[int, int, int]]:
    """All that can be seen of a folder; also a file that was there for a moment leaves a trace."""
    facts = {path: path.stat() for path in [folder, *folder.rglob("*")]}
    return {str(p): (f.st_mode, f.st_size, f.st_mtime_ns) for p, f in facts.items()}


@pytest.fixture(scope="module")
def folder_project(actor, make, tmp_path_factory) -> Path:
    """A project made up to data.html, its read-only source folder in it.

    Clips 1 and 2 of either emotion and a text named 009.mp4; the sound of one lies beside it.
    Neutral and level 2 are asked for, but not there.
    """
    project = tmp_path_factory.mktemp("projet d'été")
    root = project / MEAD
    for emotion in EMOTIONS:
        for number in (1, 2):
            for path in (video, audio):
                path(root, emotion, number).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path(actor, emotion, number), path(root, emotion, number))
    audio(root, "angry", 2).rename(video(root, "angry", 2).with_suffix(".m4a"))
    video(root, "happy", 9).write_bytes(TEXT)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = contents(root)
    flags = configure(project, {**FOLDER, "max_rejected": 0.25})
    make(project, flags, "results/report/data.html")
    assert contents(root) == before
    return project


@pytest.fixture
def copied_project(folder_project, tmp_path_factory) -> Path:
    """A copy to change, with times and all, whose source folder can be written to."""
    # At the same depth: paths to the workflow's code are relative.
    project = tmp_path_factory.mktemp("copie")
    shutil.copytree(folder_project, project, dirs_exist_ok=True)
    for path in [project / MEAD, *(project / MEAD).rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return project


def test_folder_goes_in(folder_project):
    parts = {row["clip_id"]: row["part"] for row in rows(folder_project / SPLIT)}
    assert parts == {
        "M003-front-angry-3-001": "train", "M003-front-angry-3-002": "test",
        "M003-front-happy-3-001": "train", "M003-front-happy-3-002": "test",
    }  # fmt: skip
    assert "M003" in (folder_project / "results/report/data.html").read_text()


def test_one_broken_file_is_set_aside(folder_project):
    (reject,) = rows(folder_project / "results/rejected.csv")
    assert (reject["clip_id"], reject["stage"]) == ("M003-front-happy-3-009", "features")
    assert "009.mp4" in reject["reason"]


def test_second_call_does_nothing(snakemake, jobs, folder_project):
    flags = ["--configfile", str(folder_project / "mine.yaml"), "--dry-run"]
    done = snakemake(folder_project, "results/report/data.html", *flags)
    assert jobs(done) == {}
    assert "Nothing to be done" in output(done)


def test_only_changed_shards_are_made_again(make, jobs, actor, copied_project):
    project, root = copied_project, copied_project / MEAD
    flags = ["--configfile", str(project / "mine.yaml")]
    # A clip more:
    for path in (video, audio):
        shutil.copy(path(actor, "angry", 3), path(root, "angry", 3))
    done = make(project, flags, SPLIT)
    once = {"extract_features": 1, "collect_clips": 1, "split_clips": 1}
    assert jobs(done) == {"list_clips": 1, **once}
    assert "emotion=angry" in output(done)
    assert "emotion=happy" not in output(done)
    assert len(rows(project / SPLIT)) == 5
    # A file replaced under its own name, which the folder doesn't show:
    video(root, "happy", 1).write_bytes(video(actor, "happy", 3).read_bytes())
    assert jobs(make(project, flags, SPLIT, "--dry-run")) == {}
    done = make(project, flags, "list_all", "--forcerun", "list_clips")
    assert jobs(done) == {"list_clips": 2, "list_all": 1}
    done = make(project, flags, SPLIT, "--dry-run")
    assert jobs(done) == once
    assert "emotion=happy" in output(done)
    assert "emotion=angry" not in output(done)


def test_an_emotion_taken_out_is_taken_out(make, jobs, copied_project):
    shutil.rmtree(copied_project / MEAD / "M003/video/front/happy")
    flags = ["--configfile", str(copied_project / "mine.yaml"), "--dry-run"]
    assert jobs(make(copied_project, flags, SPLIT)) == {"collect_clips": 1, "split_clips": 1}


def test_too_many_rejects_stop_with_a_summary(snakemake, copied_project):
    flags = configure(copied_project, {**FOLDER, "max_rejected": 0.1})
    done = snakemake(copied_project, SPLIT, *flags)
    assert done.returncode != 0
    sentence = "1 of 5 clips can't be used, more than data.max_rejected = 10% allows: 1 x "
    assert sentence in output(done)
    # Nothing is lost: more patience, and it goes on.
    assert len(list((copied_project / "results/features").glob("*.h5"))) == 2


def test_every_speaker_may_have_a_folder_of_its_own(make, jobs, tmp_path):
    folders = {"M003": tmp_path / "disk 1/M003", "W009": tmp_path / "Ω/actors/nine"}
    for folder in folders.values():
        clip = folder / "video/front/sad/level_1/001.mp4"
        clip.parent.mkdir(parents=True)
        clip.touch()
    data = {"source": "folder", "folder": {s: str(f) for s, f in folders.items()},
            "emotions": ["sad"], "levels": [1]}  # fmt: skip
    done = make(tmp_path, configure(tmp_path, data), "list_all")
    assert jobs(done) == {"list_clips": 2, "list_all": 1}
    for speaker, folder in folders.items():
        (row,) = rows(tmp_path / f"results/data/lists/{speaker}-sad.csv")
        assert row["clip_id"] == f"{speaker}-front-sad-1-001"
        assert row["video"] == str(folder / "video/front/sad/level_1/001.mp4")


def test_folders_that_are_no_speakers_are_passed_over(make, jobs, tmp_path):
    for name in ("M003", "M003 (copy)", "lost+found", ".Trash-0"):
        (tmp_path / f"MEAD/{name}/video/front/sad/level_1").mkdir(parents=True)
    data = {"source": "folder", "folder": str(tmp_path / "MEAD"), "emotions": ["sad"]}
    done = make(tmp_path, configure(tmp_path, data), "list_all", "--dry-run")
    assert jobs(done) == {"list_clips": 1, "list_all": 1}


def exchange(path: Path, put: Callable[[Path], object]) -> None:
    """Put something in a file's place, so that its folder doesn't show it."""
    before = path.parent.stat()
    path.unlink()
    put(path)
    os.utime(path.parent, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_killed_run_goes_on_where_it_stopped(snakemake_command, make, actor, tmp_path):
    shutil.copytree(actor, tmp_path / "actors")
    data = {"source": "folder", "folder": "actors", "emotions": ["angry"]}
    flags, target = configure(tmp_path, data), "results/features/M003-angry.csv"
    state = tmp_path / "state/features/M003-angry"
    make(tmp_path, flags, "results/data/lists/M003-angry.csv")
    # The third clip waits for ever: nobody writes to the pipe.
    third = video(tmp_path / "actors", "angry", 3)
    exchange(third, os.mkfifo)
    run = subprocess.Popen(
        **snakemake_command(tmp_path, target, *flags),
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 300
        while len(list(state.glob("M003*.json"))) < 2:
            assert run.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert not (tmp_path / target).exists()
    exchange(third, lambda path: shutil.copy(video(actor, "angry", 3), path))
    make(tmp_path, flags, "--unlock")
    make(tmp_path, flags, target)
    log = (tmp_path / "results/logs/extract_features/M003-angry.log").read_text()
    assert "2 of 3 clips were made before" in log
    assert [row["rejected"] for row in rows(tmp_path / target)] == ["", "", ""]
    assert not state.exists()


# Archives


def tar(members: dict[str, bytes]) -> bytes:
    """An archive of files with these contents."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), 1_600_000_000
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def packed(actor: Path, kind: str, numbers: tuple[int, ...]) -> dict[str, bytes]:
    """The members of MEAD's video.tar or audio.tar."""
    path = {"video": video, "audio": audio}[kind]
    files = [path(actor, "happy", number) for number in numbers]
    return {str(file.relative_to(actor / "M003")): file.read_bytes() for file in files}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_table(path: Path, lines: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)


ARCHIVE_COLUMNS = ["speaker", "kind", "url", "sha256", "bytes"]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        yield server


def test_archives_go_in(make, jobs, actor, server, tmp_path):
    videos = tar({
        **packed(actor, "video", (1, 2)),
        "video/front/happy/level_3/008.mp4": TEXT,
        "../../video/front/happy/level_3/007.mp4": TEXT,
        "video/left_30/happy/level_3/001.mp4": TEXT,
    })  # fmt: skip
    server.files = {"/M003/video.tar": videos}
    sounds = tmp_path / "données/M003 audio.tar"
    sounds.parent.mkdir()
    sounds.write_bytes(tar(packed(actor, "audio", (1, 2))))
    table = tmp_path / "données/mes archives.csv"
    row = ["M003", "video", f"{server.url}/M003/video.tar", sha256(videos), str(len(videos))]
    lines = [ARCHIVE_COLUMNS, row, ["M003", "audio", str(sounds), "", ""],
             ["W009", "video", "", "", ""]]  # fmt: skip
    write_table(table, lines)
    archives = {"table": "données/mes archives.csv", "downloads": "téléchargés"}
    # There is nothing of neutral.
    data = {"source": "archives", "emotions": ["happy", "neutral"], "max_rejected": 0.5}
    flags = configure(tmp_path, {**data, "archives": archives})
    make(tmp_path, flags, SPLIT)
    assert (tmp_path / "téléchargés/M003/video.tar").read_bytes() == videos
    assert server.asked() == [0]
    assert {row["clip_id"]: row["part"] for row in rows(tmp_path / SPLIT)} == {
        "M003-front-happy-3-001": "train", "M003-front-happy-3-002": "test",
    }  # fmt: skip
    rejects = {row["clip_id"]: row for row in rows(tmp_path / "results/rejected.csv")}
    assert set(rejects) == {"M003 video.tar", "M003-front-happy-3-008"}
    assert rejects["M003 video.tar"]["stage"] == "unpack"
    assert "leads out of the archive's folder" in rejects["M003 video.tar"]["reason"]
    assert rejects["M003-front-happy-3-008"]["stage"] == "features"
    assert jobs(make(tmp_path, flags, SPLIT, "--dry-run")) == {}
    # A row filled in for another actor, and one that has changed: that one is fetched again.
    more = tar(packed(actor, "video", (1, 2, 3)))
    server.files["/new/M003.tar"] = more
    row[2:] = [f"{server.url}/new/M003.tar", sha256(more), ""]
    write_table(table, lines)
    done = make(tmp_path, flags, "results/data/unpacked/M003-problems.csv")
    assert jobs(done) == {"fetch_archive": 1, "unpack_archives": 1}
    assert "kind=video" in output(done)
    assert len(list((tmp_path / "results/data/unpacked/M003/video").rglob("*.mp4"))) == 3


# Footage


def join(picture: Path, sound: Path, target: Path) -> None:
    """One file with the picture of one and the sound of the other, as a camera writes it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(target), "w") as joined, av.open(str(picture)) as a, av.open(str(sound)) as b:
        sources = [a.streams.video[0], b.streams.audio[0]]
        copies = [joined.add_stream_from_template(stream) for stream in sources]
        for source, stream, copy in zip((a, b), sources, copies, strict=True):
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    joined.mux(packet)


def test_footage_goes_in(make, jobs, actor, tmp_path):
    folder = tmp_path / "mes vidéos"
    names = {"angry": "fâchée (1).mov", "happy": "été 2026/joyeuse.mp4"}
    for emotion, name in names.items():
        join(video(actor, emotion, 1), audio(actor, emotion, 1), folder / name)
    table = tmp_path / "ma table.csv"
    lines = [["file", "speaker", "emotion", "level"], [names["angry"], "Léa", "angry", "2"],
             [names["happy"], "Léa", "happy", ""]]  # fmt: skip
    write_table(table, lines)
    footage = {"table": "ma table.csv", "folder": "mes vidéos"}
    flags = configure(tmp_path, {"source": "footage", "footage": footage}, split={"unit": "time"})
    make(tmp_path, flags, SPLIT)
    frames = {r["clip_id"]: int(r["frames"]) for r in rows(tmp_path / "results/clips.csv")}
    assert set(frames) == {"Léa-front-angry-2-001", "Léa-front-happy-1-001"}
    pieces = {(r["clip_id"], r["part"]): r for r in rows(tmp_path / SPLIT)}
    for clip_id, count in frames.items():
        train, test = pieces[clip_id, "train"], pieces[clip_id, "test"]
        assert train["start"] == "0"
        assert int(test["stop"]) == count
        assert int(test["start"]) - int(train["stop"]) >= 0.5 * 25
    # The table looked at again, unchanged; then a row more, then a file replaced.
    table.touch()
    assert jobs(make(tmp_path, flags, SPLIT, "--dry-run")) == {}
    join(video(actor, "happy", 2), audio(actor, "happy", 2), folder / "encore.mp4")
    write_table(table, [*lines, ["encore.mp4", "Léa", "happy", "1"]])
    once = {"list_footage": 1, "extract_features": 1, "collect_clips": 1, "split_clips": 1}
    done = make(tmp_path, flags, SPLIT, "--dry-run")
    assert jobs(done) == once
    assert "emotion=happy" in output(done)
    assert "emotion=angry" not in output(done)
    write_table(table, lines)
    join(video(actor, "angry", 2), audio(actor, "angry", 2), folder / names["angry"])
    done = make(tmp_path, flags, SPLIT, "--dry-run")
    assert jobs(done) == once
    assert "emotion=angry" in output(done)
    assert "emotion=happy" not in output(done)


def test_everything_that_is_left_out_is_told_however_much_it_is(tmp_path, snakemake_command):
    """A program takes no argument of more than 128 KiB."""
    names = ("happy/anna_1.mp4", *(f"x{k}/anna_1.mp4" for k in range(1000)))
    for name in names:
        (tmp_path / "footage" / name).parent.mkdir(parents=True)
        (tmp_path / "footage" / name).touch()
    video = tmp_path / "footage" / names[0]
    listed = clip_table([Clip("anna", "front", "happy", 1, 1, video, video)])
    facts = dict.fromkeys(("frames", "seconds", "fps", "width", "height", "faces"), 50)
    made = listed[["clip_id"]].assign(
        take=listed["clip_id"], start=0, frames_without_face=0, lips="0", rejected=None, **facts
    )
    for folder, table in (("data/lists", listed), ("features", made)):
        (tmp_path / "results" / folder).mkdir(parents=True)
        table.to_csv(tmp_path / "results" / folder / "anna-happy.csv", index=False)
    footage = {"names": "{emotion}/{speaker}_{number}", "folder": str(tmp_path / "footage")}
    flags = configure(tmp_path, {"source": "footage", "footage": footage})
    command = snakemake_command(
        tmp_path, "results/rejected.csv", *flags, "--allowed-rules", "collect_clips"
    )
    done = subprocess.run(**command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "results/rejected.csv")) == 1000
