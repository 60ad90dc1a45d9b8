import os
from pathlib import Path

import pytest

from emohead.data.mead import EMOTIONS, find_clips, find_left_out, parse_clip_id


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_emotions_are_alphabetical_as_in_mead():
    assert list(EMOTIONS) == sorted(EMOTIONS)
    assert len(EMOTIONS) == 8


def test_clip_id_there_and_back():
    name = parse_clip_id("M003-front-angry-1-001")
    assert (name.speaker, name.view, name.emotion, name.level, name.number) == (
        "M003", "front", "angry", 1, 1,
    )  # fmt: skip
    assert name.clip_id == "M003-front-angry-1-001"
    assert parse_clip_id("W009-left_30-surprised-3-040").emotion_index == 7


@pytest.mark.parametrize("text", ["M003-front-angry-1", "M003-front-glad-1-001", "x"])
def test_other_text_is_no_clip_id(text):
    with pytest.raises(ValueError, match="not a clip id"):
        parse_clip_id(text)


def test_finds_what_is_there(tmp_path):
    touch(
        tmp_path,
        "M003/video/front/sad/level_1/002.mp4",
        "M003/video/front/sad/level_3/001.mp4",
        "M003/video/front/sad/level_3/notes.mp4",
        "M003/video/top/sad/level_3/009.mp4",
        "M003/audio/sad/level_3/001.m4a",
    )
    clips = find_clips(
        tmp_path / "M003", speaker="M003", view="front", emotion="sad", levels=[1, 2, 3]
    )
    assert [clip.clip_id for clip in clips] == ["M003-front-sad-1-002", "M003-front-sad-3-001"]
    # No audio file of that name: the video's own sound.
    assert clips[0].audio == clips[0].video
    assert clips[1].audio == tmp_path / "M003/audio/sad/level_3/001.m4a"
    assert (
        find_clips(tmp_path / "M003", speaker="M003", view="front", emotion="fear", levels=[1])
        == []
    )


def test_a_speaker_without_a_folder_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match=r"M003.*data\.folder"):
        find_clips(tmp_path / "M003", speaker="M003", view="front", emotion="sad", levels=[1])


def test_neutral_has_level_1_alone(tmp_path):
    touch(tmp_path, "M003/video/front/neutral/level_1/001.mp4")
    (clip,) = find_clips(
        tmp_path / "M003", speaker="M003", view="front", emotion="neutral", levels=[3]
    )
    assert clip.level == 1


def test_sound_may_lie_beside_the_video_and_other_containers_count(tmp_path):
    folder = "actor 3/video/front/sad/level_2"
    touch(tmp_path, f"{folder}/007.MOV", f"{folder}/007.wav", f"{folder}/8.mkv", f"{folder}/8.txt")
    touch(tmp_path, f"{folder}/008.mp4")  # the same number again: the first by name stays
    clips = find_clips(
        tmp_path / "actor 3", speaker="M003", view="front", emotion="sad", levels=[2]
    )
    assert [clip.clip_id for clip in clips] == ["M003-front-sad-2-007", "M003-front-sad-2-008"]
    assert clips[0].audio.name == "007.wav"
    assert clips[1].video.name == "008.mp4"


def test_numbers_that_stretches_would_have_are_no_clips(tmp_path):
    """The second stretch of number 3 is number 300002, and that of 0 would be number 2."""
    folder = "M003/video/front/sad/level_1"
    touch(tmp_path, *(f"{folder}/{n}.mp4" for n in ("000", "002", "99999", "300002", "20260101")))
    asked = {"speaker": "M003", "view": "front", "levels": [1]}
    clips = find_clips(tmp_path / "M003", emotion="sad", **asked)
    assert [clip.take for clip in clips] == [2, 99999]
    (left,) = find_left_out(tmp_path / "M003", emotions=["sad"], **asked)
    assert all(name in left.reason for name in ("'000.mp4'", "'300002.mp4'", "'20260101.mp4'"))


def test_a_folder_s_name_in_any_encoding_can_be_told(tmp_path):
    touch(tmp_path, os.fsdecode(b"M003/video/front/fr\xf6hlich/level_1/001.mp4"))
    asked = {"speaker": "M003", "view": "front", "levels": [1]}
    (left,) = find_left_out(tmp_path / "M003", emotions=["sad"], **asked)
    assert left.folder.encode() == rb"M003 video/front/fr\xf6hlich"


def test_videos_in_no_level_s_folder_are_named(tmp_path):
    touch(tmp_path, "M003/video/front/sad/001.mp4", "M003/video/front/sad/level_1/002.mp4")
    asked = {"speaker": "M003", "view": "front", "levels": [1]}
    (left,) = find_left_out(tmp_path / "M003", emotions=["sad"], **asked)
    assert left.folder == "M003 video/front/sad" and left.reason.startswith("1 videos in no folder")
