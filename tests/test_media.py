import os
import re
import subprocess
import sys
import unicodedata
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from media_factory import (
    SOUND_RATE,
    clicks,
    jittered_times,
    make_clip,
    make_disordered_clip,
    read_time_code,
    regular_times,
    time_code,
)

from emohead.data.mead import Clip
from emohead.media.reading import (
    MediaError,
    RgbPart,
    clip_audio,
    iterate_frames,
    luma,
    probe_video,
    read_audio,
    read_video,
)
from emohead.media.writing import write_audio, write_video

NTSC = Fraction(30_000, 1001)
SECONDS = 3.0
#: When the picture flashes and a click sounds, on the file's clock.
MOMENTS = np.array([0.413, 0.977, 1.390, 1.871, 2.603])


@pytest.fixture(autouse=True)
def quiet(capfd):
    """Fails a test in which FFmpeg writes to the terminal."""
    yield
    assert capfd.readouterr().err == ""


def grey_ramp(count: int, size: int = 64) -> list[np.ndarray]:
    """Frames whose grey value is four times their number."""
    return [np.full((size, size, 3), 4 * t, np.uint8) for t in range(count)]


def numbers(frames) -> list[int]:
    return [round(float(frame.mean()) / 4) for frame in frames]


def shades(width: int = 96, height: int = 64) -> np.ndarray:
    """A smooth picture without any symmetry."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return np.stack([40 + 160 * x, 60 + 130 * y, 200 - 150 * x * y], axis=-1).astype(np.uint8)


def noise(time: float) -> np.ndarray:
    """Pictures that don't compress, so that a file's bytes are spread over its frames."""
    return np.random.default_rng(round(time * 1e4)).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def click_moments(sound: np.ndarray) -> np.ndarray:
    """Seconds of the clicks in a sound."""
    loud = np.flatnonzero(np.abs(sound) > 0.25)
    groups = np.split(loud, np.flatnonzero(np.diff(loud) > 800) + 1)
    return np.array([group[0] + group[-1] for group in groups]) / 2 / 16_000


# Timing


@pytest.mark.parametrize(
    ("video_start", "sound_start"), [(0, 0), (0, 0.3), (0.2, 0)], ids=["", "late-sound", "late"]
)
@pytest.mark.parametrize("fps", [30, NTSC, 25, 60, "variable"], ids=str)
@pytest.mark.parametrize("sound_beside", [False, True], ids=["inside", "beside"])
def test_frames_and_sound_keep_their_time(tmp_path, fps, video_start, sound_start, sound_beside):
    if fps == "variable":
        times = jittered_times(SECONDS - video_start, start=video_start)
    else:
        times = regular_times(fps, SECONDS - video_start, start=video_start)
    sound = clicks(MOMENTS, SECONDS - sound_start, start=sound_start)
    audio = {"sound": sound, "sound_start": sound_start}
    video_path = audio_path = tmp_path / "a.mp4"
    if sound_beside:
        audio_path = make_clip(tmp_path / "a.m4a", **audio)
        audio = {}
    make_clip(video_path, times=times, picture=time_code(MOMENTS), **audio)

    start = probe_video(video_path).start
    shown = [read_time_code(luma(frame)) for frame in iterate_frames(video_path)]
    heard = read_audio(audio_path, start=start)

    assert start == pytest.approx(video_start, abs=1e-3)
    # Every frame is the nearest one that the source has ...
    wanted = start + np.arange(len(shown)) / 25
    error = np.abs(np.array([time for time, _ in shown]) - wanted)
    nearest = np.abs(times[:, None] - wanted).min(axis=0)
    assert np.all(error <= nearest + 1e-3)
    # ... so within 20 ms, but where a variable rate has a step above 40 ms.
    half_steps = np.diff(times) / 2
    assert error.max() <= max(0.020, half_steps.max()) + 1e-3
    assert len(shown) / 25 == pytest.approx(SECONDS - video_start, abs=0.041)
    # A flash starts between a dark frame and a lit one. The source itself can't show it sooner
    # than its next frame: half a step of the source on average.
    lit = np.array([flash for _, flash in shown])
    seen = start + (np.flatnonzero(lit[1:] & ~lit[:-1]) + 0.5) / 25
    heard_at = start + click_moments(heard)
    np.testing.assert_allclose(heard_at, MOMENTS, atol=0.002)
    np.testing.assert_allclose(seen, heard_at, atol=0.020 + half_steps.max() + 0.002)
    # AAC comes in blocks of 1,024 samples, the last of which may be padded.
    assert -0.001 <= len(heard) / 16_000 - (SECONDS - start) <= 1024 / 48_000 + 0.001
    assert np.abs(heard[: round(max(sound_start - start, 0) * 16_000)]).max(initial=0) < 0.01


def test_clips_of_the_timing_test_have_b_frames_and_primed_sound(tmp_path):
    path = make_clip(
        tmp_path / "a.mp4", times=regular_times(30, 1), sound=clicks([0.5], 1), picture=time_code()
    )
    with av.open(str(path)) as container:
        packets = list(container.demux())
        video = [p for p in packets if p.stream.type == "video" and p.pts is not None]
        sound = [p for p in packets if p.stream.type == "audio" and p.pts is not None]
    assert any(packet.pts != packet.dts for packet in video)
    assert [p.pts for p in video] != sorted(p.pts for p in video)
    assert sound[0].pts == -1024


def test_25_fps_comes_back_frame_by_frame(tmp_path):
    write_video(tmp_path / "a.mp4", grey_ramp(30))
    assert numbers(read_video(tmp_path / "a.mp4")) == list(range(30))


@pytest.mark.parametrize("fps", [10, 24, 30, 50, 60])
def test_other_rates_are_resampled_by_time(tmp_path, fps):
    count = min(2 * fps, 60)
    write_video(tmp_path / "a.mp4", grey_ramp(count), fps=fps)
    shown = numbers(map(RgbPart().of, iterate_frames(tmp_path / "a.mp4")))
    assert abs(len(shown) / 25 - count / fps) <= 1 / 25
    for t, number in enumerate(shown):
        # The nearest source frame is at most half a source period away; the last one stays.
        assert abs(number / fps - t / 25) <= 0.5 / fps + 1e-6 or number == count - 1


def test_repeated_frames_are_one_object(tmp_path):
    write_video(tmp_path / "a.mp4", grey_ramp(10), fps=10)
    frames = list(iterate_frames(tmp_path / "a.mp4"))
    assert len(frames) == 25
    assert len({id(frame) for frame in frames}) == 10


def test_last_frame_lasts_as_long_as_the_others_whatever_the_header_says(tmp_path):
    path = make_clip(
        tmp_path / "a.avi", times=regular_times(15, 2), codec="mjpeg", pixel_format="yuvj420p"
    )
    assert probe_video(path).fps > 100
    assert len(list(iterate_frames(path))) == 50


@pytest.mark.parametrize("count", [1, 3])
def test_very_short_clips(tmp_path, count):
    write_video(tmp_path / "a.mp4", grey_ramp(count))
    assert numbers(read_video(tmp_path / "a.mp4")) == list(range(count))


def test_sound_comes_back_at_16_khz_without_delay(tmp_path):
    write_audio(tmp_path / "a.m4a", clicks([0.505], 1, rate=44_100), 44_100)
    heard = read_audio(tmp_path / "a.m4a")
    assert heard.dtype == np.float32
    assert 0 <= len(heard) / 16_000 - 1 <= 1024 / 44_100 + 0.001
    np.testing.assert_allclose(click_moments(heard), [0.505], atol=0.001)


@pytest.mark.parametrize("start", [0.4, -0.25])
def test_sound_starts_where_asked(tmp_path, start):
    path = make_clip(tmp_path / "a.m4a", sound=clicks([0.505], 1))
    heard = read_audio(path, start=start)
    np.testing.assert_allclose(click_moments(heard) + start, [0.505], atol=0.001)


def test_sound_of_a_clip_starts_with_its_first_frame(tmp_path):
    video = make_clip(tmp_path / "001.mp4", times=regular_times(30, 0.8, start=0.2))
    audio = make_clip(tmp_path / "001.m4a", sound=clicks([0.505], 1))
    heard = clip_audio(Clip("W901", "front", "happy", 1, 1, video=video, audio=audio))
    np.testing.assert_allclose(click_moments(heard), [0.305], atol=0.001)
    assert 0 <= len(heard) / 16_000 - 0.8 <= 1024 / 48_000 + 0.001


def test_video_says_that_it_is_synthetic_and_carries_sound(tmp_path):
    sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    write_video(tmp_path / "a.mp4", grey_ramp(25), audio=sound, comment="synthetic")
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.metadata["comment"] == "synthetic"
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.audio[0].codec_context.name == "aac"
    heard = read_audio(tmp_path / "a.mp4")
    spectrum = np.abs(np.fft.rfft(heard[2000:14000]))
    assert np.argmax(spectrum) * 16_000 / 12_000 == pytest.approx(440, abs=2)


# Shapes


@pytest.mark.parametrize("mirrored", [False, True], ids=["", "mirrored"])
@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_frames_are_upright(tmp_path, clockwise, mirrored):
    upright = shades()
    turned = upright[:, ::-1] if mirrored else upright
    stored = np.ascontiguousarray(np.rot90(turned, clockwise // 90))
    path = make_clip(
        tmp_path / "a.mp4",
        times=[0, 0.04],
        picture=lambda _: stored,
        clockwise=clockwise,
        mirrored=mirrored,
    )
    if not mirrored:  # OpenCV knows turns only.
        _, opencv = cv2.VideoCapture(str(path)).read()
        np.testing.assert_allclose(opencv[..., ::-1], upright, atol=8)
    for image in read_video(path):
        np.testing.assert_allclose(image.astype(int), upright, atol=8)
    for frame in iterate_frames(path):
        assert luma(frame).shape == upright.shape[:2]
        grey = upright @ [0.299, 0.587, 0.114]
        if frame.format.name != "rgb24":
            grey = 16 + 219 / 255 * grey  # As stored.
        np.testing.assert_allclose(luma(frame), grey, atol=5)
        part = RgbPart((8, 12, 40, 60)).of(frame).astype(int)
        np.testing.assert_allclose(part, upright[12:60, 8:40], atol=8)
    facts = probe_video(path)
    assert (facts.height, facts.width) == stored.shape[:2]


LIMITED, FULL = 1, 2
SHAPES = [
    ("mp4", "libx264", "yuv420p", (96, 64)),
    ("mp4", "libx264", "yuv422p", (96, 64)),
    ("mp4", "libx264", "yuv444p", (321, 243)),
    ("mp4", "libx264", "yuvj444p", (321, 243)),
    ("mp4", "libx264", "yuvj420p", (96, 64)),
    ("mp4", "libx264", "yuv420p10le", (96, 64)),
    ("mp4", "libx264", "gray", (321, 243)),
    ("mkv", "libx264", "yuv420p", (96, 64)),
    ("mkv", "ffv1", "yuv420p", (321, 243)),
    ("mkv", "ffv1", "yuv422p10le", (95, 63)),
    ("mkv", "ffv1", "gray", (95, 63)),
    ("mkv", "ffv1", "bgr0", (95, 63)),
    ("mov", "mjpeg", "yuvj420p", (321, 243)),
    ("avi", "mjpeg", "yuvj422p", (96, 64)),
    ("avi", "ffv1", "yuv444p", (96, 64)),
    ("webm", "libvpx-vp9", "yuv420p", (96, 64)),
    ("mov", "libx265", "yuv420p10le", (96, 64)),
]


QUALITY = {
    "mjpeg": {"qmin": "1", "qmax": "2"},
    "libx265": {"preset": "ultrafast", "x265-params": "crf=8:log-level=none:pools=1"},
}


@pytest.mark.parametrize(("suffix", "codec", "pixel_format", "size"), SHAPES)
def test_containers_codecs_and_pixel_formats(tmp_path, suffix, codec, pixel_format, size):
    picture = shades(*size)
    path = make_clip(
        tmp_path / f"a.{suffix}",
        times=regular_times(25, 0.2),
        picture=lambda _: picture,
        codec=codec,
        codec_options=QUALITY.get(codec),
        pixel_format=pixel_format,
        # Grey is made of full-range values here; H.264 must say so.
        colour_range=FULL if (codec, pixel_format) == ("libx264", "gray") else None,
        rate=Fraction(25),
    )
    grey = picture @ [0.299, 0.587, 0.114]
    expected = np.repeat(grey[..., None], 3, axis=2) if pixel_format == "gray" else picture
    whole, part = RgbPart(), RgbPart((13, 7, 58, 38))
    frames = list(iterate_frames(path))
    assert len(frames) == 5
    for frame in frames:
        image = whole.of(frame)
        assert image.dtype == np.uint8
        np.testing.assert_allclose(image.astype(int), expected, atol=9)
        assert np.abs(image.astype(int) - expected).mean() < 2.5
        # FFmpeg interpolates the colours of images of odd width, and repeats those of others.
        tolerance = 6 if size[0] % 2 and pixel_format[:6] in ("yuv420", "yuv422", "yuvj42") else 0
        np.testing.assert_allclose(part.of(frame).astype(int), image[7:38, 13:58], atol=tolerance)
        limited = pixel_format in ("yuv420p", "yuv422p", "yuv444p")
        stored = 16 + 219 / 255 * grey if limited else grey
        np.testing.assert_allclose(luma(frame).astype(int), stored, atol=5)


BT601, BT709 = (0.299, 0.114), (0.2126, 0.0722)
COLOURS = np.array(
    [[200, 40, 40], [40, 200, 40], [40, 40, 200], [230, 180, 150],
     [128, 128, 128], [0, 0, 0], [255, 255, 255], [90, 60, 50]]
)  # fmt: skip


def coded(rgb: np.ndarray, weights: tuple[float, float], colour_range: int) -> np.ndarray:
    """RGB in 0..255 [..., 3] as Y'CbCr of 8 bits (ITU-R BT.601-7 2.5, BT.709-6 3)."""
    kr, kb = weights
    red, green, blue = np.moveaxis(rgb / 255, -1, 0)
    y = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - y) / (2 - 2 * kb), (red - y) / (2 - 2 * kr)
    if colour_range == FULL:
        parts = [255 * y, 128 + 255 * cb, 128 + 255 * cr]
    else:
        parts = [16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr]
    return np.clip(np.round(parts), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
@pytest.mark.parametrize(
    ("tag", "weights"), [(1, BT709), (5, BT601), (6, BT601), (2, BT601)],
    ids=["bt709", "bt470bg", "smpte170m", "untagged"],
)  # fmt: skip
@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuv420p", "yuv444p10le"])
def test_colours(tmp_path, tag, weights, colour_range, pixel_format):
    tiles = np.repeat(np.repeat(COLOURS.reshape(2, 4, 3), 16, axis=0), 16, axis=1)
    planes = coded(tiles, weights, colour_range)

    def picture(_):
        if pixel_format != "yuv420p":
            frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
            return frame.reformat(format=pixel_format)
        chroma = planes[1:, ::2, ::2].reshape(2 * 8, -1)
        flat = np.concatenate([planes[0], chroma])
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(flat), format="yuv420p")

    path = make_clip(
        tmp_path / "a.mp4",
        times=regular_times(25, 0.2),
        picture=picture,
        pixel_format=pixel_format,
        colour_space=tag,
        colour_range=colour_range,
    )
    part = RgbPart((0, 0, 64, 32))
    centres = (slice(8, None, 16), slice(8, None, 16))
    for image, frame in zip(read_video(path), iterate_frames(path), strict=True):
        np.testing.assert_allclose(image[centres].reshape(-1, 3).astype(int), COLOURS, atol=4)
        np.testing.assert_array_equal(part.of(frame), image)
        grey = planes[0][centres].astype(int)
        if colour_range == LIMITED and pixel_format == "yuv444p10le":
            grey = (grey - 16) * 255 / 219  # Converted, not as stored.
        np.testing.assert_allclose(luma(frame)[centres], grey, atol=2)


