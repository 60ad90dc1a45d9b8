"""The tables of clips: there and back, collected, and stopped where too much is missing."""

import pandas as pd
import pytest

from emohead.data.clip_tables import clip_table, collect_clips, read_clips
from emohead.data.mead import Clip

FACTS = {
    "start": 0, "frames": 50, "seconds": 2.0, "fps": 30.0, "width": 1920, "height": 1080,
    "frames_without_face": 1, "faces": 1,
}  # fmt: skip


@pytest.fixture
def clips(tmp_path):
    """Four clips of a speaker whose name looks like a number."""
    made = []
    for number in range(1, 5):
        video, audio = tmp_path / f"ä {number}.mp4", tmp_path / f"{number}.m4a"
        video.write_bytes(b"x" * number)
        audio.write_bytes(b"y")
        made.append(Clip("007", "front", "sad", 3, number, video, audio))
    return made


@pytest.fixture
def tables(tmp_path, clips):
    """The shard's list, and the table of its extraction: two are rejected for one cause."""
    clip_table(clips).to_csv(tmp_path / "list.csv", index=False)
    rows = [{"clip_id": clip.clip_id, "take": clip.clip_id, **FACTS} for clip in clips[:2]]
    rows += [
        {
            "clip_id": clip.clip_id,
            "take": clip.clip_id,
            "rejected": f"{clip.video}: no audio stream",
        }
        for clip in clips[2:]
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "made.csv", index=False)
    return [tmp_path / "list.csv"], [tmp_path / "made.csv"]


def test_clip_table_there_and_back(tables, clips):
    assert read_clips(tables[0][0]) == clips
    assert list(pd.read_csv(tables[0][0])["bytes"]) == [2, 3, 4, 5]


def test_a_replaced_file_changes_the_list(clips):
    before = clip_table(clips)
    clips[1].video.write_bytes(b"longer than before")
    changed = clip_table(clips).compare(before)
    assert list(changed.index) == [1]


def test_good_clips_and_rejects(tables, tmp_path):
    problems = tmp_path / "problems.csv"
    problems.write_text("clip_id,stage,reason\n007 video.tar,unpack,truncated\n")
    accepted, rejected = collect_clips(*tables, max_rejected=0.5, problems=[problems])
    assert list(accepted["clip_id"]) == ["007-front-sad-3-001", "007-front-sad-3-002"]
    assert accepted.iloc[0][[*FACTS]].to_dict() == FACTS
    assert "modified" not in accepted
    assert list(rejected.columns) == ["clip_id", "stage", "reason"]
    assert list(rejected["clip_id"]) == [
        "007 video.tar", "007-front-sad-3-003", "007-front-sad-3-004",
    ]  # fmt: skip
    assert list(rejected["stage"]) == ["unpack", "features", "features"]


def test_too_many_rejects_stop_with_the_commonest_reasons(tables):
    with pytest.raises(
        ValueError, match=r"2 of 4 clips .*max_rejected = 25% allows: 2 x no audio stream$"
    ):
        collect_clips(*tables, max_rejected=0.25)


def test_no_clip_at_all_is_said(tables):
    for table in (*tables[0], *tables[1]):
        pd.read_csv(table).iloc[:0].to_csv(table, index=False)
    with pytest.raises(ValueError, match=r"there is no clip: check data\.speakers"):
        collect_clips(*tables, max_rejected=1)
