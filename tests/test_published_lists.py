"""Test clips that a list names, as EAT, EDTalk and MEAD itself write them."""

import json

import numpy as np
import pandas as pd
import pytest

from emohead.data.published_lists import ListedClip, read_test_list
from emohead.data.split import split_clips

SAD = ListedClip("W015", "sad", 3, 5)
ANGRY = ListedClip("M003", "angry", 1, 1)


@pytest.mark.parametrize(
    "names",
    [
        ["W015_W015_sad_3_005", "M003_M003_ang_1_001"],  # EAT's results
        ["W015_sad_3_005.mp4", "M003_ang_1_001.mp4"],  # its ground truth
        ["W015#sad#level_3#005", "M003#angry#level_1#001"],  # EDTalk
        ["W015-front-sad-3-005", "M003-front-angry-1-001"],  # ours
        ["MEAD/W015/video/front/sad/level_3/005.mp4", "M003/video/front/angry/level_1/001.mp4"],
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".json", ".txt", ".csv"])
def test_lists_are_read_whoever_wrote_them(tmp_path, names, suffix):
    path = tmp_path / f"test{suffix}"
    names = [*names, "RD_Radio51_000", "WDA_BernieSanders_1#001"]
    if suffix == ".npy":
        np.save(path, np.array(names))
    elif suffix == ".json":
        path.write_text(json.dumps(names))
    else:
        head = "clip_id,part\n" if suffix == ".csv" else ""
        path.write_text(head + "\n".join(f"{n},test" if head else n for n in names) + "\n\n")
    clips, others = read_test_list(path)
    assert clips == {SAD, ANGRY}
    assert others == names[2:]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", '{"M003": 1}'), ("a.json", "[1"), ("a.txt", "hello\n"), ("a.npy", "text")],
)
def test_other_files_are_named(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=rf"{name}: (is no list of names|none of its 1 names)"):
        read_test_list(tmp_path / name)


def table(*clip_ids):
    return pd.DataFrame({"clip_id": clip_ids, "frames": 100})


def test_listed_clips_are_tested_with_all_their_stretches(tmp_path, capsys):
    (tmp_path / "test.txt").write_text("W015_sad_3_005\nW015_sad_3_006\nnobody\n")
    clips = table(
        "M003-front-sad-3-005", "W015-front-sad-2-005", "W015-front-sad-3-005",
        "W015-front-sad-3-500002", "W015-front-sad-3-500003",
    )  # fmt: skip
    parts = split_clips(clips, unit="list", test_fraction=0.2, test_list=tmp_path / "test.txt")
    assert list(parts["part"]) == ["train", "train", "test", "test", "test"]
    assert (parts["start"] == 0).all() and (parts["stop"] == 100).all()
    assert "1 of 2 listed clips are in these data, and 1 names" in capsys.readouterr().out


def test_all_clips_of_some_speakers_are_tested():
    clips = table("007-front-sad-3-005", "M003-front-sad-3-005", "W015-front-neutral-1-001")
    parts = split_clips(clips, unit="speaker", test_fraction=0.2, test_speakers=["007", "W015"])
    assert list(parts["part"]) == ["test", "train", "test"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"unit": "list", "test_list": "M003_sad_3_009"}, "nothing to test on, since .*test.txt"),
        ({"unit": "list", "test_list": "M003_sad_3_001"}, "nothing to train on"),
        ({"unit": "speaker", "test_speakers": ["W015"]}, "no clips of split.test_speakers"),
        ({"unit": "speaker", "test_speakers": ["M003"]}, "nothing to train on"),
    ],
)
def test_a_part_that_is_empty_is_a_mistake(tmp_path, options, complaint):
    if name := options.get("test_list"):
        (tmp_path / "test.txt").write_text(name)
        options = options | {"test_list": tmp_path / "test.txt"}
    with pytest.raises(ValueError, match=complaint):
        split_clips(table("M003-front-sad-3-001"), test_fraction=0.2, **options)