def tiled(time: float) -> np.ndarray:
    """96 x 64 pixels in tiles of 4 of random colours."""
    tiles = np.random.default_rng(round(time * 100)).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    return np.kron(tiles, np.ones((4, 4, 1), np.uint8))


@pytest.mark.parametrize("box", [(13, 7, 58, 38), (12, 6, 58, 38), (1, 0, 2, 1), (91, 61, 96, 64)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "yuv422p", "yuv444p"])
def test_part_is_the_same_cut_of_the_whole_where_colours_change_sharply(
    tmp_path, box, pixel_format
):
    path = make_clip(
        tmp_path / "a.mp4", times=regular_times(25, 0.2), picture=tiled, pixel_format=pixel_format
    )
    whole, part = RgbPart(), RgbPart(box)
    x0, y0, x1, y1 = box
    for frame in iterate_frames(path):
        cut_out = whole.of(frame)[y0:y1, x0:x1].astype(int)
        np.testing.assert_allclose(part.of(frame).astype(int), cut_out, atol=1)


def test_shrunk_part_is_the_average_of_its_pixels(tmp_path):
    picture = shades(96, 64)
    path = make_clip(tmp_path / "a.mp4", times=[0, 0.04], picture=lambda _: picture)
    expected = picture[8:56, 13:85].reshape(24, 2, 36, 2, 3).mean((1, 3))
    part, same = RgbPart((13, 8, 85, 56), (36, 24)), RgbPart((13, 8, 85, 56), (72, 48))
    for frame in iterate_frames(path):
        np.testing.assert_allclose(part.of(frame), expected, atol=6)
        assert abs(part.of(frame).mean() - expected.mean()) < 0.6
        np.testing.assert_array_equal(same.of(frame), RgbPart((13, 8, 85, 56)).of(frame))


