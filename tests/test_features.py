from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data

from emohead.encoding import write_audio, write_video
from emohead.features import FeatureOptions, collect_clips, extract_shard
from emohead.mead import Clip, clip_table
from emohead.store import Shard

SECONDS = 0.4


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[Clip]:
    """A portrait that drifts to the right; grey frames; a text named .mp4; a clip without sound."""
    folder = tmp_path_factory.mktemp("clips")
    portrait = np.ascontiguousarray(skimage.data.astronaut())
    drifting = [portrait[0:256, 110 - 2 * t : 366 - 2 * t] for t in range(round(25 * SECONDS))]
    write_video(folder / "1.mp4", drifting)
    write_video(folder / "2.mp4", [np.full((256, 256, 3), 90, np.uint8)] * 10)
    (folder / "3.mp4").write_text("no video")
    write_video(folder / "4.mp4", drifting)
    sound = np.random.default_rng(0).normal(0, 0.1, round(16_000 * SECONDS)).astype(np.float32)
    for number in (1, 2, 3):
        write_audio(folder / f"{number}.m4a", sound, 16_000)
    return [
        Clip(
            "W901", "front", "sad", 3, n, folder / f"{n}.mp4",
            folder / (f"{n}.m4a" if n < 4 else "4.mp4"),
        )
        for n in (1, 2, 3, 4)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def extracted(clips, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    clip_table(clips).to_csv(folder / "list.csv", index=False)
    extract_shard(clips, folder / "s.h5", folder / "s.csv", FeatureOptions(crop_size=128))
    return folder


def test_good_clip_is_stored_whole(extracted):
    shard = Shard(extracted / "s.h5")
    assert shard.clip_ids == ["W901-front-sad-3-001"]
    clip = shard["W901-front-sad-3-001"]
    assert clip.landmarks.shape == (10, 68, 2)
    assert clip.mfcc.shape == (10, 28, 12)
    assert clip.frames().shape == (10, 128, 128, 3)
    # One crop for the whole clip: the face drifts by 2 px of the source a frame.
    scale = np.sqrt(np.linalg.det(clip.transform[:, :2].astype(float)))
    drift = np.polyfit(np.arange(10), clip.landmarks[:, 27:36, 0].mean(1), 1)[0]
    assert drift == pytest.approx(2 * scale, rel=0.15)


def test_bad_clips_are_set_aside_with_their_reasons(extracted):
    reasons = pd.read_csv(extracted / "s.csv").set_index("clip_id")["rejected"]
    assert pd.isna(reasons["W901-front-sad-3-001"])
    assert "no face" in reasons["W901-front-sad-3-002"]
    assert "3.mp4" in reasons["W901-front-sad-3-003"]
    assert "no audio stream" in reasons["W901-front-sad-3-004"]


def test_collecting_stops_where_too_many_are_rejected(extracted):
    lists, tables = [extracted / "list.csv"], [extracted / "s.csv"]
    clips, rejected = collect_clips(lists, tables, max_rejected=0.75)
    assert list(clips["clip_id"]) == ["W901-front-sad-3-001"]
    assert clips.iloc[0][["seconds", "fps", "frames"]].tolist() == [0.4, 25, 10]
    assert list(rejected.columns) == ["clip_id", "stage", "reason"]
    assert len(rejected) == 3
    with pytest.raises(ValueError, match=r"3 of 4 clips .*max_rejected = 50%.*no face"):
        collect_clips(lists, tables, max_rejected=0.5)
