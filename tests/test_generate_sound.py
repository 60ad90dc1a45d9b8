import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from media_factory import clicks, make_clip, regular_times

import emohead
from emohead.features.mfcc import mfcc_windows as windows_of_whole
from emohead.features.mfcc import stream_mfcc_windows
from emohead.generate.sound import Sound, mfcc_windows
from emohead.media.reading import read_audio

LIBRARY = Path(emohead.__file__).parent.parent


def speech_like(seconds: float, rate: int) -> np.ndarray:
    """Noise that comes and goes."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).normal(0, 0.1, time.size)
    return (noise * (1 + np.sin(2 * np.pi * 3 * time)) / 2).astype(np.float32)


def write_wav(path: Path, samples: np.ndarray, rate: int) -> Path:
    """16 bits; samples float [N] or [channels, N]."""
    channels = np.atleast_2d(samples)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(channels.T * 32767).astype("<i2").tobytes())
    return path


def loud(path: Path, seconds: float = 1.0) -> Path:
    return write_wav(path, speech_like(seconds, 16_000), 16_000)


# Any sound

FORMATS = {
    "a.wav": ("pcm_s16le", 44_100),
    "a.flac": ("flac", 96_000),
    "a.mp3": ("libmp3lame", 22_050),
    "a.m4a": ("aac", 48_000),
    "a.webm": ("libopus", 48_000),
    "a.wav 8 kHz": ("pcm_s16le", 8_000),
}


@pytest.mark.parametrize("name", FORMATS)
def test_blocks_are_the_whole_sound_as_often_as_asked(tmp_path, name):
    codec, rate = FORMATS[name]
    path = make_clip(
        tmp_path / name.split()[0], sound=speech_like(1.7, rate), sound_rate=rate, sound_codec=codec
    )
    sound = Sound(path)
    first, second = (np.concatenate(list(sound.blocks())) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    # The clock of an MP3 begins later than 0, by what its encoder puts in front.
    np.testing.assert_allclose(first, read_audio(path)[-len(first) :], atol=1e-6)
    assert sound.seconds == len(first) / 16_000 == pytest.approx(1.7, abs=0.06)
    assert sound.frames == int(np.ceil(sound.seconds * 25))


@pytest.mark.parametrize(
    ("name", "made", "heard"),
    [
        ("a.mp4", {"times": regular_times(30, 1.5), "sound": clicks([0.9], 1.2, start=0.3),
                   "sound_start": 0.3}, pytest.approx(0.9, abs=0.002)),
        # A clock that starts late doesn't count.
        ("a.ts", {"sound": clicks([100.5], 1, start=100), "sound_start": 100},
         pytest.approx(0.5, abs=0.03)),
    ],
)  # fmt: skip
def test_sound_of_a_video_is_heard_when_it_is_there(tmp_path, name, made, heard):
    samples = np.concatenate(list(Sound(make_clip(tmp_path / name, **made)).blocks()))
    assert np.abs(samples).argmax() / 16_000 == heard


def test_playback_keeps_two_channels_a_frame_at_a_time(tmp_path):
    time = np.arange(44_100) / 44_100
    tones = 0.5 * np.sin(2 * np.pi * np.array([[440], [1000]]) * time)
    sound = Sound(write_wav(tmp_path / "a.wav", tones, 44_100))
    pieces = list(sound.playback())
    assert sound.layout == "stereo"
    assert {piece.shape for piece in pieces[:-1]} == {(2, 1920)}
    whole = np.concatenate(pieces, axis=1)
    assert whole.shape[1] == pytest.approx(48_000, abs=2)
    spectrum = np.abs(np.fft.rfft(whole[:, 8_000:32_000]))
    np.testing.assert_allclose(spectrum.argmax(axis=1) * 2, [440, 1000], atol=2)


def test_titles_may_be_in_any_encoding(tmp_path):
    """Windows programs write Latin-1 into WAV files."""
    path = loud(tmp_path / "a.wav")
    title = b"INFOINAM\x06\0\0\0M\xe4rz\0\0"
    path.write_bytes(path.read_bytes() + b"LIST" + len(title).to_bytes(4, "little") + title)
    with av.open(str(path), metadata_errors="replace") as container:
        assert container.metadata["title"].startswith("M")
    assert Sound(path).seconds == 1


# MFCC windows


@pytest.mark.parametrize("seconds", [0.5, 0.501, 2.0])
@pytest.mark.parametrize("frames_per_block", [1, 7, 20, 1000])
def test_windows_are_those_of_the_whole(tmp_path, seconds, frames_per_block):
    sound = Sound(loud(tmp_path / "a.wav", seconds))
    blocks = list(mfcc_windows(sound, frames_per_block))
    assert {len(block) for block in blocks[:-1]} <= {frames_per_block}
    expected = windows_of_whole(read_audio(sound.path), sound.frames)
    np.testing.assert_allclose(np.concatenate(blocks), expected, atol=1e-4)


def test_windows_do_not_depend_on_the_blocks_of_sound():
    samples = speech_like(1.03, 16_000)
    whole = np.concatenate(list(stream_mfcc_windows([samples], 5)))
    small = np.concatenate(list(stream_mfcc_windows(np.split(samples, [1, 2, 5000, 5001]), 5)))
    assert whole.shape == (26, 28, 12)
    np.testing.assert_array_equal(whole, small)


# What can't be used


def silent(path):
    return write_wav(path, 5e-4 * np.sin(np.arange(16_000)), 16_000)


def empty(path):
    path.touch()
    return path


def text(path):
    path.write_text("Once upon a time there was a sound.\n" * 20)
    return path


def no_samples(path):
    return write_wav(path, np.zeros(0), 16_000)


def not_a_number(path):
    sound = speech_like(1, 16_000)
    sound[8_000] = np.nan
    return make_clip(path, sound=sound, sound_rate=16_000, sound_codec="pcm_f32le")


def unknown(path):
    """A WAV file whose samples are of a kind that nobody has: format tag 0x4242."""
    content = bytearray(loud(path).read_bytes())
    content[20:22] = b"BB"
    path.write_bytes(content)
    return path


def short(path):
    return loud(path, 0.1)


def just_too_short(path):
    return write_wav(path, speech_like(1, 16_000)[:3199], 16_000)


def picture_alone(path):
    return make_clip(path, times=regular_times(25, 1))


def missing(path):
    return path


def folder(path):
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "name", "reason"),
    [
        (silent, "a.wav", "the sound is silent"),
        (empty, "a.wav", r"can't be read as audio \(empty\)"),
        (text, "a.wav", r"can't be read as audio \(truncated, damaged or not a media file\)"),
        (text, "a.txt", "no audio stream|not a media file"),
        (no_samples, "a.wav", "holds no sound"),
        (not_a_number, "a.wav", "has samples that are no numbers"),
        (unknown, "a.wav", "in a format that FFmpeg doesn't know"),
        (short, "a.wav", r"lasts 0\.10 s, at least 0\.2 s are needed"),
        (just_too_short, "a.wav", r"lasts 0\.19 s, at least 0\.2 s are needed"),
        (picture_alone, "a.mp4", "no audio stream"),
        (missing, "a.wav", "No such file"),
        (folder, "a.wav", "Is a directory"),
    ],
)
def test_sound_that_cannot_be_used_says_why_in_one_line(tmp_path, make, name, reason):
    path = make(tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name}: .*({reason})") as caught:
        Sound(path)
    assert "\n" not in str(caught.value)


# Recordings that were joined


def aac(rate: int, layout: str = "mono") -> bytes:
    """A second of noise as a raw AAC stream; such streams can be joined byte by byte."""
    noise = np.random.default_rng(0).normal(0, 0.1, (1, rate)).astype(np.float32)
    held = io.BytesIO()
    with av.open(held, "w", format="adts") as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        channels = np.repeat(noise, stream.channels, axis=0)
        frame = av.AudioFrame.from_ndarray(channels, format="fltp", layout=layout)
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return held.getvalue()


@pytest.mark.parametrize("first", ["mono", "stereo"])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_channels_may_come_or_go(tmp_path, rate, first):
    parts = aac(rate, first), aac(rate, "stereo" if first == "mono" else "mono")
    path = tmp_path / "a.aac"
    seconds = []
    for joined in (parts[0], parts[1], b"".join(parts)):
        path.write_bytes(joined)
        seconds.append(Sound(path).seconds)
    assert seconds[2] == pytest.approx(seconds[0] + seconds[1], abs=0.05)
    halves = np.array_split(np.concatenate(list(Sound(path).blocks())), 2)
    assert halves[0].std() == pytest.approx(halves[1].std(), rel=0.5)


def test_another_rate_in_the_middle_is_told(tmp_path):
    path = tmp_path / "a.aac"
    path.write_bytes(aac(44_100) + aac(22_050))
    with pytest.raises(ValueError, match=r"a\.aac: its sound changes from 44100 to 22050 samples"):
        Sound(path)
