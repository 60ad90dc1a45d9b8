"""Which file is whose clip's: names of other people's methods."""

import pytest

from emohead.methods.video_names import find_videos, named_videos, videos_of_speaker

IDS = [f"{speaker}-front-{emotion}-3-{number:03d}" for speaker in ("M003", "W015")
       for emotion in ("sad", "surprised") for number in (5, 25)]  # fmt: skip


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(folder, *names):
    return {clip: path.relative_to(folder).as_posix() for clip, path in find_videos(*names).items()}


def test_videos_are_found_by_name_whatever_their_suffix(tmp_path):
    for name in ("001.MOV", "002.webm", "003.wav", "004.mkv", "004.mp4"):
        (tmp_path / f"W901-front-sad-3-{name}").touch()
    ids = [f"W901-front-sad-3-{number:03d}" for number in range(1, 6)]
    videos = find_videos(tmp_path, ids)
    assert {clip: path.suffix for clip, path in videos.items()} == {
        ids[0]: ".MOV", ids[1]: ".webm", ids[3]: ".mp4",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "files"),
    [
        # EAT's test_mead.py, with its silent twins in temp/; EDTalk's lists; a folder a speaker
        ("{speaker}_{speaker}_{emotion}_{level}_{number}", ["{0}_{0}_{1}_3_{2}.mp4"]),
        ("*_{speaker}_{emotion}_{level}_{number}.mp4", ["{0}_{0}_{1}_3_{2}.mp4"]),
        ("{speaker}#{emotion}#level_{level}#{number}", ["{0}#{1}#level_3#{2}.mp4"]),
        ("{speaker}/{emotion}_{number}_*", ["{0}/{1}_{2}_gfpgan.mkv"]),
        ("out_{clip_id}", ["OUT_{0}-front-{3}-3-{2}.mp4"]),
    ],
)
def test_names_of_other_peoples_results(tmp_path, names, files):
    expected = {}
    for clip_id in IDS:
        speaker, _, emotion, _, number = clip_id.split("-")
        for file in files:
            name = file.format(speaker, emotion[:3], number, emotion)
            touch(tmp_path, name, f"temp/{name}")
            expected[clip_id] = name
    touch(tmp_path, "readme.mp4", "W015_W015_calm_3_005.mp4")
    assert found(tmp_path, tmp_path, IDS, names) == expected
    of_one = [path for _, path in videos_of_speaker(tmp_path, names, "W015")]
    assert of_one == sorted(tmp_path / expected[clip] for clip in IDS if clip.startswith("W015"))


def test_a_table_names_the_videos(tmp_path):
    touch(tmp_path, "a b.mp4", "c.mp4")
    table = tmp_path / "mine.csv"
    table.write_text(f"clip_id;file\n{IDS[0]};a b.mp4\nM009-front-sad-3-001;c.mp4\n")
    assert found(tmp_path, tmp_path, IDS, str(table)) == {IDS[0]: "a b.mp4"}
    ((fields, path),) = videos_of_speaker(tmp_path, str(table), "M003")
    assert (dict(fields)["speaker"], path) == ("m003", tmp_path / "a b.mp4")


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (["M003_sad_3_005,c.mp4"], "line 2: 'M003_sad_3_005' is not a clip id"),
        ([f"{IDS[0]},d.mp4"], r"line 2: there is no file .*d\.mp4"),
        ([f"{IDS[0]},c.mp4", f"{IDS[0]},e.mp4"], r"c\.mp4 and .*e\.mp4 are both of"),
    ],
)
def test_mistakes_in_a_table_are_named(tmp_path, rows, complaint):
    touch(tmp_path, "c.mp4", "e.mp4")
    table = tmp_path / "mine.csv"
    table.write_text("\n".join(["clip_id,file", *rows]))
    with pytest.raises(ValueError, match=complaint):
        named_videos(tmp_path, str(table))


def test_names_that_fit_two_clips_or_two_files_are_mistakes(tmp_path):
    touch(tmp_path, "M003_5.mp4")
    with pytest.raises(ValueError, match=r"could be of .*-sad-.* or of .*-surprised-"):
        find_videos(tmp_path, IDS, "{speaker}_{number}")
    touch(tmp_path, "x_M003_sad_005.mp4", "y_M003_sad_005.mp4")
    with pytest.raises(ValueError, match=r"x_M003_sad_005\.mp4 and .*y_M003_sad_005"):
        find_videos(tmp_path, IDS, "*_{speaker}_{emotion}_{number}")
