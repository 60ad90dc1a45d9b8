"""RAVDESS and CREMA-D, made in the layouts that they have, to the finished report.

The mini set's speakers act them: at RAVDESS's 1280 x 720 and 29.97 frames a second with twins
without sound, and in CREMA-D's Flash videos of 480 x 360.
"""

import csv
import shutil
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from media_factory import make_clip, regular_times

from emohead.media.reading import read_audio, read_video
from emohead.mini.dataset import make_speaker

ROOT = Path(__file__).parent.parent
SMOKE = str(ROOT / "config/smoke.yaml")
NTSC = Fraction(30_000, 1001)
CODES = {"angry": ("05", "ANG"), "neutral": ("01", "NEU")}
TAKES, FRAMES = 3, 25  # of a speaker and emotion; of a take at most
#: Still less than in the smoke preset: other data, not other models. One row is left of the six.
SMALL = {
    "landmarks": {"train": {"epochs": 1}},
    "translator": {
        "options": {"widths": [8, 8, 16, 16, 16]},
        "train": {"epochs": 1, "frames_per_clip": 4},
    },
    "evaluation": {"references": ["same_emotion"]},
    "generate": {"method": "ours"},
}
OTHERS = ("baseline", "ours_wo_msef", "ours_wo_msef_joint", "ours_wo_aatu", "ours_warp")

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    """(speaker's number, emotion, number): frames at 25 fps, and sound at 48 kHz."""
    root, found = tmp_path_factory.mktemp("mini"), {}
    for k, speaker in enumerate(("W901", "W902"), 1):
        videos = make_speaker(
            root, speaker, emotions=CODES, levels=[2], sentences=TAKES, frame_size=128
        )
        for video in videos:
            sound = Path(str(video.with_suffix(".m4a")).replace("video/front", "audio"))
            samples = np.repeat(read_audio(sound), 3)
            take = read_video(video)[:FRAMES], samples[: FRAMES * 48_000 // 25]
            found[k, video.parts[-3], int(video.stem)] = take
    return found


def act(path, take, size, **options):
    """A take as a clip of `size` (width, height) at NTSC's rate, the face in the middle."""
    frames, sound = take
    width, height = size

    def picture(time):
        image = np.full((height, width, 3), 120, np.uint8)
        face = cv2.resize(frames[min(int(time * 25), len(frames) - 1)], (height, height))
        image[:, (width - height) // 2 :][:, :height] = face
        return image

    path.parent.mkdir(parents=True, exist_ok=True)
    times = regular_times(NTSC, len(frames) / 25)
    make_clip(path, times=times, picture=picture, rate=NTSC, **{"sound": sound, **options})


def run(snakemake, folder, config, *targets):
    methods = dict.fromkeys(OTHERS) | config.get("methods", {})
    (folder / "mine.yaml").write_text(yaml.safe_dump(config | SMALL | {"methods": methods}))
    done = snakemake(folder, *targets, "--configfile", SMOKE, str(folder / "mine.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def row_of(folder, method):
    (path,) = (folder / f"results/evaluation/{method}").glob("*/seed0/row.csv")
    (row,) = csv.DictReader(path.open())
    return {name: float(value) for name, value in row.items() if value}


def test_ravdess_to_the_report_and_a_row_by_other_peoples_names(snakemake, takes, tmp_path):
    data, eat = tmp_path / "RAVDESS", tmp_path / "eat"
    eat.mkdir()
    for (actor, emotion, number), take in takes.items():
        statement, repetition = divmod(number - 1, 2)
        name = f"01-{CODES[emotion][0]}-01-{statement + 1:02d}-{repetition + 1:02d}-{actor:02d}.mp4"
        folder = data / f"Video_Speech_Actor_{actor:02d}/Actor_{actor:02d}"
        act(folder / f"01-{name}", take, (1280, 720))
        beginning = take[0][:2]  # its name alone is looked at
        act(folder / f"02-{name}", (beginning, None), (1280, 720))
        if number == TAKES:
            level = 1 if emotion == "neutral" else 2
            speaker = f"Actor{actor:02d}"
            called = f"{speaker}_{speaker}_{emotion[:3]}_{level}_{number:03d}.mp4"
            shutil.copyfile(folder / f"01-{name}", eat / called)
    footage = {"names": "ravdess", "folder": str(data)}
    config = {"data": {"source": "footage", "footage": footage, "speakers": None}}
    run(snakemake, tmp_path, config)
    clips = pd.read_csv(tmp_path / "results/clips.csv").set_index("clip_id")
    assert len(clips) == 2 * 2 * TAKES
    assert set(clips["speaker"]) == {"Actor01", "Actor02"} and clips["fps"].round(2).eq(29.97).all()
    assert set(clips["level"][clips["emotion"] == "angry"]) == {2}
    (left_out,) = pd.read_csv(tmp_path / "results/rejected.csv").itertuples()
    assert left_out.reason.startswith("12 videos: twins without sound")
    assert (tmp_path / "results/report/index.html").is_file()
    split = pd.read_csv(tmp_path / "results/split.csv").set_index("clip_id")["part"]
    assert {clip[-3:] for clip in split.index[split == "test"]} == {"003"}
    names = "{speaker}_{speaker}_{emotion}_{level}_{number}"
    config["methods"] = {"eat": {"videos": str(eat), "names": names}}
    run(snakemake, tmp_path, config, "eat")
    assert row_of(tmp_path, "eat")["psnr"] > 28  # they are the truth, coded once more


def test_crema_d_to_the_report_of_a_speaker_that_was_not_trained_on(snakemake, takes, tmp_path):
    data = tmp_path / "CREMA-D/VideoFlash"
    for (actor, emotion, number), take in takes.items():
        sentence = ("IEO", "TIE", "IOM")[number - 1]
        level = "MD" if (emotion, sentence) == ("angry", "IEO") else "XX"
        name = f"{1000 + actor}_{sentence}_{CODES[emotion][1]}_{level}.flv"
        act(
            data / name, take, (480, 360), codec="flv", codec_options={"b": "900k"},
            sound_codec="libmp3lame",
        )  # fmt: skip
    footage = {"names": "crema_d", "folder": str(data.parent)}
    config = {
        "data": {"source": "footage", "footage": footage, "speakers": None},
        "split": {"unit": "speaker", "test_speakers": ["1002"]},
    }
    run(snakemake, tmp_path, config)
    split = pd.read_csv(tmp_path / "results/split.csv").set_index("clip_id")["part"]
    assert len(split) == 2 * 2 * TAKES
    assert {clip.split("-")[0] for clip in split.index[split == "test"]} == {"1002"}
    assert set(split[split.index.str.startswith("1002")]) == {"test"}
    scores = pd.read_parquet(tmp_path / "results/evaluation/scores.parquet")
    assert {clip.split("-")[0] for clip in scores["clip_id"].unique()} == {"1002"}
    page = (tmp_path / "results/report/index.html").read_text()
    assert "Speaker-independent: nothing of 1002 was trained on." in page
