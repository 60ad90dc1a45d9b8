"""A folder of somebody else's videos: good, odd and bad ones, made from one clip."""

import runpy
import sys
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from media_factory import astronaut, make_clip, regular_times

from emohead.data.clip_tables import CLIP_COLUMNS
from emohead.data.mead import Clip
from emohead.data.split import clips_of_part
from emohead.evaluation.emotion_judges import EmotionJudges, Judge, save_judges
from emohead.evaluation.scores import read_table
from emohead.features.clip import FeatureOptions, extract_clip
from emohead.features.store import ShardWriter, open_clips
from emohead.media.reading import read_audio, read_video
from emohead.methods.foreign_videos import ForeignVideos, collect_notes, place_videos
from emohead.methods.video_notes import Note, concerns_of, read_notes, write_notes

ROOT = Path(__file__).parent.parent
SIZE, FRAMES = 96, 12
# From here on, the picture is brighter: frame 6 is the first one.
FLASH = 0.22
VIDEOS = ("good", "resized", "fast", "short", "long", "late", "lost", "single", "cut", "empty",
          "text", "missing", "unlinked")  # fmt: skip


def clip_id(name):
    return f"W901-front-happy-3-{VIDEOS.index(name) + 1:03d}"


def talking(time):
    """The astronaut's face in 256 x 256; it drifts to the right by 2 px a frame."""
    moved = cv2.warpAffine(
        astronaut(), np.array([[1, 0, 50.0 * time], [0, 1, 0]]), (256, 256),
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return cv2.add(moved, (40, 40, 40, 0)) if time > FLASH else moved


def nobody(time):
    return np.full((256, 256, 3), 90, np.uint8)


def late(time):
    return talking(time) if time > 0.1 else nobody(time)


def framed(time):
    """The same, larger, elsewhere in a picture that isn't square."""
    return cv2.warpAffine(
        talking(time), np.array([[1.3, 0, 70], [0, 1.3, 40]]), (460, 400),
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip


def video(path, picture=talking, *, frames=FRAMES, fps=25, **settings):
    return make_clip(path, times=regular_times(fps, frames / fps), picture=picture, **settings)


def cut_off(path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


@pytest.fixture(scope="module")
def truth(tmp_path_factory, finder):
    """The folder with the true clips' shard and tables; all clips show the same."""
    folder = tmp_path_factory.mktemp("truth")
    sound = np.random.default_rng(0).normal(0, 0.1, 48_000 * FRAMES // 25).astype(np.float32)
    # An edge is as sharp in the sound as in the picture: silence until the flash.
    sound[: round(48_000 * FLASH)] = 0
    path = video(folder / "001.mp4", sound=sound)
    with ShardWriter(folder / "take.h5", codec="png") as writer:
        take = Clip("W901", "front", "happy", 3, 1, path, path)
        extract_clip(take, finder, FeatureOptions(crop_size=SIZE), writer)
    made = open_clips([folder / "take.h5"])[take.clip_id]
    with ShardWriter(folder / "features.h5", codec="png") as writer:
        for name in VIDEOS:
            writer.add(clip_id(name), landmarks=made.landmarks, frames=made.frames())
    takes = [(clip_id(n), "W901", "front", "happy", 3, k, path, path) for k, n in
             enumerate(VIDEOS, 1)]  # fmt: skip
    pd.DataFrame(takes, columns=list(CLIP_COLUMNS)).to_csv(folder / "clips.csv", index=False)
    rows = [(row[0], "test", 0, FRAMES) for row in takes]
    columns = ["clip_id", "part", "start", "stop"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "split.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def folder(truth, tmp_path_factory):
    """The folder of videos."""
    folder = tmp_path_factory.mktemp("videos")

    def name(kind, suffix=".mp4"):
        return folder / f"{clip_id(kind)}{suffix}"

    true_frames = open_clips([truth / "features.h5"])[clip_id("good")].frames()

    def resized(time):
        return cv2.resize(true_frames[round(time * 25)], (192, 192), interpolation=cv2.INTER_CUBIC)

    video(name("good"), framed)
    video(name("resized"), resized)
    video(name("fast", ".mkv"), fps=30, frames=round(FRAMES * 30 / 25))
    video(name("short"), frames=8)
    video(name("long"), frames=15)
    video(name("late"), late)
    video(name("lost"), nobody)
    video(name("single"), frames=1)
    cut_off(video(name("cut"), container_options={"movflags": "+faststart"}))
    name("empty").touch()
    name("text").write_text("not a video")
    name("unlinked").symlink_to(folder / "unfetched.mp4")
    (folder / "readme.txt").write_text("of no clip")
    return folder


@pytest.fixture(scope="module")
def placed(truth, folder, finder):
    """The clips that can be used, and the notes."""
    clips = open_clips([truth / "features.h5"], clips_of_part(truth / "split.csv", "test"))
    return place_videos(
        ForeignVideos(folder), clips, finder, method="evp", reference="same_emotion"
    )


@pytest.fixture(scope="module")
def notes(placed, tmp_path_factory):
    path = tmp_path_factory.mktemp("notes") / "notes.csv"
    write_notes(placed[1], path)
    return pd.read_csv(path).set_index("clip_id")


@pytest.fixture(scope="module")
def scored(placed):
    return placed[0]


def frames_of(clip):
    return np.stack(list(clip.frames()))


def psnr(frames, expected):
    squares = np.square(frames.astype(float) - expected).mean()
    return 10 * np.log10(255**2 / squares)


def brightness_step(frames):
    """The frame at which the picture gets brighter most."""
    return int(np.diff(frames.mean(axis=(1, 2, 3))).argmax()) + 1


def test_every_clip_has_its_note(notes):
    expected = {
        "good": "scored", "resized": "scored", "fast": "scored", "short": "short",
        "long": "scored", "late": "scored", "lost": "no_face", "single": "broken",
        "cut": "broken", "empty": "broken", "text": "broken", "missing": "missing",
        "unlinked": "broken",
    }  # fmt: skip
    assert dict(notes["status"]) == {clip_id(name): status for name, status in expected.items()}


def test_notes_say_what_was_done(notes):
    detail = {name: notes.loc[clip_id(name), "detail"] for name in VIDEOS}
    assert detail["good"].startswith("460x400 px at 25 fps, aligned: scale ")
    assert detail["good"].endswith(", 12 of 12 frames")
    assert detail["resized"] == "192x192 px at 25 fps, has the crop's framing, 12 of 12 frames"
    assert "at 30 fps" in detail["fast"]
    assert "8 of 12 frames" in detail["short"]
    assert "12 of 12 frames, 3 beyond the clip's end left out" in detail["long"]
    assert detail["late"].endswith("first face in frame 3")
    assert "no face in any of 12 frames" in detail["lost"]
    assert "one frame" in detail["single"]
    assert "empty" in detail["empty"]
    assert "not a media file" in detail["text"]
    assert f"{clip_id('unlinked')}.mp4: can't be read as video (a link to nothing)" in \
        detail["unlinked"]  # fmt: skip
    assert "no video of this name" in detail["missing"]


def test_the_others_have_as_many_frames_as_there_are(scored, notes):
    used = notes.index[notes["status"].isin(["scored", "short"])]
    assert list(scored) == list(used)
    lengths = {clip.clip_id: clip.length for clip in scored.values()}
    assert lengths.pop(clip_id("short")) == 8
    assert set(lengths.values()) == {FRAMES}
    for clip in scored.values():
        for _ in range(2):  # from the first one on, each time
            assert frames_of(clip).shape == (clip.length, SIZE, SIZE, 3)
        assert np.isnan(clip.landmarks).all()
        assert clip.attributes["reference_clip"] == clip.clip_id
        assert clip.attributes["video"].endswith((".mp4", ".mkv"))


def test_frames_are_those_of_the_file_cropped_by_hand(scored, folder):
    """This one has the crop's framing, twice as large."""
    clip = scored[clip_id("resized")]
    film = read_video(folder / f"{clip_id('resized')}.mp4")
    frames = frames_of(clip)
    assert len(frames) == len(film) == FRAMES
    for frame, whole in zip(frames, film, strict=True):
        halves = whole.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
        assert np.abs(frame - halves).max() <= 1


@pytest.mark.parametrize(
    ("name", "least"), [("good", 28), ("resized", 33), ("fast", 24), ("short", 28), ("long", 28)]
)
def test_a_copy_of_the_truth_comes_back_to_its_place(scored, truth, name, least):
    """A frame late, or a pixel beside, is 22 dB or less."""
    true_frames = open_clips([truth / "features.h5"])[clip_id(name)].frames()
    frames = frames_of(scored[clip_id(name)])
    assert psnr(frames, true_frames[: len(frames)]) > least
    assert psnr(true_frames[1:], true_frames[:-1]) < 22


@pytest.mark.parametrize("name", ["good", "fast", "short", "long"])
def test_frames_are_chosen_by_time(scored, name):
    assert brightness_step(frames_of(scored[clip_id(name)])) == 6


@pytest.fixture(scope="module")
def output(truth, folder, tmp_path_factory):
    """What score_clips.py writes of the videos, straight from the files."""
    made = tmp_path_factory.mktemp("output")
    judge = Judge((), np.zeros((0, 3)), np.zeros(0))
    save_judges(made / "judges.npz", EmotionJudges(judge, judge))

    def score(out, source, **others):
        flags = {
            "features": truth / "features.h5", "split": truth / "split.csv", "speaker": "W901",
            "clips": truth / "clips.csv", "judges": made / "judges.npz",
            "method": "evp", "reference": "same_emotion", "seed": 0,
            "state": out / "state", "code": "as it is",
            "scores": out / "scores.parquet", "landmarks": out / "landmarks.npz",
            "shown": out / "videos", "notes": out / "notes.csv",
        } | others  # fmt: skip
        words = [str(word) for name, value in flags.items() for word in (f"--{name}", value)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["score_clips.py", *words, *map(str, source)])
            runpy.run_path(str(ROOT / "workflow_scripts/score_clips.py"), run_name="__main__")
        return out

    true = score(made / "true", ["--stand-ins", "truth", "truth"])
    source = ["--videos", folder, "--show-all"]
    return score(made / "evp", source, **{"true-landmarks": true / "landmarks.npz"})


def test_the_script_scores_what_it_can(output, scored):
    table = read_table(output / "scores.parquet")
    found = {
        (row.clip_id, row.metric, row.convention): row.value
        for row in table.astype(object).itertuples()
    }
    assert sorted({clip_id for clip_id, *_ in found}) == sorted(scored)
    assert found[clip_id("short"), "frames", "count"] == 7
    assert found[clip_id("good"), "frames", "count"] == FRAMES - 1
    for name in ("good", "resized", "short", "long"):
        assert found[clip_id(name), "psnr", "frame"] > 27
        assert found[clip_id(name), "f_lmd", "redetected/centred/128"] < 1.5
        assert found[clip_id(name), "identity", "dlib_distance"] < 0.3
    assert not any(convention.startswith("predicted") for _, _, convention in found)
    statuses = pd.read_csv(output / "notes.csv").set_index("clip_id")["status"]
    assert len(statuses) == len(VIDEOS) and statuses[clip_id("lost")] == "no_face"


@pytest.mark.parametrize("name", ["good", "short"])
def test_videos_to_show_are_the_crops(output, scored, name):
    shown = read_video(output / "videos" / f"{clip_id(name)}.mp4")
    assert psnr(shown, frames_of(scored[clip_id(name)])) > 30


@pytest.mark.parametrize(("name", "frames"), [("good", FRAMES), ("short", 8)])
def test_videos_have_the_true_sound(output, truth, name, frames):
    path = output / "videos" / f"{clip_id(name)}.mp4"
    assert read_video(path).shape == (frames, SIZE, SIZE, 3)
    heard = read_audio(path)[: frames * 640]
    expected = read_audio(truth / "001.mp4")[: len(heard)]
    assert len(heard) == frames * 640
    assert np.corrcoef(heard, expected)[0, 1] > 0.9


def test_videos_dont_say_that_emohead_made_them(output):
    with av.open(str(output / "videos" / f"{clip_id('good')}.mp4")) as container:
        comment = container.metadata["comment"]
    assert "made by evp" in comment and "emohead" not in comment
    made = sorted(path.stem for path in (output / "videos").iterdir())
    assert made == sorted(map(clip_id, VIDEOS[:6]))


@pytest.mark.parametrize("beside", ["beside", "below", "smaller"])
def test_faces_beside_each_other_are_refused(truth, tmp_path, finder, beside):
    """The still one, the driving video and the result in one picture: which one is it?"""

    def together(time):
        still, result = talking(0), talking(time)
        if beside == "smaller":
            small = cv2.resize(still, (192, 192), interpolation=cv2.INTER_AREA)
            still = cv2.copyMakeBorder(small, 64, 0, 0, 0, cv2.BORDER_CONSTANT)
        return np.concatenate([still, result], axis=0 if beside == "below" else 1)

    video(tmp_path / f"{clip_id('good')}.mp4", together)
    clips = open_clips([truth / "features.h5"], [clip_id("good")])
    placed, (note,) = place_videos(
        ForeignVideos(tmp_path), clips, finder, method="evp", reference="same_emotion"
    )
    assert placed == {} and note.status == "several_faces"
    assert "shows 2 faces beside each other: cut out the one that was made" in note.detail


def test_under_the_neutral_protocol_the_neutral_face_says_where_it_goes(truth, tmp_path, finder):
    clips = open_clips([truth / "features.h5"])
    happy, neutral = clip_id("good"), "W901-front-neutral-1-001"
    move = partial(
        cv2.warpAffine, M=np.array([[1, 0, 6], [0, 1, -4.0]]), dsize=(SIZE, SIZE),
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    with ShardWriter(tmp_path / "both.h5", codec="png") as writer:
        writer.add(happy, landmarks=clips[happy].landmarks, frames=clips[happy].frames())
        writer.add(
            neutral,
            landmarks=clips[happy].landmarks + np.array([6, -4]),
            frames=[move(frame) for frame in clips[happy].frames()],
        )
    (tmp_path / "videos").mkdir()
    video(tmp_path / "videos" / f"{happy}.mp4", frames=4)
    same, other = (
        place_videos(
            ForeignVideos(tmp_path / "videos"), open_clips([tmp_path / "both.h5"]), finder,
            method="evp", reference=reference,
        )[0][happy]
        for reference in ("same_emotion", "neutral")
    )  # fmt: skip
    assert other.attributes["reference_clip"] == neutral
    greys = [frames_of(clip)[0].mean(axis=-1) for clip in (same, other)]
    way, _ = cv2.phaseCorrelate(*greys, cv2.createHanningWindow((SIZE, SIZE), cv2.CV_64F))
    np.testing.assert_allclose(way, [6, -4], atol=0.5)


def test_notes_of_all_speakers_are_one_table(tmp_path, capsys):
    tables = [
        [
            Note("W901-front-sad-3-001", "scored", "fine", lip_lag=-2, outside=0.125),
            Note("W901-front-sad-3-002", "short", "", mirrored=True),
        ],
        [],
        [Note("W902-front-sad-3-001", "missing", "no, nothing")],
    ]
    paths = [tmp_path / f"{k}.csv" for k in range(3)]
    for notes, path in zip(tables, paths, strict=True):
        write_notes(notes, path)
    collect_notes(paths, ForeignVideos(tmp_path), tmp_path / "notes.csv")
    assert read_notes([tmp_path / "notes.csv"]) == [note for notes in tables for note in notes]
    assert "2 of 3 test clips have a video that can be scored" in capsys.readouterr().out


def test_nothing_to_score_names_the_folder_and_what_lies_there(truth, tmp_path, finder):
    videos = tmp_path / "evp"
    videos.mkdir()
    (videos / "take1.mp4").touch()
    (videos / f"{clip_id('good')}.mp4").touch()
    clips = open_clips([truth / "features.h5"])
    placed, notes = place_videos(
        ForeignVideos(videos), clips, finder, method="evp", reference="same_emotion"
    )
    assert placed == {}
    half = len(notes) // 2
    write_notes(notes[:half], tmp_path / "a.csv")
    write_notes(notes[half:], tmp_path / "b.csv")
    with pytest.raises(ValueError) as raised:
        collect_notes(
            [tmp_path / "a.csv", tmp_path / "b.csv"], ForeignVideos(videos), tmp_path / "notes.csv"
        )
    told = str(raised.value)
    assert str(videos) in told and "take1.mp4" in told
    assert "not one video can be scored of 13 test clips" in told
    assert "12 missing" in told and "1 broken" in told
    assert not (tmp_path / "notes.csv").exists()


def test_a_missing_folder_is_named(truth, tmp_path, finder):
    clips = open_clips([truth / "features.h5"])
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere"):
        place_videos(
            ForeignVideos(tmp_path / "nowhere"),
            clips,
            finder,
            method="evp",
            reference="same_emotion",
        )


def test_notes_together_tell_what_speaks_for_a_mistake():
    """The median lag of the clips where it is sure, and how many videos look odd."""
    lags = (3, 2, None, 2, 0)
    notes = [Note(f"c{k}", "scored", "", lip_lag=lag) for k, lag in enumerate(lags)]
    notes += [
        Note("c5", "short", "", mirrored=True, outside=0.3), Note("c6", "missing", "", lip_lag=9),
    ]  # fmt: skip
    late, mirrored, tight = concerns_of(notes)
    assert late.startswith("the lips move 2 frames (0.08 s) later") and "4 clips" in late
    assert mirrored == "left and right seem to be exchanged in 1 of 6 videos"
    assert tight.startswith("1 of 6 videos") and "30%" in tight
    assert (
        concerns_of(Note(f"c{k}", "scored", "", lip_lag=lag) for k, lag in enumerate((5, 5))) == []
    )


@pytest.mark.parametrize(("start", "least"), [(1, 27), (-1, 27)])
def test_a_video_that_begins_early_or_late_is_moved(truth, tmp_path, finder, start, least):
    """One begins with a still face, one with the clip's second frame; see `brightness_step`."""

    def moved(time):
        return talking(max(0, time - start / 25))

    clips = open_clips([truth / "features.h5"], [clip_id("good")])
    video(tmp_path / f"{clip_id('good')}.mp4", moved, frames=FRAMES + start)
    placed, (note,) = place_videos(
        ForeignVideos(tmp_path, start=start), clips, finder, method="evp", reference="same_emotion"
    )
    frames = frames_of(placed[clip_id("good")])
    assert note.status == "scored" and len(frames) == FRAMES
    assert brightness_step(frames) == 6
    assert psnr(frames[1:], clips[clip_id("good")].frames()[1:]) > least


def test_a_crop_that_leaves_its_video_is_told(truth, tmp_path, finder):
    """The middle of the crop alone: an eighth of its width is missing at every side."""
    true_frames = open_clips([truth / "features.h5"])[clip_id("good")].frames()

    def tight(time):
        cut = true_frames[round(time * 25)][SIZE // 8 : -SIZE // 8, SIZE // 8 : -SIZE // 8]
        return cv2.resize(cut, (240, 240), interpolation=cv2.INTER_CUBIC)

    clips = open_clips([truth / "features.h5"], [clip_id("good")])
    video(tmp_path / f"{clip_id('good')}.mp4", tight)
    _, (note,) = place_videos(
        ForeignVideos(tmp_path), clips, finder, method="evp", reference="same_emotion"
    )
    assert note.outside == pytest.approx(1 - 0.75**2, abs=0.05)
    assert "of the crop lies outside the video" in note.detail