def test_one_part_serves_clips_of_several_shapes(tmp_path):
    part = RgbPart((8, 8, 40, 32))
    for size, pixel_format in (((96, 64), "yuv420p"), ((64, 48), "yuv444p")):
        picture = shades(*size)
        path = make_clip(
            tmp_path / "a.mp4",
            times=[0, 0.04],
            picture=lambda _, picture=picture: picture,
            pixel_format=pixel_format,
        )
        for frame in iterate_frames(path):
            np.testing.assert_allclose(part.of(frame).astype(int), picture[8:32, 8:40], atol=9)


# Faults

DAMAGED = r"can't be read as {} \(truncated, damaged or not a media file\)"
READERS = [(probe_video, "video"), (read_video, "video"), (read_audio, "audio")]


def noise_clip(path: Path, **options) -> Path:
    """Three seconds whose bytes are spread over all frames."""
    return make_clip(
        path,
        times=regular_times(30, SECONDS),
        picture=noise,
        sound=clicks([0.5], SECONDS),
        codec_options={"preset": "ultrafast", "crf": "30", "bf": "2"},
        **options,
    )


def cut(path: Path, share: float) -> Path:
    """The file without what comes after this share of its bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    return path


def frames_before_error(path: Path) -> tuple[int, str]:
    count = 0
    try:
        for _ in iterate_frames(path):
            count += 1
    except MediaError as error:
        assert str(path) in str(error)
        return count, str(error)
    return count, ""


@pytest.mark.parametrize(("read", "kind"), READERS)
def test_unreadable_files_say_so(tmp_path, read, kind):
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    with pytest.raises(MediaError, match=r"text\.mp4: " + DAMAGED.format(kind)):
        read(text)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(MediaError, match=rf"empty\.mp4: can't be read as {kind} \(empty\)"):
        read(empty)
    with pytest.raises(MediaError, match=rf"absent\.mp4: can't .* {kind} \(No such file"):
        read(tmp_path / "absent.mp4")
    with pytest.raises(MediaError, match=rf"can't be read as {kind} \(Is a directory\)"):
        read(tmp_path)


def test_missing_streams_are_named(tmp_path):
    write_video(tmp_path / "silent.mp4", grey_ramp(5))
    with pytest.raises(MediaError, match=r"silent\.mp4: no audio stream"):
        read_audio(tmp_path / "silent.mp4")
    make_clip(tmp_path / "sound.m4a", sound=clicks([0.5], 1))
    for read in (probe_video, read_video):
        with pytest.raises(MediaError, match=r"sound\.m4a: no video stream"):
            read(tmp_path / "sound.m4a")


@pytest.mark.parametrize(("read", "kind"), READERS)
def test_truncated_mp4_with_its_index_at_the_end_is_unreadable(tmp_path, read, kind):
    path = cut(noise_clip(tmp_path / "a.mp4"), 0.6)
    with pytest.raises(MediaError, match=r"a\.mp4: " + DAMAGED.format(kind)):
        read(path)


def test_truncated_mp4_with_its_index_in_front_ends_in_an_error(tmp_path):
    path = cut(noise_clip(tmp_path / "a.mp4", container_options={"movflags": "+faststart"}), 0.6)
    assert probe_video(path).fps == 30
    count, error = frames_before_error(path)
    assert 30 < count < 60
    assert "truncated" in error
    with pytest.raises(MediaError, match="truncated"):
        read_video(path)
    # The sound just ends; its length is the caller's to compare.
    assert 1 < len(read_audio(path)) / 16_000 < 2.5


def test_truncated_matroska_says_how_much_is_missing(tmp_path):
    path = cut(noise_clip(tmp_path / "a.mkv"), 0.6)
    count, error = frames_before_error(path)
    assert 30 < count < 60
    assert error.endswith("ends after 1.8 of 3.0 s: truncated")


def test_truncated_sound_file(tmp_path):
    loud = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * SOUND_RATE)
    path = make_clip(tmp_path / "a.m4a", sound=loud, container_options={"movflags": "+faststart"})
    with pytest.raises(MediaError, match=r"a\.m4a: " + DAMAGED.format("audio")):
        read_audio(cut(path, 0.6))


@pytest.mark.parametrize(("suffix", "start"), [("mp4", 4), ("mkv", 4), ("mov", 4), ("ts", 0)])
def test_whole_files_that_start_late_are_not_called_truncated(tmp_path, suffix, start):
    path = make_clip(
        tmp_path / f"a.{suffix}", times=regular_times(30, 1, start=start), sound=clicks([0.5], 5)
    )
    assert frames_before_error(path) == (25, "")


def test_damage_inside_is_survived_or_reported(tmp_path):
    content = noise_clip(
        tmp_path / "a.mp4", container_options={"movflags": "+faststart"}
    ).read_bytes()
    errors = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        first = int(len(content) * rng.uniform(0.3, 0.8))
        path = tmp_path / "damaged.mp4"
        path.write_bytes(content[:first] + rng.bytes(300) + content[first + 300 :])
        count, error = frames_before_error(path)
        assert (0 < count < 75 and "damaged" in error) or (count, error) == (75, "")
        errors.append(error)
        try:
            assert len(read_audio(path)) / 16_000 == pytest.approx(SECONDS, abs=0.03)
        except MediaError as audio_error:
            assert "damaged" in str(audio_error)
    # Entropy-coded noise is valid more often than not: decoders can't notice everything.
    assert any(re.search(r"damaged at \d\.\d s", error) for error in errors)


def test_late_and_double_frames_are_left_out(tmp_path):
    times = [0, 0.04, 0.08, 0.16, 0.12, 0.2, 0.2, *np.arange(0.24, 1.2, 0.04)]
    path = make_disordered_clip(tmp_path / "a.mkv", times, time_code())
    shown = [read_time_code(luma(frame))[0] for frame in iterate_frames(path)]
    np.testing.assert_allclose(shown[:7], [0, 0.04, 0.08, 0.16, 0.16, 0.2, 0.24], atol=1e-3)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0, 0.04, 0.12, 0.08, 0.16, 0.24, 0.2], "2 of 7 time stamps go back: convert it"),
        ([0, 0.04, 0.08, 3600, 0.12], "its clock jumps from 0.1 to 3600.0 s"),
        ([5, 5.04, 5.08, 0, 0.04], "its clock jumps from 5.1 to 0.0 s"),
    ],
)
def test_broken_clocks_are_reported(tmp_path, times, message):
    path = make_disordered_clip(tmp_path / "a.mkv", times, time_code())
    count, error = frames_before_error(path)
    assert count <= 7
    assert message in error


def test_b_frames_in_avi_which_has_no_presentation_times_are_reported(tmp_path):
    path = make_clip(tmp_path / "a.avi", times=regular_times(30, 1), rate=Fraction(30))
    assert re.search(r"\d+ of 30 time stamps go back: convert it", frames_before_error(path)[1])


def test_sound_that_starts_hours_later_is_an_error_not_an_hour_of_silence(tmp_path):
    path = make_clip(tmp_path / "a.mkv", sound=clicks([0.5], 1), sound_start=3600)
    with pytest.raises(MediaError, match=r"the clock of its sound jumps to 3600\.0 s"):
        read_audio(path)
    assert len(read_audio(path, start=3600)) / 16_000 == pytest.approx(1, abs=0.03)


def test_without_time_stamps_frames_follow_at_the_rate_of_the_header(tmp_path):
    path = make_clip(tmp_path / "a.h264", times=regular_times(25, 1), rate=Fraction(25))
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).time is None
    shown = [read_time_code(luma(frame))[0] for frame in iterate_frames(path)]
    np.testing.assert_allclose(shown, np.arange(25) / 25, atol=1e-3)


@pytest.mark.parametrize(
    "name", ["a b.mp4", "élève, 日本.mp4", unicodedata.normalize("NFD", "é.mp4"), "take:1 %03d.mp4"]
)
def test_file_names_may_hold_anything(tmp_path, monkeypatch, name):
    make_clip(tmp_path / name, times=regular_times(25, 0.2), sound=clicks([0.1], 0.2))
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, Path(name)):
        assert len(read_video(path)) == 5
        assert len(read_audio(path)) >= 3200


@pytest.mark.parametrize("size", [32, 256])
def test_same_frames_same_bytes(tmp_path, size):
    """Whatever memory held before: decoding leaves something else in it every time."""
    scene = np.random.default_rng(0).integers(0, 255, (6, 6, 3), np.uint8)
    scene = cv2.resize(scene, (size, size), interpolation=cv2.INTER_CUBIC)
    frames = [np.roll(scene, t // 2, axis=1) for t in range(40)]
    path, made = tmp_path / "a.mp4", set()
    for _ in range(24):
        write_video(path, frames)
        made.add(path.read_bytes())
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                frame.to_ndarray(format="rgb24")
    assert len(made) == 1


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, grey_ramp(5))
    before = path.read_bytes()

    def broken():
        yield from grey_ramp(3)
        raise RuntimeError("render failed")

    with pytest.raises(RuntimeError, match="render failed"):
        write_video(path, broken())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


# Length


def peak_growth(code: str, path: Path) -> tuple[float, str]:
    """MiB that a fresh process needs above what its imports take, and what it printed."""
    script = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from emohead.media.reading import iterate_frames, read_audio\n"
        # `getrusage` would count what the parent had at the fork.
        "status = Path('/proc/self/status')\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+) kB', status.read_text())[1])\n"
        f"path = Path(sys.argv[1]); before = peak()\n{code}\n"
        "print((peak() - before) / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent / "workflow_scripts")},
    )  # fmt: skip
    assert done.stderr == ""
    *printed, growth = done.stdout.split()
    return float(growth), " ".join(printed)


linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


@linux
def test_ten_minutes_of_video_need_no_memory(tmp_path):
    picture = shades(320, 240)
    path = make_clip(
        tmp_path / "long.mp4",
        times=regular_times(2, 600),
        picture=lambda _: picture,
        codec_options={"preset": "ultrafast"},
    )
    growth, printed = peak_growth("print(sum(1 for _ in iterate_frames(path)))", path)
    assert int(printed) == 600 * 25
    # All source frames together are 132 MiB.
    assert growth < 40


@linux
def test_ten_minutes_of_sound_need_little_more_than_their_samples(tmp_path):
    path = make_clip(tmp_path / "long.mka", sound=clicks([0.5], 600), sound_codec="flac")
    growth, printed = peak_growth("print(len(read_audio(path)))", path)
    assert int(printed) == 600 * 16_000
    # The samples are 37 MiB, twice while they are joined; the file's own are 55 or 110.
    assert growth < 90
