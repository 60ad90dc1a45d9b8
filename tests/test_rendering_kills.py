"""The jobs that render and score, killed with SIGKILL: they go on with the next clip."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from method_factory import save_models

from emohead.data.clip_tables import CLIP_COLUMNS
from emohead.data.mead import parse_clip_id
from emohead.evaluation.emotion_judges import EmotionJudges, Judge, save_judges
from emohead.evaluation.scores import read_table
from emohead.features.store import ShardWriter, open_clips
from emohead.media.writing import write_video
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.mini.visemes import MouthShape

ROOT = Path(__file__).parent.parent
CLIPS = tuple(f"W901-front-{name}" for name in ("happy-3-001", "happy-3-002", "sad-3-001"))
SECONDS = 240  # that a job may take, where other work keeps the machine busy


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three clips with their tables, and two models."""
    folder = tmp_path_factory.mktemp("data")
    renderer, draw = Renderer(PORTRAITS["W901"]()), np.random.default_rng(0)
    for name, size, length in (("small", 32, 300), ("large", 96, 40)):
        pictures = [
            renderer.render(replace(FacePose.at_rest(), mouth=MouthShape(open=o), jaw=o), size)
            for o in np.linspace(0, 1, 10)
        ]
        with ShardWriter(folder / f"{name}.h5", codec="png") as writer:
            for clip_id in CLIPS:
                writer.add(
                    clip_id,
                    landmarks=draw.uniform(0.2 * size, 0.8 * size, (length, 68, 2)),
                    frames=[pictures[k] for k in draw.integers(0, 10, length)],
                    mfcc=draw.normal(0, 5, (length, 28, 12)),
                )
        parts = pd.DataFrame({"clip_id": CLIPS, "part": "test", "start": 0, "stop": length})
        parts.to_csv(folder / f"{name}.csv", index=False)
    sound = draw.normal(0, 0.1, 300 * 640).astype(np.float32)
    take = folder / "take.mp4"
    write_video(take, np.zeros((300, 16, 16, 3), np.uint8), audio=sound)
    rows = [(c, *vars(parse_clip_id(c)).values(), take, take) for c in CLIPS]
    pd.DataFrame(rows, columns=list(CLIP_COLUMNS)).to_csv(folder / "clips.csv", index=False)
    judge = Judge(("happy", "sad"), draw.normal(0, 1, (2, 136)), np.zeros(2))
    other = Judge(("happy", "sad"), draw.normal(0, 1, (2, 1024)), np.zeros(2))
    save_judges(folder / "judges.npz", EmotionJudges(judge, other))
    save_models(folder)
    return folder


def start(script: str, **flags: object) -> subprocess.Popen:
    words = []
    for name, value in flags.items():
        values = value if isinstance(value, list) else [value]
        words += [f"--{name.replace('_', '-')}", *map(str, values)]
    path = ROOT / "workflow_scripts" / f"{script}.py"
    return subprocess.Popen(
        [sys.executable, str(path), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finish(job: subprocess.Popen) -> None:
    told, _ = job.communicate(timeout=SECONDS)
    assert job.returncode == 0, told.decode()


def wait_for(job: subprocess.Popen, folder: Path, pattern: str, count: int) -> list[Path]:
    """The first `count` files of a pattern in a folder, as soon as they are there."""
    began = time.monotonic()
    while len(found := sorted(folder.glob(pattern))) < count:
        assert job.poll() is None, job.communicate()[0].decode()
        assert time.monotonic() < began + SECONDS
        time.sleep(0.002)
    return found


def kill(job: subprocess.Popen) -> None:
    job.kill()
    job.communicate()


def times_of(folder: Path, pattern: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob(pattern)}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_rendering(data, tmp_path):
    def job(out):
        return start(
            "render_clips", features=data / "small.h5", split=data / "small.csv", speaker="W901",
            state=out / "state", code="as it is", landmarks=data / "landmarks.pt",
            translator=data / "translator.pt", method="ours", reference="same_emotion",
            rendering=json.dumps({"device": "cpu", "precision": "32-true", "batch_size": 8}),
            threads=1, folder=out / "frames",
        )  # fmt: skip

    killed = job(tmp_path / "killed")
    wait_for(killed, tmp_path / "killed/state/frames", "W*.h5", 1)
    kill(killed)
    done = times_of(tmp_path / "killed/state/frames", "W*.h5")
    assert CLIPS[0] + ".h5" in done and len(done) < len(CLIPS)
    assert not (tmp_path / "killed/frames").exists()
    finish(job(tmp_path / "killed"))
    finish(job(tmp_path / "undisturbed"))
    assert done.items() <= times_of(tmp_path / "killed/frames", "W*.h5").items()
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["frames"]
    once, again = (
        open_clips((tmp_path / name / "frames").glob("*.h5")) for name in ("undisturbed", "killed")
    )
    assert list(once) == list(again) == sorted(CLIPS)
    for clip_id, clip in once.items():
        assert clip.frames().std() > 10
        np.testing.assert_array_equal(again[clip_id].frames(), clip.frames())
        np.testing.assert_array_equal(again[clip_id].landmarks, clip.landmarks)
        assert again[clip_id].attributes == clip.attributes


def test_scoring(data, tmp_path):
    def job(out):
        return start(
            "score_clips", features=data / "large.h5", split=data / "large.csv", speaker="W901",
            state=out / "state", code="as it is", method="copy", reference="same_emotion", seed=0,
            clips=data / "clips.csv", stand_ins=["truth", "truth"], judges=data / "judges.npz",
            show_all=[], scores=out / "scores.parquet", landmarks=out / "landmarks.npz",
            shown=out / "videos", notes=out / "notes.csv",
        )  # fmt: skip

    killed = job(tmp_path / "killed")
    state = tmp_path / "killed/state"
    wait_for(killed, state, "W*.json", 1)
    kill(killed)
    assert len(list(state.glob("W*.json"))) < len(CLIPS)
    done = times_of(state, f"{CLIPS[0]}.*")
    assert {Path(name).suffix for name in done} == {".json", ".npz", ".mp4"}
    assert not (tmp_path / "killed/scores.parquet").exists()
    going_on = job(tmp_path / "killed")
    wait_for(going_on, state, "W*.json", 2)
    assert times_of(state, f"{CLIPS[0]}.*") == done
    finish(going_on)
    finish(job(tmp_path / "undisturbed"))
    once, again = (tmp_path / name for name in ("undisturbed", "killed"))
    names = ["landmarks.npz", "notes.csv", "scores.parquet", "videos"]
    assert sorted(path.name for path in again.iterdir()) == names
    assert read_table(once / "scores.parquet").equals(read_table(again / "scores.parquet"))
    with np.load(once / "landmarks.npz") as a, np.load(again / "landmarks.npz") as b:
        assert a.files == b.files and len(a.files) == 4 * len(CLIPS)
        for name in a.files:
            assert a[name].tobytes() == b[name].tobytes()
    assert len(bytes_of(once / "videos")) == len(CLIPS)
    assert bytes_of(once / "videos") == bytes_of(again / "videos")
