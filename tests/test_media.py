import av
import numpy as np
import pytest

from emohead.media import (
    MediaError,
    iterate_video,
    read_audio,
    read_video,
    write_audio,
    write_video,
)


def grey_ramp(count: int, size: int = 64) -> list[np.ndarray]:
    """Frames whose grey value is four times their number."""
    return [np.full((size, size, 3), 4 * t, np.uint8) for t in range(count)]


def numbers(frames) -> list[int]:
    return [round(float(frame.mean()) / 4) for frame in frames]


def test_25_fps_comes_back_frame_by_frame(tmp_path):
    write_video(tmp_path / "a.mp4", grey_ramp(30))
    assert numbers(read_video(tmp_path / "a.mp4")) == list(range(30))


@pytest.mark.parametrize("fps", [24, 30, 50, 60])
def test_other_rates_are_resampled_by_time(tmp_path, fps):
    write_video(tmp_path / "a.mp4", grey_ramp(2 * fps if fps < 31 else 60), fps=fps)
    shown = numbers(iterate_video(tmp_path / "a.mp4"))
    seconds = (2 * fps if fps < 31 else 60) / fps
    assert abs(len(shown) / 25 - seconds) <= 1 / 25
    for t, number in enumerate(shown):
        # The nearest source frame is at most half a source period away.
        assert abs(number / fps - t / 25) <= 0.5 / fps + 1e-6


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


def test_sound_comes_back_at_16_khz_without_delay(tmp_path):
    rate = 44_100
    sound = np.zeros(rate, np.float32)
    sound[rate // 2 : rate // 2 + 441] = 0.8 * np.sin(2 * np.pi * 1000 * np.arange(441) / rate)
    write_audio(tmp_path / "a.m4a", sound, rate)
    heard = read_audio(tmp_path / "a.m4a")
    assert heard.dtype == np.float32
    assert abs(len(heard) / 16_000 - 1) < 0.1
    assert np.argmax(np.abs(heard)) / 16_000 == pytest.approx(0.505, abs=0.006)


def test_same_frames_same_bytes(tmp_path):
    for name in "ab":
        write_video(tmp_path / f"{name}.mp4", grey_ramp(10))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_unreadable_files_say_so(tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    with pytest.raises(MediaError, match=r"text\.mp4"):
        read_video(text)
    with pytest.raises(MediaError, match=r"text\.mp4"):
        read_audio(text)
    write_video(tmp_path / "silent.mp4", grey_ramp(5))
    with pytest.raises(MediaError, match="no audio stream"):
        read_audio(tmp_path / "silent.mp4")


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
