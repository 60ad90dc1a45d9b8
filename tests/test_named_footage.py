"""A person's own videos by the names of their files; RAVDESS and CREMA-D as they are handed out."""

import os

import pytest

from emohead.data.mead import EMOTIONS
from emohead.data.named_footage import find_footage
from emohead.data.names import NamePattern, emotion_called

ALL = {"speakers": None, "emotions": EMOTIONS}


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def ids(clips):
    return {clip.clip_id: clip.video.name for clip in clips}


def test_a_pattern_says_what_the_files_are(tmp_path):
    touch(tmp_path, "happy/anna_7.mp4", "ANG/anna_12.MOV", "sad/bo_b_3.mp4")
    clips, left_out = find_footage(tmp_path, "{emotion}/{speaker}_{number}", **ALL)
    assert ids(clips) == {
        "anna-front-angry-1-012": "anna_12.MOV",
        "anna-front-happy-1-007": "anna_7.mp4",
        "bo_b-front-sad-1-003": "bo_b_3.mp4",
    }
    assert left_out == []
    assert all(clip.audio == clip.video and clip.video.is_file() for clip in clips)


def test_what_does_not_fit_is_counted_and_named(tmp_path):
    touch(tmp_path, "happy/anna_7.mp4", "happy/take 2.mp4", "calm/anna_1.mp4", "happy/notes.txt",
          "happy/._anna_7.mp4", ".trash/anna_1.mp4",
          *(f"old/x{k}.mp4" for k in range(9)))  # fmt: skip
    clips, left_out = find_footage(tmp_path, "{emotion}/{speaker}_{number}.mp4", **ALL)
    assert list(ids(clips)) == ["anna-front-happy-1-007"]
    calm, strange = [each.reason for each in left_out]
    assert calm.startswith("1 videos: emotion 'calm'") and "calm/anna_1.mp4" in calm
    assert strange.startswith("10 videos: names not like {emotion}/{speaker}_{number}.mp4: ")
    assert strange.endswith(" and 7 more")


def test_without_numbers_files_are_numbered_by_name_and_stars_match_anything(tmp_path):
    touch(tmp_path, "d1/anna/sad_b.mp4", "d2/anna/sad_a.mp4", "anna/sad_c.webm")
    clips, _ = find_footage(tmp_path, "**/{speaker}/{emotion}_*", **ALL)
    assert ids(clips) == {
        "anna-front-sad-1-001": "sad_c.webm",
        "anna-front-sad-1-002": "sad_b.mp4",
        "anna-front-sad-1-003": "sad_a.mp4",
    }


def test_numbers_that_stretches_would_have_are_refused(tmp_path):
    """The second stretch of number 3 is number 300002."""
    touch(tmp_path, "anna_sad_99999.mp4", "anna_sad_300002.mp4", "anna_sad_20261127.mp4")
    clips, (reason,) = find_footage(tmp_path, "{speaker}_{emotion}_{number}", **ALL)
    assert list(ids(clips)) == ["anna-front-sad-1-99999"]
    assert reason.reason.startswith("2 videos: a number of more than five digits")


def test_of_twins_with_two_suffixes_one_is_taken(tmp_path):
    touch(tmp_path, "anna_sad.flv", "anna_sad.mp4")
    clips, left_out = find_footage(tmp_path, "{speaker}_{emotion}", **ALL)
    assert ids(clips) == {"anna-front-sad-1-001": "anna_sad.mp4"} and not left_out


def test_a_pattern_that_makes_two_files_one_is_a_mistake(tmp_path):
    touch(tmp_path, "s1/anna_sad_3.mp4", "s2/anna_sad_3.mp4")
    with pytest.raises(ValueError, match=r"s1/anna_sad_3\.mp4 and s2/anna_sad_3\.mp4"):
        find_footage(tmp_path, "*/{speaker}_{emotion}_{number}", **ALL)


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("{speaker}_{number}.mp4", r"\{speaker\} and \{emotion\} must be in it"),
        ("{speaker}_{emotion}_{clip_id}", r"must be in it"),
        ("{emo}/{speaker}", r"there is no \{emo\}"),
        ("all.mp4", "has none of"),
        ("{emotion}_{speaker}.mov", "1 videos: names not like"),
    ],
)
def test_patterns_that_say_too_little_are_named(tmp_path, pattern, complaint):
    touch(tmp_path, "anna_sad.mp4")
    with pytest.raises(ValueError, match=complaint):
        find_footage(tmp_path, pattern, **ALL)


def test_speakers_and_emotions_choose(tmp_path):
    touch(tmp_path, "anna_sad.mp4", "anna_happy.mp4", "bo_sad.mp4")
    pattern = "{speaker}_{emotion}"
    clips, left_out = find_footage(tmp_path, pattern, speakers=["anna"], emotions=["sad"])
    assert list(ids(clips)) == ["anna-front-sad-1-001"] and not left_out
    with pytest.raises(ValueError, match=r"W901: no file .*all \(anna, bo\)"):
        find_footage(tmp_path, pattern, speakers=["anna", "W901"], emotions=EMOTIONS)
    with pytest.raises(ValueError, match=r"none of the 3 files .* data\.emotions"):
        find_footage(tmp_path, pattern, speakers=None, emotions=["fear"])


