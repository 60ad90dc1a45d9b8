"""What other people's systems are fed with."""

import wave

import cv2
import numpy as np
import pytest
import skimage.data
from foreign_system import foreign_system
from media_factory import make_clip, regular_times

from emohead.data.mead import Clip
from emohead.features.clip import FeatureOptions, extract_clip
from emohead.features.store import ShardWriter, open_clips
from emohead.media.reading import read_audio, read_video
from emohead.methods.foreign_videos import ForeignVideos, place_videos
from emohead.methods.inputs import COLUMNS, Framing, write_inputs

SIZE, FRAMES = 96, 20
HAPPY, NEUTRAL = "W901-front-happy-3-001", "W901-front-neutral-1-004"


def talking(time):
    """The astronaut in 320 x 256, who drifts to the right by 2 px a frame."""
    return cv2.warpAffine(
        skimage.data.astronaut()[0:256, 64:384], np.array([[1, 0, 50.0 * time], [0, 1, 0]]),
        (320, 256), borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip


def moved(time):
    return np.roll(talking(time), -12, axis=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory, finder):
    """A happy clip of which frames 4 to 15 are tested, and a neutral one: clips and their takes."""
    folder = tmp_path_factory.mktemp("data")
    sound = np.random.default_rng(0).normal(0, 0.1, 48_000 * FRAMES // 25).astype(np.float32)
    takes = {}
    with ShardWriter(folder / "features.h5") as writer:
        for clip_id, picture in ((HAPPY, talking), (NEUTRAL, moved)):
            speaker, view, emotion, level, number = clip_id.split("-")
            video = make_clip(
                folder / f"{emotion}.mp4", times=regular_times(25, FRAMES / 25), picture=picture,
                sound=sound,
            )  # fmt: skip
            take = Clip(speaker, view, emotion, int(level), int(number), video, video)
            extract_clip(take, finder, FeatureOptions(crop_size=SIZE), writer)
            takes[clip_id] = take
    wanted = {HAPPY: range(4, 16), NEUTRAL: range(FRAMES)}
    return open_clips([folder / "features.h5"], wanted), takes


@pytest.fixture(scope="module")
def written(data, tmp_path_factory):
    """The folder that inputs.csv lies in, and its rows."""
    folder = tmp_path_factory.mktemp("inputs")
    framings = [Framing("crop", 2 * SIZE), Framing("full", 128)]
    table = write_inputs(
        *data, folder / "W901", protocols=["same_emotion", "neutral"], framings=framings
    )
    return folder, table.set_index(["reference", "framing", "clip_id"])


def test_every_clip_has_a_row_for_each_protocol_and_framing(written):
    folder, table = written
    assert len(table) == 2 * 2 * 2
    assert tuple(table.reset_index().columns.sort_values()) == tuple(sorted(COLUMNS))
    row = table.loc["neutral", "crop", HAPPY]
    assert (row["label"], row["level"], row["number"], row["frames"]) == ("hap", 3, 1, 12)
    assert row["seconds"] == pytest.approx(12 / 25)
    for column in ("wav", "image", "pose", "neutral"):
        assert all((folder / path).is_file() for path in table[column])
    assert row["neutral"] == table.loc["neutral", "crop", NEUTRAL]["pose"]


def test_crops_are_those_that_our_methods_see_and_finer(written, data):
    folder, table = written
    clip = data[0][HAPPY]
    film = read_video(folder / table.loc["same_emotion", "crop", HAPPY]["pose"])
    assert film.shape == (12, 2 * SIZE, 2 * SIZE, 3)
    for frame, ours in zip(film, clip.frames(), strict=True):
        halves = frame.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
        beside = [np.roll(ours, step, axis) for step in (-1, 1) for axis in (0, 1)]
        least = min(np.abs(halves - each).mean() for each in beside)
        assert np.abs(halves - ours).mean() < 0.6 * least


def test_whole_frames_keep_their_shape(written):
    folder, table = written
    film = read_video(folder / table.loc["same_emotion", "full", HAPPY]["pose"])
    assert film.shape == (12, 128, 160, 3)
    truth = cv2.resize(talking(4 / 25), (160, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(film[0].astype(int) - truth).mean() < 4


def test_reference_faces_follow_the_protocol(written):
    folder, table = written
    for protocol, picture, time in (("same_emotion", talking, 4 / 25), ("neutral", moved, 0)):
        image = cv2.imread(str(folder / table.loc[protocol, "full", HAPPY]["image"]))
        truth = cv2.resize(picture(time), (160, 128), interpolation=cv2.INTER_AREA)
        assert np.abs(image[..., ::-1].astype(int) - truth).mean() < 4


def test_sound_is_that_of_the_tested_frames(written, data):
    folder, table = written
    path = folder / table.loc["same_emotion", "crop", HAPPY]["wav"]
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (
            16_000,
            1,
            12 * 640,
        )
    expected = read_audio(data[1][HAPPY].video)[4 * 640 : 16 * 640]
    heard = read_audio(path)
    assert np.corrcoef(heard, expected[: len(heard)])[0, 1] > 0.99


def test_videos_that_were_made_of_them_are_placed(written, data, tmp_path, finder):
    folder, table = written
    table.reset_index()[list(COLUMNS)].to_csv(folder / "inputs.csv", index=False)
    foreign_system(folder, tmp_path, reference="neutral", name="result_{}.mp4")
    videos = ForeignVideos(tmp_path, "result_{clip_id}")
    placed, notes = place_videos(videos, data[0], finder, method="ten", reference="neutral")
    assert [note.status for note in notes] == ["scored", "scored"]
    assert all("has the crop's framing" in note.detail for note in notes)
    assert placed[HAPPY].length == 12 and placed[HAPPY].attributes["reference_clip"] == NEUTRAL
