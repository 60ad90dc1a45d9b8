import os
import re
import wave
from datetime import date
from pathlib import Path

import av
import numpy as np
import pytest

from emohead.generate.output import VideoSink, synthetic_metadata
from emohead.generate.sound import Sound
from emohead.generate.watermark import Watermark
from emohead.media.reading import read_audio, read_video

METADATA = synthetic_metadata(model="ours", config_hash="1a2b3c4d", made=date(2026, 11, 23))
#: Seconds when the picture is white and the sound a tone.
FLASHES = [(0.4, 0.6), (1.2, 1.4), (2.0, 2.4)]


def flashing(time: np.ndarray) -> np.ndarray:
    return np.any([(start <= time) & (time < stop) for start, stop in FLASHES], axis=0)


@pytest.fixture
def sound(tmp_path):
    """2.5 s of stereo, 44.1 kHz: 1 kHz while the picture flashes."""
    time = np.arange(round(2.51 * 44_100)) / 44_100
    tone = 0.5 * np.sin(2 * np.pi * 1000 * time) * flashing(time)
    path = tmp_path / "speech.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(np.round(np.stack([tone, tone], 1) * 32767).astype("<i2").tobytes())
    return Sound(path)


def frames(count: int, width: int = 64, height: int = 48):
    for t in range(count):
        yield np.full((height, width, 3), 255 * flashing(np.array(t / 25)), np.uint8)


def write(path, sound, count=None, width=64, height=48):
    with VideoSink(path, (width, height), sound, METADATA) as sink:
        for frame in frames(count or sound.frames, width, height):
            sink.write(frame)
    return path


def top_level_boxes(path):
    """The names of an MPEG-4 file's outermost boxes, in order."""
    data, place, names = path.read_bytes(), 0, []
    while place < len(data):
        names.append(data[place + 4 : place + 8].decode())
        place += int.from_bytes(data[place : place + 4], "big")
    return names


def test_a_video_that_plays_everywhere(tmp_path, sound):
    path = write(tmp_path / "talk.mp4", sound)
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.codec_context.name == "h264"
        assert video.codec_context.pix_fmt == "yuv420p"
        assert video.codec_context.profile == "High"
        assert (video.average_rate, video.frames) == (25, 63)
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", 48_000, 2)
        lengths = [float(stream.duration * stream.time_base) for stream in (video, audio)]
    assert lengths == [pytest.approx(2.52), pytest.approx(2.51, abs=0.001)]
    boxes = top_level_boxes(path)
    assert boxes.index("moov") < boxes.index("mdat")


def test_picture_and_sound_belong_together(tmp_path, sound):
    path = write(tmp_path / "talk.mp4", sound)
    lit = read_video(path).mean(axis=(1, 2, 3)) > 128
    heard = read_audio(path)[: 62 * 640].reshape(-1, 640)
    np.testing.assert_array_equal(lit, flashing(np.arange(63) / 25))
    np.testing.assert_array_equal(np.sqrt((heard**2).mean(axis=1)) > 0.15, lit[:62])


def test_sound_lies_beside_its_frames_in_the_file(tmp_path, sound):
    path = write(tmp_path / "talk.mp4", sound)
    place, time = [], []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pos is not None and packet.size:
                place.append(packet.pos)
                time.append(float(packet.dts * packet.time_base))
    by_place = np.array(time)[np.argsort(place)]
    assert np.all(np.maximum.accumulate(by_place) - by_place < 1.1)


def test_sound_ends_with_the_frames(tmp_path, sound):
    path = write(tmp_path / "talk.mp4", sound, count=25)
    with av.open(str(path)) as container:
        lengths = [float(s.duration * s.time_base) for s in container.streams]
    assert lengths == [pytest.approx(1.0), pytest.approx(1.0, abs=0.001)]


def test_the_container_says_that_it_is_synthetic(tmp_path, sound):
    with av.open(str(write(tmp_path / "talk.mp4", sound))) as container:
        said = dict(container.metadata)
    assert said["title"] == "Synthetic talking head"
    assert said["date"] == "2026-11-23"
    assert re.match("Synthetic: .* did not say this.*ours.*1a2b3c4d.*2026-11-23", said["comment"])
    facts = dict(fact.split("=", 1) for fact in said["description"].split("; "))
    assert facts["synthetic"] == "true"
    assert (facts["model"], facts["config"], facts["date"]) == ("ours", "1a2b3c4d", "2026-11-23")
    assert facts["digital_source_type"].endswith("/trainedAlgorithmicMedia")


def test_odd_sizes_lose_a_column_and_a_row(tmp_path, sound):
    path = write(tmp_path / "talk.mp4", sound, width=65, height=49)
    assert read_video(path).shape == (63, 48, 64, 3)


def test_colours_of_large_video_are_named(tmp_path, sound):
    """Players take an unnamed one of 720 lines for BT.709, which turns red into orange."""
    path = write(tmp_path / "talk.mp4", sound, count=2, width=64, height=720)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.colorspace == 5  # BT.601
    assert read_video(path)[0].max() < 3


# What goes wrong


def test_a_failure_leaves_what_was_there(tmp_path, sound):
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"older")
    with (
        pytest.raises(RuntimeError, match="broken"),
        VideoSink(path, (64, 48), sound, METADATA) as sink,
    ):
        sink.write(next(frames(1)))
        raise RuntimeError("broken")
    assert path.read_bytes() == b"older"
    assert {each.name for each in tmp_path.iterdir()} == {"talk.mp4", "speech.wav"}


def test_places_that_cannot_be_written_are_told_at_once(tmp_path, sound):
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for path, reason in [
        (tmp_path / "file" / "talk.mp4", r"can't be written \((Not a directory|File exists)\)"),
        (tmp_path / "folder.mp4", "is a folder"),
        (tmp_path / "talk.avi", r"must end in \.mp4"),
        (Path("/proc/talk.mp4"), r"can't be written"),
    ]:
        with pytest.raises(ValueError, match=reason) as caught:
            VideoSink(path, (64, 48), sound, METADATA).__enter__()
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path, sound):
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o500)
    with pytest.raises(ValueError, match=r"can't be written \(Permission denied\)"):
        VideoSink(folder / "talk.mp4", (64, 48), sound, METADATA).__enter__()


# The mark


def luminance(image):
    """WCAG's relative luminance of sRGB, uint8 [..., 3]."""
    value = image / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("size", [(128, 128), (256, 256), (1920, 1080)])
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_the_mark_is_small_and_readable_on_light_and_dark(size, grey):
    plain = np.full((size[1], size[0], 3), grey, np.uint8)
    marked = Watermark(size)(plain)
    assert (plain == grey).all()
    rows, columns = np.nonzero((marked != plain).any(axis=2))
    assert rows.size < 0.03 * size[0] * size[1]
    assert rows.min() > 0.85 * size[1]
    assert columns.min() > 0.65 * size[0]
    assert rows.max() - rows.min() + 1 >= (5 if grey == 0 else 12)
    light = luminance(marked[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    plate = np.median(light)
    # WCAG AA asks for 4.5 of normal text.
    assert (np.quantile(light, 0.995) + 0.05) / (plate + 0.05) > 4.5
