import re
import time
from html import unescape
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from emohead.data.mead import EMOTIONS
from emohead.data.rejects import cause_of, group_by_cause
from emohead.features.health import frames_outside, outside_by_speaker
from emohead.features.store import ShardWriter, open_clips
from emohead.report.data_page import read_clip_table, write_data_page
from emohead.report.figures import draw_lengths_figure
from emohead.report.pictures import draw_crops_figure, shown_speakers, write_crops_figure
from emohead.report.tables import percent

SIZE = 64


def clip_rows(speaker: str, emotion: str, count: int, **columns) -> list[dict]:
    level = 1 if emotion == "neutral" else 3
    return [
        {
            "clip_id": f"{speaker}-front-{emotion}-{level}-{number:03d}", "speaker": speaker,
            "view": "front", "emotion": emotion, "level": level, "number": number,
            "video": f"/data/{number:03d}.mp4", "audio": f"/data/{number:03d}.m4a",
            "bytes": 1000, "frames": 100, "seconds": 4.0, "fps": 30000 / 1001, "width": 1920,
            "height": 1080, "frames_without_face": 0, "faces": 1,
            "lips": "0 0 0 0 0 20 50 20 0 0 0 0 0",
        }
        | columns
        for number in range(1, count + 1)
    ]  # fmt: skip


def write_shard(path: Path, clip_ids: list[str], outside: int = 0) -> None:
    """Ten frames a clip; in the first `outside` of them one landmark leaves the crop."""
    landmarks = np.full((10, 68, 2), SIZE / 2, np.float32)
    landmarks[:outside, 8, 1] = SIZE + 3
    with ShardWriter(path) as writer:
        for clip_id in clip_ids:
            writer.add(
                clip_id, landmarks=landmarks, frames=np.full((10, SIZE, SIZE, 3), 90, np.uint8)
            )


@pytest.fixture
def inputs(tmp_path):
    """M003: 3 happy (one bridged), 2 sad of 3; W009: 20 happy, sad missing; M019: an archive."""
    clips = clip_rows("M003", "happy", 3) + clip_rows("M003", "sad", 2, seconds=2.0, frames=50)
    clips += clip_rows("W009", "happy", 20, fps=25.0, width=640, height=480)
    clips[1] |= {"frames_without_face": 7, "faces": 3}
    clips[4] |= {"seconds": 0.4, "frames": 10}
    rejected = [
        ("M003-front-sad-3-003", "features", "/my data/sad <b>3</b>/003.mp4: holds no frame"),
        ("M019 video.tar", "unpack", "ends after 1234 bytes & is <script>alert(1)</script>"),
        # Named again, though it was accepted: the second file of this name in the archive.
        (
            "W009-front-happy-3-001",
            "unpack",
            "W009/video/001.mp4 is there twice: the first is used",
        ),
    ]
    split = [(c["clip_id"], "train", 0, c["frames"]) for c in clips[:-5]]
    split += [(c["clip_id"], "test", 0, c["frames"]) for c in clips[-5:]]
    pd.DataFrame(clips).to_csv(tmp_path / "clips.csv", index=False)
    pd.DataFrame(rejected, columns=["clip_id", "stage", "reason"]).to_csv(
        tmp_path / "rejected.csv", index=False
    )
    pd.DataFrame(split, columns=["clip_id", "part", "start", "stop"]).to_csv(
        tmp_path / "split.csv", index=False
    )
    shards = []
    for speaker, emotion, outside in (
        ("M003", "happy", 0),
        ("M003", "sad", 1),
        ("W009", "happy", 5),
    ):
        ids = [c["clip_id"] for c in clips if (c["speaker"], c["emotion"]) == (speaker, emotion)]
        shards.append(tmp_path / f"{speaker}-{emotion}.h5")
        write_shard(shards[-1], ids, outside)
    cv2.imwrite(str(tmp_path / "crops.png"), np.zeros((8, 20, 3), np.uint8))
    return {
        "clips": tmp_path / "clips.csv", "rejected": tmp_path / "rejected.csv",
        "split": tmp_path / "split.csv", "features": shards, "crops_figure": tmp_path / "crops.png",
        "speakers": ["M003", "M019", "W009"], "emotions": ["happy", "sad"],
    }  # fmt: skip


