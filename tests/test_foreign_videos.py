"""A folder of somebody else's videos: good, odd and bad ones, made from one clip."""

from functools import partial

import av
import cv2
import numpy as np
import pandas as pd
import pytest
import skimage.data
from media_factory import make_clip, regular_times

from emohead.data.clip_tables import CLIP_COLUMNS
from emohead.data.mead import Clip
from emohead.data.split import clips_of_part
from emohead.features.clip import FeatureOptions, extract_clip
from emohead.features.faces import FaceFinder
from emohead.features.store import ShardWriter, open_clips
from emohead.media.reading import read_audio, read_video
from emohead.methods.foreign_videos import find_videos, import_videos

SIZE, FRAMES = 96, 12
# From here on, the picture is brighter: frame 6 is the first one.
FLASH = 0.22
VIDEOS = ("good", "resized", "fast", "short", "long", "late", "lost", "single", "cut", "empty",
          "text", "missing")  # fmt: skip


def clip_id(name):
    return f"W901-front-happy-3-{VIDEOS.index(name) + 1:03d}"


def talking(time):
    """The astronaut's face in 256 x 256; it drifts to the right by 2 px a frame."""
    portrait = skimage.data.astronaut()[0:256, 96:352]
    moved = cv2.warpAffine(
        portrait, np.array([[1, 0, 50.0 * time], [0, 1, 0]]), (256, 256),
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
def finder():
    return FaceFinder()


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


def run_import(truth, videos, output, finder):
    import_videos(
        videos,
        open_clips([truth / "features.h5"], clips_of_part(truth / "split.csv", "test")),
        finder,
        clip_table=truth / "clips.csv",
        method="evp",
        reference="same_emotion",
        shard=output / "clips.h5",
        videos=output / "videos",
        notes=output / "notes.csv",
    )


@pytest.fixture(scope="module")
def imported(truth, tmp_path_factory, finder):
    """The output folder of one import of all the videos."""
    folder, output = tmp_path_factory.mktemp("videos"), tmp_path_factory.mktemp("output")

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
    (folder / "readme.txt").write_text("of no clip")
    run_import(truth, folder, output, finder)
    return output


@pytest.fixture(scope="module")
def notes(imported):
    return pd.read_csv(imported / "notes.csv").set_index("clip_id")


@pytest.fixture(scope="module")
def scored(imported):
    return open_clips([imported / "clips.h5"])


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
    assert "no video of this name" in detail["missing"]


def test_the_others_are_in_the_shard_with_as_many_frames_as_there_are(scored, notes):
    used = notes.index[notes["status"].isin(["scored", "short"])]
    assert list(scored) == list(used)
    lengths = {clip.clip_id: clip.length for clip in scored.values()}
    assert lengths.pop(clip_id("short")) == 8
    assert set(lengths.values()) == {FRAMES}
    for clip in scored.values():
        assert clip.frames().shape[1:] == (SIZE, SIZE, 3)
        assert np.isnan(clip.landmarks).all()
        assert clip.attributes["reference_clip"] == clip.clip_id
        assert clip.attributes["video"].endswith((".mp4", ".mkv"))


@pytest.mark.parametrize(
    ("name", "least"),
    [("good", 28), ("resized", 33), ("fast", 24), ("short", 28), ("long", 28)],
)
def test_a_copy_of_the_truth_comes_back_to_its_place(scored, truth, name, least):
    """A frame late, or a pixel beside, is 22 dB or less."""
    true_frames = open_clips([truth / "features.h5"])[clip_id(name)].frames()
    frames = scored[clip_id(name)].frames()
    assert psnr(frames, true_frames[: len(frames)]) > least
    assert psnr(true_frames[1:], true_frames[:-1]) < 22


@pytest.mark.parametrize("name", ["good", "fast", "short", "long"])
def test_frames_are_chosen_by_time(scored, name):
    assert brightness_step(scored[clip_id(name)].frames()) == 6


@pytest.mark.parametrize(("name", "frames"), [("good", FRAMES), ("short", 8)])
def test_videos_have_the_true_sound(imported, truth, name, frames):
    path = imported / "videos" / f"{clip_id(name)}.mp4"
    assert read_video(path).shape == (frames, SIZE, SIZE, 3)
    heard = read_audio(path)[: frames * 640]
    expected = read_audio(truth / "001.mp4")[: len(heard)]
    assert len(heard) == frames * 640
    assert np.corrcoef(heard, expected)[0, 1] > 0.9


def test_videos_dont_say_that_emohead_made_them(imported):
    with av.open(str(imported / "videos" / f"{clip_id('good')}.mp4")) as container:
        comment = container.metadata["comment"]
    assert "made by evp" in comment and "emohead" not in comment
    made = sorted(path.stem for path in (imported / "videos").iterdir())
    assert made == sorted(map(clip_id, VIDEOS[:6]))


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
    for reference in ("same_emotion", "neutral"):
        import_videos(
            tmp_path / "videos",
            open_clips([tmp_path / "both.h5"]),
            finder,
            clip_table=truth / "clips.csv",
            method="evp",
            reference=reference,
            shard=tmp_path / f"{reference}.h5",
            videos=tmp_path / "made",
            notes=tmp_path / "notes.csv",
        )
    same, other = (
        open_clips([tmp_path / f"{name}.h5"])[happy] for name in ("same_emotion", "neutral")
    )
    assert other.attributes["reference_clip"] == neutral
    face = np.array([128.0, 100, 1])
    np.testing.assert_allclose(other.transform @ face - same.transform @ face, [6, -4], atol=0.5)


def test_nothing_to_score_names_the_folder_and_what_lies_there(truth, tmp_path, finder):
    videos = tmp_path / "evp"
    videos.mkdir()
    (videos / "take1.mp4").touch()
    (videos / f"{clip_id('good')}.mp4").touch()
    with pytest.raises(ValueError) as raised:
        run_import(truth, videos, tmp_path / "output", finder)
    told = str(raised.value)
    assert str(videos) in told and "take1.mp4" in told
    assert "not one video can be scored of 12 test clips" in told
    assert "11 missing" in told and "1 broken" in told
    assert not (tmp_path / "output" / "clips.h5").exists()


def test_a_missing_folder_is_named(truth, tmp_path, finder):
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere"):
        run_import(truth, tmp_path / "nowhere", tmp_path, finder)


def test_videos_are_found_by_name_whatever_their_suffix(tmp_path):
    for name in ("001.MOV", "002.webm", "003.wav", "004.mkv", "004.mp4"):
        (tmp_path / f"W901-front-sad-3-{name}").touch()
    ids = [f"W901-front-sad-3-{number:03d}" for number in range(1, 6)]
    found = find_videos(tmp_path, ids)
    assert {clip: path.suffix for clip, path in found.items()} == {
        ids[0]: ".MOV", ids[1]: ".webm", ids[3]: ".mp4",
    }  # fmt: skip
