"""The jobs that render and score, killed in the middle: they go on with the next clip."""

import json
import signal
import subprocess
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
DYING = ROOT / "tests/dying_script.py"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three clips with their tables, and two models."""
    folder = tmp_path_factory.mktemp("data")
    renderer, draw = Renderer(PORTRAITS["W901"]()), np.random.default_rng(0)
    for name, size, length in (("small", 32, 100), ("large", 96, 15)):
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
    sound = draw.normal(0, 0.1, 100 * 640).astype(np.float32)
    take = folder / "take.mp4"
    write_video(take, np.zeros((100, 16, 16, 3), np.uint8), audio=sound)
    rows = [(c, *vars(parse_clip_id(c)).values(), take, take) for c in CLIPS]
    pd.DataFrame(rows, columns=list(CLIP_COLUMNS)).to_csv(folder / "clips.csv", index=False)
    judge = Judge(("happy", "sad"), draw.normal(0, 1, (2, 136)), np.zeros(2))
    other = Judge(("happy", "sad"), draw.normal(0, 1, (2, 1024)), np.zeros(2))
    save_judges(folder / "judges.npz", EmotionJudges(judge, other))
    save_models(folder)
    return folder


@pytest.fixture
def run(python):
    """run(script, **flags) runs a script; with `dies_at`, to the n-th call of a function."""

    def run(script: str, dies_at: tuple[str, int] | None = None, **flags: object) -> None:
        words = []
        for name, value in flags.items():
            values = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, values)]
        path = str(ROOT / "workflow_scripts" / f"{script}.py")
        start = [path] if dies_at is None else [str(DYING), *map(str, dies_at), path]
        done = subprocess.run([python, *start, *words], capture_output=True, text=True)
        expected = 0 if dies_at is None else -signal.SIGKILL
        assert done.returncode == expected, done.stdout + done.stderr

    return run


def times_of(folder: Path) -> dict[str, int]:
    """When the pieces of clips in a folder were made."""
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.glob("W*"))}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_rendering(run, data, tmp_path):
    def job(out, dies_at=None):
        run(
            "render_clips", dies_at, features=data / "small.h5", split=data / "small.csv",
            speaker="W901", state=out / "state", code="as it is", landmarks=data / "landmarks.pt",
            translator=data / "translator.pt", method="ours", reference="same_emotion",
            rendering=json.dumps({"device": "cpu", "precision": "32-true", "batch_size": 8}),
            threads=1, folder=out / "frames",
        )  # fmt: skip

    killed, made = tmp_path / "killed", tmp_path / "killed/state/frames"
    # In the middle of the second clip of 100 frames.
    job(killed, ("emohead.features.store.ClipWriter.append", 150))
    first = times_of(made)
    assert list(first) == [f"{CLIPS[0]}.h5"]
    assert len([path for path in made.iterdir() if path.name.startswith(".")]) == 1
    job(killed, ("emohead.features.store.ClipWriter.append", 150))  # and of the third
    second = times_of(made)
    assert list(second) == [f"{clip_id}.h5" for clip_id in CLIPS[:2]]
    assert not (killed / "frames").exists()
    job(killed)
    job(tmp_path / "undisturbed")
    assert first.items() < second.items() < times_of(killed / "frames").items()
    assert [path.name for path in killed.iterdir()] == ["frames"]
    once, again = (
        open_clips((tmp_path / name / "frames").glob("*.h5")) for name in ("undisturbed", "killed")
    )
    assert list(once) == list(again) == sorted(CLIPS)
    for clip_id, clip in once.items():
        assert clip.length == 100
        assert clip.frames().std() > 10
        np.testing.assert_array_equal(again[clip_id].frames(), clip.frames())
        np.testing.assert_array_equal(again[clip_id].landmarks, clip.landmarks)
        assert again[clip_id].attributes == clip.attributes


def test_a_method_of_other_parts_begins_anew(run, data, tmp_path):
    """As where a method of the config is changed after its rendering was killed."""

    def job(landmarks, dies_at=None):
        run(
            "render_clips", dies_at, features=data / "small.h5", split=data / "small.csv",
            speaker="W901", state=tmp_path / "state", code="as it is", landmarks=landmarks,
            translator="truth", method="ours", reference="same_emotion",
            rendering=json.dumps({"device": "cpu", "precision": "32-true", "batch_size": 8}),
            threads=1, folder=tmp_path / "frames",
        )  # fmt: skip

    job("truth", ("emohead.features.store.ClipWriter.append", 150))
    assert list(times_of(tmp_path / "state/frames")) == [f"{CLIPS[0]}.h5"]
    job("reference")
    for clip in open_clips((tmp_path / "frames").glob("*.h5")).values():
        assert (clip.landmarks == clip.landmarks[:1]).all()


def test_scoring(run, data, tmp_path):
    def job(out, dies_at=None):
        run(
            "score_clips", dies_at, features=data / "large.h5", split=data / "large.csv",
            speaker="W901", state=out / "state", code="as it is", method="copy",
            reference="same_emotion", seed=0, clips=data / "clips.csv",
            stand_ins=["truth", "truth"], judges=data / "judges.npz", show_all=[],
            scores=out / "scores.parquet", landmarks=out / "landmarks.npz", shown=out / "videos",
            notes=out / "notes.csv",
        )  # fmt: skip

    again, state = tmp_path / "killed", tmp_path / "killed/state"
    # When the second clip has been looked at, and then the third.
    for count in (1, 2):
        job(again, ("emohead.evaluation.score.evaluate_clip", 2))
        pieces = times_of(state)
        assert list(pieces) == [
            f"{clip_id}.{kind}" for clip_id in CLIPS[:count] for kind in ("json", "mp4", "npz")
        ]
        if count == 1:
            first = pieces
        assert first.items() <= pieces.items()
        assert [path.name for path in again.iterdir() if path.is_dir()] == ["state"]
    job(again)
    once = tmp_path / "undisturbed"
    job(once)
    names = ["landmarks.npz", "notes.csv", "scores.parquet", "videos"]
    assert sorted(path.name for path in again.iterdir()) == names
    assert read_table(once / "scores.parquet").equals(read_table(again / "scores.parquet"))
    with np.load(once / "landmarks.npz") as a, np.load(again / "landmarks.npz") as b:
        assert a.files == b.files and len(a.files) == 4 * len(CLIPS)
        for name in a.files:
            assert a[name].tobytes() == b[name].tobytes()
    assert len(bytes_of(once / "videos")) == len(CLIPS)
    assert bytes_of(once / "videos") == bytes_of(again / "videos")