def test_pairs_of_sentences_are_counted_where_something_learns_from_them(inputs):
    assert 'id="pairs"' not in page_of(inputs)
    pairs = inputs["clips"].with_name("pairs.csv")
    rows = [("M003", n, f"happy-{n}", f"sad-{n}", 1.0, n != 2) for n in (1, 2, 3)]
    columns = ["speaker", "sentence", "first", "second", "cost", "kept"]
    pd.DataFrame(rows, columns=columns).to_csv(pairs, index=False)
    text = text_of(section(page_of(inputs | {"pairs": pairs}), "pairs"))
    assert "Of 3 pairs" in text and "2 sound so" in text


def page_of(inputs: dict) -> str:
    out = inputs["clips"].with_name("data.html")
    write_data_page(out, **inputs)
    return out.read_text(encoding="utf-8")


def section(page: str, name: str) -> str:
    return re.search(rf'<section id="{name}">.*?</section>', page, re.DOTALL)[0]


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def table_rows(html: str) -> list[list[str]]:
    return [
        [text_of(cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    ]


def concerns(page: str) -> dict[str, list[str]]:
    found = re.findall(r'<div class="warning".*?</div>', page, re.DOTALL)
    return {
        re.search(r"<strong>(.*?)</strong>", each)[1]: re.findall(r"<li>(.*?)</li>", each)
        for each in found
    }


def test_totals(inputs):
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page_of(inputs))
    # 3 x 4 s + 2 s + 0.4 s as printed in the table + 20 x 4 s; 26 clips in, one of them lost.
    assert {name: text_of(number) for name, number in pairs} == {
        "Speakers": "3", "Clips in": "26", "Accepted": "25 1.6 min", "Rejected": "1 3.8 %",
        "Training part": "20 1.2 min", "Test part": "5 20 s",
    }  # fmt: skip


def test_matrix_counts_clips_and_shows_what_is_missing(inputs):
    html = section(page_of(inputs), "clips")
    assert table_rows(html) == [
        ["Speaker", "happy", "sad", "all", "rejected"],
        ["M003", "3", "2 −1", "5", "16.7 %"],
        ["M019", "0", "0", "0", "0 %"],
        ["W009", "20", "0", "20", "0 %"],
        ["all", "23", "2", "25", "3.8 %"],
    ]
    assert re.findall(r"--heat: ([\d.]+)", html) == ["0.150", "0.100", "1.000"]


def test_concerns_name_speakers_and_archives(inputs):
    found = concerns(page_of(inputs))
    assert found["No clip at all."] == ["M019: any emotion", "W009: sad"]
    assert found["More than 5 % of a speaker&#39;s clips rejected."] == ["M003: 1 of 6 (16.7 %)"]
    # M003: no frame of 3 clips, 1 in 10 of 2 clips: 4 %. W009: 5 in 10.
    assert found["Landmarks often leave the crop."] == ["W009: in 50 % of the frames looked at"]
    (archive,) = found["Archives that could not be unpacked whole."]
    assert archive.startswith("M019 video.tar: ends after 1234 bytes &amp; is &lt;script&gt;")
    assert len(found) == 4


@pytest.mark.parametrize(
    ("lips", "told"),
    [
        ("0 0 0 0 0 0 0 0 0 20 50 20 0", {"The sound is early or late.": "W009: 0.32 s early"}),
        ("20 50 20 0 0 0 0 0 0 0 0 0 0", {"The sound is early or late.": "W009: 0.40 s late"}),
        ("0 5 9 3 0 1 2 0 -4 0 2 9 1", {"The lips don't go with the sound.": "W009: correlation"}),
        (
            "0 0 0 0 20 50 20 0 0 0 0 0 0",
            {},
        ),  # as in the mini set's own clips, a frame or two early
    ],
)
def test_sound_that_does_not_belong_to_the_lips_is_a_concern(inputs, lips, told):
    rows = pd.read_csv(inputs["clips"])
    # Five clips of M003 are too few to be judged by.
    rows["lips"] = lips
    rows.to_csv(inputs["clips"], index=False)
    found = {unescape(k): each for k, each in concerns(page_of(inputs)).items()}
    found = {heading: each for heading, each in found.items() if "sound" in heading}
    assert found.keys() == told.keys()
    for heading, start in told.items():
        (item,) = found[heading]
        assert item.startswith(start) and "over 20 clips" in item


def test_files_that_look_like_clips_are_a_concern(inputs):
    with inputs["rejected"].open("a") as table:
        table.write('M003 video/front/angry/level_1,list,"4 files, such as 001 (1).mp4"\n')
    page = page_of(inputs)
    (item,) = concerns(page)["Files that look like clips and aren&#39;t used."]
    assert item.startswith("M003 video/front/angry/level_1: 4 files, such as 001 (1).mp4")


def test_nothing_stands_out_when_all_is_well(inputs):
    inputs["rejected"].write_text("clip_id,stage,reason\n")
    page = page_of(inputs | {"speakers": ["M003"], "emotions": ["happy"], "features": []})
    assert "None: every clip could be used." in page
    assert list(concerns(page)) == ["No clip at all."]  # W009 has no sad clip, M003 has
    rows = pd.read_csv(inputs["clips"])
    rows[rows["emotion"] == "happy"].to_csv(inputs["clips"], index=False)
    page = page_of(inputs | {"speakers": ["M003"], "emotions": ["happy"], "features": []})
    assert not concerns(page) and "Nothing stands out" in page


def test_rejects_are_escaped(inputs):
    html = section(page_of(inputs), "rejects")
    assert "<script>" not in html and "<b>" not in html and "Rejected clips: 1," in html
    assert sorted(row[1] for row in table_rows(html)[1:]) == ["features", "unpack", "unpack"]


def test_many_rejects_of_one_cause_are_one_row(inputs):
    rows = [f"M003-front-sad-3-{n:03d},features,silent: {n} samples" for n in range(100, 700)]
    inputs["rejected"].write_text("\n".join(["clip_id,stage,reason", *rows]) + "\n")
    (row,) = table_rows(section(page_of(inputs), "rejects"))[1:]
    assert row[:4] == ["silent: … samples", "features", "600", "1"]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("/data/My Folder/M003.v2/001.mp4: no audio stream", "no audio stream"),
        ("results/data/mini/W901/audio/angry/level_3/001.m4a: holds no sound", "holds no sound"),
        ("C:\\clips\\vidéo 1.mp4: truncated", "truncated"),
        ("01.avi: can't be read (Invalid data)", "can't be read (Invalid data)"),
        ("sound and picture differ by 0.73 s", "sound and picture differ by … s"),
        ("a.b-front-sad-3-001 is 1920x1080, not mp4", "… is …, not mp4"),
        ("sha256 " + "0af9" * 16 + " differs", "sha256 … differs"),
        ("no file 'a b/c.tar' in /srv/mead, it isn't there", "no file … in …, it isn't there"),
        ("speed 3 frames/s is audio/video", "speed … frames/s is audio/video"),
    ],
)  # fmt: skip
def test_causes_leave_out_paths_and_numbers(reason, cause):
    assert cause_of(reason) == cause