def test_ravdess_as_it_is_handed_out(tmp_path):
    """All speech and song of an actor: 60 and 44 takes, each with a twin without sound."""
    speech = [
        (1, emotion, intensity, statement, repetition)
        for emotion in range(1, 9)
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    song = [(2, *take[1:]) for take in speech if take[1] <= 6]
    for modality in (1, 2):
        for kind, takes in (("Speech", speech), ("Song", song)):
            folder = f"Video_{kind}_Actor_07/Actor_07"
            stems = ["-".join(f"{n:02d}" for n in (modality, *take, 7)) for take in takes]
            touch(tmp_path, *(f"{folder}/{stem}.mp4" for stem in stems))
    touch(tmp_path, "Actor_07/03-01-05-02-01-01-07.wav")
    clips, left_out = find_footage(tmp_path, "ravdess", **ALL)
    assert len(clips) == 60 - 8  # all but calm
    assert {clip.speaker for clip in clips} == {"Actor07"}
    found = ids(clips)
    assert found["Actor07-front-angry-3-001"] == "01-01-05-02-01-01-07.mp4"
    assert found["Actor07-front-disgusted-2-004"] == "01-01-07-01-02-02-07.mp4"
    assert found["Actor07-front-neutral-1-003"] == "01-01-01-01-02-01-07.mp4"
    counted = {each.reason.split(": ")[1]: each.reason.split()[0] for each in left_out}
    assert counted == {
        "calm (01-01-02-...), which is none of the eight emotions": "8",
        "song (01-02-...)": "44",
        "twins without sound (02-...)": "104",
    }


def test_crema_d_as_it_is_handed_out(tmp_path):
    sentences = ("IEO", "TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI")
    for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"):
        for sentence in sentences:
            graded = sentence == "IEO" and emotion != "NEU"
            touch(tmp_path, *(
                f"VideoFlash/1001_{sentence}_{emotion}_{level}.flv"
                for level in (("LO", "MD", "HI") if graded else ("XX",))
            ))  # fmt: skip
    touch(tmp_path, "VideoFlash/1040_ITH_SAD_X.flv", "AudioWAV/1001_IEO_ANG_HI.wav",
          "VideoFlash/readme.mp4")  # fmt: skip
    clips, left_out = find_footage(tmp_path, "crema_d", **ALL)
    found = ids(clips)
    assert len(clips) == 12 + 5 * 14 + 1
    assert found["1001-front-angry-3-001"] == "1001_IEO_ANG_HI.flv"
    assert found["1001-front-disgusted-2-012"] == "1001_WSI_DIS_XX.flv"
    assert found["1001-front-neutral-1-001"] == "1001_IEO_NEU_XX.flv"
    assert "1040-front-sad-2-008" in found
    assert [each.reason.split(":")[0] for each in left_out] == ["1 videos"]


def test_emotions_have_the_names_that_the_sets_give_them():
    named = {
        "ang": "angry",
        "ANGER": "angry",
        "Fearful": "fear",
        "sur": "surprised",
        "con": "contempt",
    }
    assert {name: emotion_called(name) for name in named} == named
    assert emotion_called("calm") is emotion_called("a") is None


def test_a_field_that_stands_twice_is_the_same():
    pattern = NamePattern("{speaker}_{speaker}_{emotion}_{level}_{number}")
    assert pattern.match("W015_W015_sad_3_005.mp4")["number"] == "005"
    assert pattern.match("W015_M003_sad_3_005.mp4") is None


def test_links_to_folders_are_followed_each_folder_once(tmp_path):
    """Half of a data set lies on another disk; a link may lead to a folder above."""
    folder = touch(tmp_path / "set", "happy/anna_1.mp4")
    touch(tmp_path / "disk", "anna_2.mp4")
    (folder / "sad").symlink_to(tmp_path / "disk")
    (folder / "surprised").symlink_to(tmp_path / "disk")
    (folder / "happy/all").symlink_to(folder)
    clips, left_out = find_footage(folder, "{emotion}/{speaker}_{number}", **ALL)
    assert list(ids(clips)) == ["anna-front-happy-1-001", "anna-front-sad-1-002"]
    assert left_out == []


def test_a_file_that_no_table_can_name_or_that_is_not_there_is_set_aside(tmp_path):
    touch(tmp_path, "happy/anna_a.mp4")
    (tmp_path / "happy/anna_b.mp4").symlink_to(tmp_path / "unfetched.mp4")
    (tmp_path / os.fsdecode(b"happy/anna_caf\xe9.mp4")).touch()
    clips, left_out = find_footage(tmp_path, "{emotion}/{speaker}_*", **ALL)
    assert [clip.video.name for clip in clips] == ["anna_a.mp4"]
    assert [each.reason for each in left_out] == [
        "1 videos: links to nothing: 'happy/anna_b.mp4'",
        r"1 videos: names not in UTF-8: rename them: 'happy/anna_caf\udce9.mp4'",
    ]