def test_equal_causes_are_counted_together():
    rows = pd.DataFrame(
        [(f"M00{n}-front-sad-3-001", "features", f"/d/{n}.mp4: no face in {n} frames")
         for n in range(1, 6)]
        + [("M009 video.tar", "unpack", "not a tar")],
        columns=["clip_id", "stage", "reason"],
    )  # fmt: skip
    first, second = group_by_cause(rows).to_numpy().tolist()
    assert first[:4] == ["no face in … frames", "features", 5, 5]
    assert first[4].startswith("M001-front-sad-3-001: /d/1.mp4: no face in 1 frames; ")
    assert first[4].count("; ") == 2 and second[4] == "M009 video.tar: not a tar"


def test_lengths_sources_and_detection(inputs):
    page = page_of(inputs)
    assert (
        "From 0.4 s (M003-front-sad-3-002) to 4.0 s (W009-front-happy-3-020); half of the clips "
        "are shorter than 4.0 s" in page
    )
    assert table_rows(section(page, "sources"))[1:] == [
        ["640 × 480", "25", "20", "80 %"], ["1920 × 1080", "29.97", "5", "20 %"]
    ]  # fmt: skip
    rows = table_rows(section(page, "detection"))
    # Frames: 3 x 100 + 50 + 10 and 20 x 100. Looked at: 3, 2 and 5 clips of ten frames.
    assert rows[1] == ["all speakers", "1 4 %", "7 0.3 %", "1 4 %", "27 27 %"]
    assert rows[2] == ["M003", "1 20 %", "7 1.9 %", "1 20 %", "2 4 %"]
    assert rows[3] == ["W009", "0 0 %", "0 0 %", "0 0 %", "25 50 %"]


def test_clips_in_both_parts_are_told(inputs):
    assert "in both parts" not in page_of(inputs)
    with inputs["split"].open("a") as file:
        file.write("M003-front-happy-3-001,test,90,100\n")
    assert "Clips in both parts: 1." in page_of(inputs)


def test_page_asks_nobody_and_needs_its_files(inputs):
    assert not re.search(r"https?://|(?:src|href)=\"(?!data:|#)|url\(|@import", page_of(inputs))
    frame = pd.read_csv(inputs["clips"])
    frame[:0].to_csv(inputs["clips"], index=False)
    with pytest.raises(ValueError, match=r"no clip was accepted; .*rejected\.csv says why"):
        page_of(inputs)


def test_speakers_may_have_odd_names(inputs):
    rows = pd.DataFrame(clip_rows("007", "sad", 1) + clip_rows("NA", "sad", 1))
    rows.to_csv(inputs["clips"], index=False)
    assert list(read_clip_table(inputs["clips"])["speaker"]) == ["007", "NA"]


def test_landmarks_outside_are_counted_by_frame(tmp_path):
    write_shard(tmp_path / "a.h5", ["M003-front-sad-3-001"], outside=3)
    (clip,) = open_clips([tmp_path / "a.h5"]).values()
    assert frames_outside(clip) == 3
    write_shard(tmp_path / "b.h5", [])
    found = outside_by_speaker([tmp_path / "a.h5", tmp_path / "b.h5"])
    assert found.to_dict("index") == {"M003": {"outside": 3, "seen": 10}}


def test_percent_is_plain():
    shown = [percent(x) for x in (0, 0.0004, 0.016, 0.05, 1)]
    assert shown == ["0 %", "< 0.1 %", "1.6 %", "5 %", "100 %"]


def test_crops_figure_shows_every_face_once(inputs, tmp_path):
    stored = open_clips(inputs["features"])
    samples = {
        ("M003", "happy"): stored["M003-front-happy-3-001"],
        ("W009", "happy"): stored["W009-front-happy-3-001"],
    }
    axis, other = draw_crops_figure(samples, ["M003", "W009"], ["happy", "sad"]).axes
    left, right, bottom, top = axis.images[0].get_extent()
    assert len(axis.images) == len(other.images) == 1
    for each in (axis, other):
        assert [label.get_text() for label in each.get_xticklabels()][1] == "sad: none"
    points = np.concatenate([np.column_stack(line.get_data()) for line in axis.lines[:8]])
    place = (SIZE / 2 + 0.5) / SIZE
    expected = [[left + place * (right - left), top + place * (bottom - top)]]
    np.testing.assert_allclose(np.unique(points.round(6), axis=0), expected, atol=1e-6)
    write_crops_figure(
        inputs["clips"], inputs["features"], emotions=["happy", "sad"],
        output=[tmp_path / "drawn.png"],
    )  # fmt: skip
    assert cv2.imread(str(tmp_path / "drawn.png")).std() > 5
    with pytest.raises(ValueError, match="M003-front-sad"):
        write_crops_figure(
            inputs["clips"], inputs["features"][:1], emotions=["happy", "sad"], output=[]
        )


def test_many_speakers_are_sampled_from_first_to_last():
    names = [f"M{n:03d}" for n in range(48)]
    assert shown_speakers(pd.Series(names[:3])) == names[:3]
    shown = shown_speakers(pd.Series(names))
    assert len(set(shown)) == 6 and (shown[0], shown[-1]) == ("M000", "M047")


def test_lengths_figure_counts_every_clip(inputs):
    clips = pd.DataFrame(clip_rows("M003", "happy", 300) + clip_rows("M003", "sad", 2))
    clips.loc[0, "seconds"] = 600.0  # far longer than the rest: in the last bar
    figure = draw_lengths_figure(clips, ["angry", "happy", "sad"])
    bars = [[bar.get_height() for bar in axis.patches] for axis in figure.axes]
    assert [sum(heights) for heights in bars] == [0, 300, 2]
    assert bars[1][-1] == 1 and figure.axes[0].get_xlim()[1] < 10


def test_a_page_of_48_speakers_takes_seconds(inputs):
    speakers = [f"W{n:03d}" for n in range(48)]
    rows = [row for s in speakers for e in EMOTIONS for row in clip_rows(s, e, 80)]
    clips = pd.DataFrame(rows)
    clips.to_csv(inputs["clips"], index=False)
    clips[["clip_id"]].assign(part="train", start=0, stop=100).to_csv(inputs["split"], index=False)
    lost = [f"{s}-front-sad-3-{n},features,/d/{s}/{n}.mp4: {n} bytes" for s in speakers
            for n in range(100, 120)]  # fmt: skip
    inputs["rejected"].write_text("\n".join(["clip_id,stage,reason", *lost]) + "\n")
    start = time.process_time()
    page = page_of(inputs | {"speakers": speakers, "emotions": list(EMOTIONS)})
    assert time.process_time() - start < 8
    assert "<dd>31,680 " in page
    assert len(table_rows(section(page, "clips"))) == 50
    assert len(page) < 1_000_000
