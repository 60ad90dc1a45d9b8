"""What people really put in, after public reports: each kind has its right answer."""

import fcntl
import html
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import warnings
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from matplotlib.text import Text
from media_factory import astronaut, hopper, make_clip, regular_times, time_code
from PIL import Image
from score_factory import random_scores, write_scores
from test_report_figures import method

from emohead.config import origin_note
from emohead.data.footage import read_footage
from emohead.data.mead import Clip, find_clips, find_left_out
from emohead.evaluation.summary import read_scores
from emohead.evaluation.table1 import group_scores
from emohead.features.clip import FeatureOptions, extract_clip
from emohead.features.comparison import compare, count_faces
from emohead.features.faces import NoFaceError
from emohead.features.lips import LAGS, lag_seconds, lip_curve, read_curve, write_curve
from emohead.features.store import Shard, ShardWriter, open_hdf5
from emohead.files import put_link
from emohead.generate.picture import read_picture
from emohead.generate.sound import Sound
from emohead.locks import locked
from emohead.media.librosa import LOCK
from emohead.media.reading import (
    MediaError,
    RgbPart,
    iterate_frames,
    luma,
    probe_video,
    read_audio,
    read_video,
)
from emohead.media.writing import write_video
from emohead.report.claims_forms import write_claims
from emohead.report.figures import draw_emotions_figure
from emohead.report.methods import Method
from emohead.report.pictures import draw_frames_figure, draw_landmarks_figure
from emohead.report.published_forms import write_published
from emohead.report.style import figure_label, save_figure
from emohead.report.table1_forms import write_table1

ROOT = Path(__file__).parent.parent
RATE = 16_000
LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def voice(seconds: float = 2.0, seed: int = 0) -> np.ndarray:
    """Tones in syllables of random length and pitch, float32 at 16 kHz."""
    rng = np.random.default_rng(seed)
    sound = []
    while sum(map(len, sound)) < seconds * RATE:
        time = np.arange(round(rng.uniform(0.1, 0.3) * RATE)) / RATE
        pitch, loudness = rng.uniform(100, 250), rng.uniform(0.1, 0.5)
        tone = sum(np.sin(2 * np.pi * pitch * k * time + k) / k for k in range(1, 12))
        sound += [
            loudness * np.hanning(len(time)) * tone,
            np.zeros(round(rng.uniform(0, 0.1) * RATE)),
        ]
    return np.concatenate(sound)[: round(seconds * RATE)].astype(np.float32) / 2


def write_sound(path: Path, samples: np.ndarray, codec: str = "aac", rate: int = RATE) -> Path:
    """Sound [channels, n] or [n] of 1 or 2 channels, in any codec."""
    samples = np.atleast_2d(samples).astype(np.float32)
    layout = "mono" if len(samples) == 1 else "stereo"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout=layout
        )
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_float_wav(path: Path, samples: np.ndarray) -> Path:
    """Any numbers, any channels [channels, n]; PyAV writes eight at most."""
    samples = np.atleast_2d(samples)
    count, data = len(samples), samples.T.astype("<f4").tobytes()
    head = struct.pack("<IHHIIHH", 16, 3, count, RATE, 4 * RATE * count, 4 * count, 32)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + head
        + b"data" + struct.pack("<I", len(data)) + data
    )  # fmt: skip
    return path


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of two sounds that start together."""
    length = min(len(one), len(other))
    return float(np.corrcoef(one[:length], other[:length])[0, 1])


# Which of several streams


def write_streams(path, sounds=(), pictures=(), default=0):
    """A Matroska file of sounds [n] and of lists of pictures; one stream of each is the default."""
    with av.open(str(path), "w", format="matroska") as container:
        videos = [container.add_stream("mjpeg", rate=25) for _ in pictures]
        for stream, frames in zip(videos, pictures, strict=True):
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuvj420p"
        tracks = [container.add_stream("pcm_s16le", rate=RATE, layout="mono") for _ in sounds]
        for kind in (videos, tracks):
            for number, stream in enumerate(kind):
                stream.disposition = int(number == default)  # AV_DISPOSITION_DEFAULT
        for stream, frames in zip(videos, pictures, strict=True):
            for number, image in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                    format="yuvj420p"
                )
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        for stream, sound in zip(tracks, sounds, strict=True):
            pcm = np.round(sound * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("kinds", "default", "heard"),
    [("sv", 1, 1), ("sv", 0, 1), ("vw", 1, 1), ("vw", 0, 0), ("ssw", 0, 2)],
)
def test_the_default_sound_is_heard_unless_it_is_silent(tmp_path, kinds, default, heard):
    sounds = [{"s": 0 * voice(), "v": voice(), "w": voice(seed=1)}[kind] for kind in kinds]
    path = write_streams(tmp_path / "a.mkv", sounds, default=default)
    for samples in (read_audio(path), np.concatenate(list(Sound(path).blocks()))):
        assert alike(samples, sounds[heard]) > 0.99


def test_the_stream_that_moves_is_seen(tmp_path):
    still = [np.full((64, 64, 3), 200, np.uint8)] * 10
    moving = [np.full((64, 64, 3), 10 * t, np.uint8) for t in range(10)]
    path = write_streams(tmp_path / "a.mkv", pictures=[still, moving])
    np.testing.assert_allclose([f.mean() for f in read_video(path)], 10 * np.arange(10), atol=2)
    alone = write_streams(tmp_path / "b.mkv", pictures=[still])
    assert read_video(alone).mean() == pytest.approx(200, abs=2)


# Channels, silence


@pytest.mark.parametrize("codec", ["pcm_s16le", "aac"])
def test_channels_of_opposite_sign_are_heard(tmp_path, codec):
    suffix = {"aac": "m4a"}.get(codec, "wav")
    path = write_sound(tmp_path / f"a.{suffix}", np.stack([voice(), -voice()]), codec)
    assert abs(alike(read_audio(path), voice())) > 0.95
    sound = Sound(path)
    # A single loudspeaker would cancel it again.
    assert sound.layout == "mono"
    assert np.concatenate(list(sound.playback()), axis=1).std() == pytest.approx(
        voice().std(), rel=0.1
    )


def test_channels_that_go_together_are_heard_together(tmp_path):
    path = write_float_wav(tmp_path / "a.wav", np.stack([voice(), voice(seed=1)]))
    assert alike(read_audio(path), voice() + voice(seed=1)) > 0.999
    assert Sound(path).layout == "stereo"


def test_a_voice_in_one_of_twelve_channels_is_heard(tmp_path):
    channels = np.zeros((12, 2 * RATE), np.float32)
    channels[10] = voice()
    assert alike(read_audio(write_float_wav(tmp_path / "a.wav", channels)), voice()) > 0.99


@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_a_constant_offset_is_silence_and_a_voice_on_it_is_not(tmp_path, suffix):
    codec = {"m4a": "aac", "wav": "pcm_f32le"}[suffix]
    offset = np.full(2 * RATE, 0.3, np.float32)
    with pytest.raises(ValueError, match="the sound is silent"):
        Sound(write_sound(tmp_path / f"a.{suffix}", offset, codec))
    assert Sound(write_sound(tmp_path / f"b.{suffix}", offset + voice(), codec)).seconds > 1.9


@pytest.mark.parametrize(
    ("wrong", "message"), [(np.nan, "are no numbers"), (np.inf, "no numbers"), (9e3, "of 9,000")]
)
def test_samples_that_are_no_sound_are_named(tmp_path, wrong, message):
    samples = voice()
    samples[100] = wrong
    for read in (Sound, read_audio):
        with pytest.raises(ValueError, match=message):
            read(write_float_wav(tmp_path / "a.wav", samples))


# Sound that is partly damaged, or joined


def test_what_players_play_of_damaged_sound_is_used_and_said(tmp_path):
    mp3 = write_sound(tmp_path / "a.mp3", voice(2.5), "libmp3lame").read_bytes()
    aac = write_sound(tmp_path / "a.aac", voice(2.5)).read_bytes()
    damaged = {
        "joined.mp3": (mp3[: len(mp3) // 2] + b"ID3 junk" * 60 + mp3[len(mp3) // 2 :], 2.5),
        "tail.mp3": (mp3 + bytes(np.random.default_rng(0).integers(0, 255, 3000, np.uint8)), 2.5),
        "cut.aac": (aac[:-40], 2.4),
    }
    for name, (content, seconds) in damaged.items():
        (tmp_path / name).write_bytes(content)
        sound = Sound(tmp_path / name)
        assert sound.seconds == pytest.approx(seconds, abs=0.3)
        assert any("damaged at" in note for note in sound.notes)
        with pytest.raises(MediaError):
            read_audio(tmp_path / name)


@pytest.mark.parametrize(
    ("suffix", "codec", "lost"),
    [("wav", "pcm_s16le", slice(30_000, None)), ("ogg", "libopus", slice(8_000, 14_000))],
)
def test_sound_of_which_a_piece_is_missing_says_so(tmp_path, suffix, codec, lost):
    rate = 48_000 if codec == "libopus" else RATE
    samples = np.repeat(voice(4), rate // RATE)
    path = write_sound(tmp_path / f"a.{suffix}", samples, codec, rate)
    whole = Sound(path)
    assert whole.notes == ()
    content = bytearray(path.read_bytes())
    del content[lost]
    path.write_bytes(content)
    part = Sound(path)
    assert part.seconds < whole.seconds - 0.5
    (note,) = part.notes
    assert note.startswith(f"only {part.seconds:.1f} of 4.0 s of sound are there")


def test_a_wav_that_was_written_to_a_pipe_is_whole(tmp_path):
    path = write_float_wav(tmp_path / "a.wav", voice())
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 4 + content[8:40] + b"\xff" * 4 + content[44:])
    assert Sound(path).seconds == pytest.approx(2) and Sound(path).notes == ()


@pytest.mark.parametrize(("suffix", "codec"), [("flac", "flac"), ("mka", "aac")])
def test_joined_files_that_players_play_on_are_heard_to_the_end(tmp_path, suffix, codec):
    content = write_sound(tmp_path / f"a.{suffix}", voice(2), codec).read_bytes()
    (tmp_path / f"b.{suffix}").write_bytes(content * 2)
    assert Sound(tmp_path / f"b.{suffix}").seconds == pytest.approx(4, abs=0.2)
    with pytest.raises(MediaError, match="the clock of its sound goes back"):
        read_audio(tmp_path / f"b.{suffix}")


@pytest.mark.parametrize(("suffix", "codec"), [("wav", "pcm_s16le"), ("m4a", "aac")])
def test_joined_files_of_which_only_the_first_is_played_say_so(tmp_path, suffix, codec):
    content = write_sound(tmp_path / f"a.{suffix}", voice(2), codec).read_bytes()
    assert Sound(tmp_path / f"a.{suffix}").notes == ()
    (tmp_path / f"b.{suffix}").write_bytes(content * 2)
    (note,) = Sound(tmp_path / f"b.{suffix}").notes
    assert "only the first part is heard" in note
    with pytest.raises(MediaError, match="another sound file follows"):
        read_audio(tmp_path / f"b.{suffix}")


def test_sound_that_begins_late_has_silence_before_it(tmp_path):
    path = make_clip(
        tmp_path / "a.mkv", times=regular_times(25, 14), sound=voice(2), sound_start=12,
        sound_rate=RATE,
    )  # fmt: skip
    heard = read_audio(path)
    assert np.abs(heard[: 11 * RATE]).max() == 0
    assert alike(heard[12 * RATE :], voice(2)) > 0.9
    assert Sound(path).notes == ("there is no sound from 0.0 to 12.0 s: silence",)


# Colours, pixels, time


def write_special(path, images, *, codec="ffv1", pixel_format="yuv420p", times=None, aspect=None,
                  transfer=None, primaries=None, matrix=None, last=0.0):  # fmt: skip
    """Frames [H, W, 3] or VideoFrames with what headers can say of them; `last` is held (s)."""
    times = np.arange(len(images)) / 25 if times is None else times
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        first = images[0]
        shape = (first.height, first.width) if isinstance(first, av.VideoFrame) else first.shape
        stream.height, stream.width = shape[:2]
        stream.pix_fmt = pixel_format
        context = stream.codec_context
        context.time_base = Fraction(1, 1000)
        if aspect:
            context.sample_aspect_ratio = aspect
        for name, value in (("color_trc", transfer), ("color_primaries", primaries),
                            ("colorspace", matrix)):  # fmt: skip
            if value is not None:
                setattr(context, name, value)
        packets = []
        for image, time in zip(images, times, strict=True):
            if not isinstance(image, av.VideoFrame):
                image = av.VideoFrame.from_ndarray(image, format="rgb24")
                image = image.reformat(format=pixel_format)
            image.pts, image.time_base = round(1000 * time), Fraction(1, 1000)
            packets += stream.encode(image)
        packets += stream.encode()
        if last:
            packets[-1].duration = round(1000 * last)
        container.mux(packets)
    return path


def test_hlg_is_mapped_to_the_greys_that_it_shows(tmp_path):
    """ITU-R BT.2100: HLG's OETF and its OOTF, gamma 1.2; BT.2408: white is 203 of 1000 cd/m2."""
    greys = np.array([60, 120, 180])
    display = (greys / 255) ** 2.4 * 0.203
    scene = display ** (1 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    bright = a * np.log(np.maximum(12 * scene, 1) - b) + c
    signal = np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)
    code = np.round(64 + 876 * signal).astype(np.uint16)
    frame = av.VideoFrame(64, 64, "yuv420p10le")
    for plane, size in zip(frame.planes, (64, 32, 32), strict=True):
        filled = np.full((size, plane.line_size // 2), 512, np.uint16)
        if size == 64:
            for number, value in enumerate(code):
                filled[:, 20 * number : 20 * number + 24] = value
        plane.update(filled.tobytes())
    path = write_special(
        tmp_path / "a.mkv", [frame], pixel_format="yuv420p10le", transfer=18, primaries=9, matrix=9
    )
    shown = read_video(path)[0]
    np.testing.assert_allclose([shown[30, x].mean() for x in (10, 31, 52)], greys, atol=14)
    assert np.ptp(shown[30].astype(int), axis=1).max() <= 4  # grey


def test_pixels_that_are_not_square_are_stretched(tmp_path):
    image = np.zeros((64, 48, 3), np.uint8)
    cv2.circle(image, (24, 32), 15, (255, 255, 255), -1)
    for aspect, size in ((Fraction(4, 3), (64, 64)), (Fraction(3, 4), (48, 86))):
        path = write_special(tmp_path / "a.mp4", [image] * 3, codec="mpeg4", aspect=aspect)
        frame = next(iter(iterate_frames(path)))
        assert (frame.width, frame.height) == size
        bright = RgbPart().of(frame).mean(axis=2) > 128
        wide, high = np.ptp(np.flatnonzero(bright.any(0))), np.ptp(np.flatnonzero(bright.any(1)))
        assert wide / high == pytest.approx(float(aspect), abs=0.06)


def test_a_size_that_changes_is_named(tmp_path):
    for name, size in (("a", 64), ("b", 96)):
        picture = np.full((64, size, 3), 90, np.uint8)
        make_clip(
            tmp_path / f"{name}.h264", times=regular_times(25, 0.4), rate=Fraction(25),
            picture=lambda _, picture=picture: picture,
        )  # fmt: skip
    joined = tmp_path / "joined.h264"
    joined.write_bytes((tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes())
    with pytest.raises(MediaError, match=r"changes from 64x64 to 96x64 at 0\.4 s"):
        read_video(joined)


@pytest.mark.parametrize("held", [0.8, 2.4])
def test_a_held_last_frame_lasts(tmp_path, held):
    times = np.arange(20) / 25
    images = [time_code()(float(time)) for time in times]
    path = write_special(tmp_path / "a.mp4", images, codec="mpeg4", times=times, last=held)
    assert len(read_video(path)) == round((times[-1] + held) * 25)


# What happens inside a clip


def shown(image: np.ndarray, time: float, zoom: float = 1.0) -> np.ndarray:
    """A portrait that moves as a head does, up to 4 px a frame."""
    x, y = 6 * np.sin(9 * time), 4 * np.sin(5 * time)
    shift = np.array([[zoom, 0, x + 128 * (1 - zoom)], [0, zoom, y + 100 * (1 - zoom)]])
    return cv2.warpAffine(image, shift, (256, 256), borderMode=cv2.BORDER_REPLICATE)


def extract(folder, picture, seconds, finder, *, min_frames=10, **sound):
    path = make_clip(
        folder / "a.mp4", times=regular_times(25, seconds), picture=picture, sound=voice(seconds),
        sound_rate=RATE, codec_options={"preset": "ultrafast", "crf": "18"},
    )  # fmt: skip
    clip = Clip("anna", "front", "sad", 1, 7, path, sound.get("audio", path))
    with ShardWriter(folder / "shard.h5") as writer:
        options = FeatureOptions(crop_size=96, min_frames=min_frames)
        return extract_clip(clip, finder, options, writer)


CUTS = {
    "another person": lambda t: shown(hopper() if t > 0.99 else astronaut(), t),
    "times as large": lambda t: shown(astronaut(), t, 1.4 if t > 0.99 else 1.0),
    "another place": lambda t: np.roll(shown(astronaut(), t), 70 if t > 0.99 else 0, axis=1),
}


@pytest.mark.parametrize("what", CUTS)
def test_a_jump_of_the_face_is_named_with_its_time(tmp_path, finder, what):
    with pytest.raises(NoFaceError, match=rf"cut at 1\.00 s: .*{what}|no face in .* from 1\.00 s"):
        extract(tmp_path, CUTS[what], 2, finder)


def test_a_cross_fade_to_another_person_is_no_clip(tmp_path, finder):
    def faded(time, start):
        share = np.clip((time - start) / 0.4, 0, 1)
        mixed = (1 - share) * shown(astronaut(), time) + share * shown(hopper(), time)
        return mixed.astype(np.uint8)

    with pytest.raises(NoFaceError, match=r"cut at 0\.\d0 s: another person"):
        extract(tmp_path, lambda time: faded(time, 0.6), 2, finder)
    with pytest.raises(NoFaceError, match=r"cut at .* another person"):  # it ends with the clip
        extract(tmp_path, lambda time: faded(time, 1.36), 2, finder)
    made = extract(tmp_path, lambda time: faded(time, 4), 9, finder)
    one, other = made.clips
    assert one.start == 0 and 75 <= one.frames <= 4 * 25
    assert other.start >= 4.6 * 25 and other.start + other.frames == 9 * 25


def test_a_gap_is_named_with_its_time(tmp_path, finder):
    def away(time):
        return shown(astronaut(), time) if not 0.79 < time < 1.19 else np.full_like(astronaut(), 90)

    with pytest.raises(NoFaceError, match=r"no face in 6 frames in a row, .* from 0\.80 s on"):
        extract(tmp_path, away, 2, finder)


def test_of_long_footage_the_good_stretches_are_used(tmp_path, finder):
    def footage(time):
        if 3.19 < time < 3.59:
            return np.full_like(astronaut(), 90)
        return shown(hopper() if 6.79 < time < 7.59 else astronaut(), time)

    made = extract(tmp_path, footage, 10.8, finder)
    assert [(facts.clip_id, facts.start, facts.frames) for facts in made.clips] == [
        ("anna-front-sad-1-007", 0, 80),
        ("anna-front-sad-1-700002", 90, 80),
        ("anna-front-sad-1-700003", 190, 80),
    ]
    assert made.left_out.startswith("1.2 of 10.8 s are left out, 3 stretches are used")
    assert Shard(tmp_path / "shard.h5").clip_ids == sorted(f.clip_id for f in made.clips)


def test_a_stretch_is_no_shorter_than_a_clip_may_be(tmp_path, finder):
    def footage(time):
        away = 3.19 < time < 3.59
        return np.full_like(astronaut(), 90) if away else shown(astronaut(), time)

    made = extract(tmp_path, footage, 7.6, finder, min_frames=90)
    assert [(facts.start, facts.frames) for facts in made.clips] == [(90, 100)]


# The wrong sound of the right length


def test_another_sound_than_the_videos_own_is_rejected(tmp_path, finder):
    def face(time):
        return shown(astronaut(), time)

    right = write_sound(tmp_path / "right.m4a", voice(2))
    assert extract(tmp_path, face, 2, finder, audio=right).clips[0].frames == 50
    softer = write_sound(tmp_path / "softer.m4a", 0.3 * np.diff(voice(2), prepend=0) + 0.003)
    assert extract(tmp_path, face, 2, finder, audio=softer).clips
    other = write_sound(tmp_path / "other.m4a", voice(2, seed=5))
    with pytest.raises(MediaError, match=r"other\.m4a: holds another sound than .*a\.mp4"):
        extract(tmp_path, face, 2, finder, audio=other)
    late = write_sound(tmp_path / "late.m4a", np.pad(voice(2), (4800, 0))[: 2 * RATE])
    with pytest.raises(MediaError, match=r"late\.m4a: is 0\.30 s late against the sound of"):
        extract(tmp_path, face, 2, finder, audio=late)


def talking_landmarks(samples: np.ndarray, lag: int = 0) -> np.ndarray:
    """Landmarks whose lips open with the loudness of a sound, `lag` frames later."""
    frames = len(samples) // 640
    loudness = np.sqrt((samples[: frames * 640].reshape(frames, 640) ** 2).mean(axis=1))
    points = np.zeros((frames, 68, 2), np.float32)
    points[:, 36:42], points[:, 42:48] = (30, 40), (70, 40)
    points[:, 60:64], points[:, 64:68] = (50, 80), (50, 80)
    points[:, [67, 66, 65], 1] += 30 * np.roll(loudness, lag)[:, None]
    return points


@pytest.mark.parametrize("lag", [0, 4, -6])
def test_the_lag_of_lips_is_found(lag):
    curve = lip_curve(talking_landmarks(voice(8), lag), voice(8))
    assert LAGS[int(curve.argmax())] == lag and curve.max() > 0.8
    assert lag_seconds(read_curve(write_curve(curve))) == lag / 25
    other = np.mean(
        [lip_curve(talking_landmarks(voice(8, s)), voice(8, s + 9)) for s in range(9)], 0
    )
    assert np.abs(other).max() < 0.3
    assert not lip_curve(np.zeros((100, 68, 2)), voice(4)).any()


# Several faces in somebody's result, and others' mistakes


def test_faces_beside_each_other_are_counted(finder):
    def grey(*faces):
        return cv2.cvtColor(np.hstack(faces), cv2.COLOR_RGB2GRAY)

    assert count_faces(grey(hopper()), finder) == 1
    assert count_faces(grey(hopper(), hopper(), hopper()), finder) == 3
    assert count_faces(np.full((200, 200), 90, np.uint8), finder) == 0


@pytest.mark.parametrize(
    ("change", "lag", "told"),
    [
        (lambda image: image, 0, []),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 4) // 2, 2, []),
        (lambda image: image[:, ::-1], 0, ["left and right"]),
        (lambda image: image[..., ::-1], 0, ["red and blue"]),
        (lambda image: image, 8, ["the lips move 0.32 s later"]),
    ],
)
def test_what_speaks_for_a_mistake_is_named(change, lag, told):
    truth = [shown(astronaut(), time) for time in (0.0, 0.5)]
    said = compare(
        [change(image) for image in truth], truth,
        talking_landmarks(voice(4), lag), talking_landmarks(voice(4)),
    ).words  # fmt: skip
    assert len(said) == len(told)
    assert all(part in sentence for part, sentence in zip(told, said, strict=True))


# Names of files


def test_what_looks_like_a_clip_and_is_not_taken_is_named(tmp_path):
    front = tmp_path / "M003/video/front"
    for name in ("angry/level_1/001.mp4", "angry/level_1/001 (1).mp4", "angry/level_1/1.mp4",
                 "angry/level_1/._002.mp4", "angry/level_1/003.mp4.part", "angry/level_2/001.mp4",
                 "sad/Level_1/001.mp4", "anger/level_1/001.mp4", "notes/a.txt"):  # fmt: skip
        (front / name).parent.mkdir(parents=True, exist_ok=True)
        (front / name).touch()
    (front / "angry/level_1/010.mp4").mkdir()
    asked = {"speaker": "M003", "view": "front", "levels": [1]}
    (clip,) = find_clips(tmp_path / "M003", emotion="angry", **asked)
    assert clip.number == 1
    found = find_left_out(tmp_path / "M003", emotions=["angry", "sad"], **asked)
    assert [(each.folder, each.reason.split(" ")[0]) for each in found] == [
        ("M003 video/front/anger", "1"),
        ("M003 video/front/angry/level_1", "4"),
        ("M003 video/front/sad/Level_1", "1"),
    ]
    (tmp_path / "W017/video/down/angry/level_1").mkdir(parents=True)
    (left,) = find_left_out(
        tmp_path / "W017", speaker="W017", view="front", emotions=["angry"], levels=[1]
    )
    assert left.folder == "W017" and "views there: down" in left.reason


def test_a_colon_is_no_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_video(Path("12:30.mp4"), [np.zeros((64, 64, 3), np.uint8)] * 3)
    assert len(read_video(Path("12:30.mp4"))) == 3


@pytest.mark.end_to_end
def test_braces_in_names_and_an_environment_that_is_not_active(tmp_path, variables):
    folder = tmp_path / "br{a}ces [x]"
    folder.mkdir()
    (folder / "a.mp4").touch()
    (folder / "table.csv").write_text("file,speaker,emotion\na.mp4,anna,happy\n")
    footage = {"table": str(folder / "table.csv"), "folder": str(folder)}
    config = {"data": {"source": "footage", "footage": footage}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "1",
         "--directory", tmp_path, "--configfile", tmp_path / "mine.yaml",
         "--", "results/data/lists/anna-happy.csv"],
        env={**variables, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "anna-front-happy-1-001" in (tmp_path / "results/data/lists/anna-happy.csv").read_text()


# Tables as spreadsheets save them

TABLE = "file,speaker,emotion,level\nZoë.mp4,anna,happy,3\nb.mp4,anna,neutral,\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("cp1252"),
        TABLE.encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.replace(",", ";").encode(),
        TABLE.replace(",", "\t").encode("utf-16"),
        ("sep=;\n" + TABLE.replace(",", ";")).encode(),
        TABLE.replace("\n", "\r\n").encode() + b",,,\r\n , , ,\r\n",
        TABLE.replace("file,", "File,").replace("happy,3", "Happy,3.0").encode(),
    ],
)
def test_a_table_is_read_as_a_spreadsheet_saves_it(tmp_path, content):
    for name in ("Zoë.mp4", "b.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "table.csv").write_bytes(content)
    clips = read_footage(tmp_path / "table.csv", tmp_path)
    assert [clip.clip_id for clip in clips] == [
        "anna-front-happy-3-001", "anna-front-neutral-1-001"
    ]  # fmt: skip
    assert clips[0].video == tmp_path / "Zoë.mp4"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04workbook", r"table\.csv: is a workbook, .* CSV UTF-8"),
        (LFS_POINTER.encode(), r"table\.csv: is no table \(a Git LFS pointer"),
        (b"", r"table\.csv: is no table \(empty\)"),
        ("file,speaker,emotion\nb.mp4,Zoë,sad\n".encode("cp1252"), "line 2: speaker .* UTF-8"),
        (b"file,speaker,emotion\nb.mp4,\x81anna,sad\n", "CSV UTF-8"),
        ("file,speaker,emotion\nZoë.mp4,anna,sad\n".encode("mac_roman"), "no file .* CSV UTF-8"),
    ],
)
def test_what_is_no_table_is_named_with_the_way_out(tmp_path, content, message):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_footage(tmp_path / "table.csv", tmp_path)


# Disks


@pytest.mark.parametrize("code", [37, 95])
def test_a_disk_without_locks_is_said_and_gone_on_with(tmp_path, monkeypatch, capsys, code):
    def no_locks(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with locked(tmp_path / "lock"):
        pass
    assert "this disk has no locks" in capsys.readouterr().out


def test_librosa_is_imported_by_one_process_at_a_time():
    """Two that compile it at once leave files with which a third one dies."""
    with open(LOCK, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        importing = [sys.executable, "-c", "from emohead.features.mfcc import mfcc_windows"]
        with subprocess.Popen(importing) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            fcntl.flock(held, fcntl.LOCK_UN)
            assert process.wait(timeout=60) == 0


def test_hdf5_asks_for_no_locks(tmp_path):
    with open_hdf5(tmp_path / "a.h5", "w") as file:
        file["x"] = 1
    with open(tmp_path / "a.h5") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="lock"):
            h5py.File(tmp_path / "a.h5", locking=True)
        with open_hdf5(tmp_path / "a.h5") as file:
            assert file["x"][()] == 1


def test_a_disk_without_links_gets_a_copy(tmp_path, monkeypatch, capsys):
    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    (tmp_path / "file").write_bytes(b"content")
    put_link(tmp_path / "link", tmp_path / "file")
    assert (tmp_path / "link").is_symlink()
    monkeypatch.setattr(Path, "symlink_to", no_links)
    monkeypatch.setattr(Path, "hardlink_to", no_links)
    put_link(tmp_path / "copy", tmp_path / "file")
    assert (tmp_path / "copy").read_bytes() == b"content"
    assert "is copied" in capsys.readouterr().out


NO_LOCKS_NO_LINKS = """
#include <errno.h>
int flock(int file, int operation) { errno = EOPNOTSUPP; return -1; }
int symlink(const char *target, const char *path) { errno = EPERM; return -1; }
int symlinkat(const char *target, int folder, const char *path) { errno = EPERM; return -1; }
int link(const char *target, const char *path) { errno = EPERM; return -1; }
int linkat(int a, const char *target, int b, const char *path, int c) { errno = EPERM; return -1; }
"""


@pytest.mark.end_to_end
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_archives_on_a_disk_without_locks_and_links(tmp_path, snakemake_command):
    """From an archive to a shard, where every process is told that there are none."""
    (tmp_path / "no.c").write_text(NO_LOCKS_NO_LINKS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "no.so", "no.c"], cwd=tmp_path, check=True)
    clip = make_clip(
        tmp_path / "001.mp4", times=regular_times(25, 0.8), sound=voice(0.8), sound_rate=RATE,
        picture=lambda time: shown(astronaut(), time),
    )  # fmt: skip
    for kind, file, name in (
        ("video", clip, "video/front/sad/level_1/001.mp4"), ("audio", tmp_path / "no.c", "a.txt")
    ):  # fmt: skip
        with tarfile.open(tmp_path / f"{kind}.tar", "w") as archive:
            archive.add(file, f"M003/{name}")
    (tmp_path / "table.csv").write_text(
        f"speaker,kind,url,sha256,bytes\nM003,video,{tmp_path}/video.tar,,\n"
        f"M003,audio,{tmp_path}/audio.tar,,\n"
    )
    data = {"source": "archives", "archives": {"table": "table.csv", "downloads": "downloads"},
            "speakers": ["M003"], "emotions": ["sad"], "levels": [1]}  # fmt: skip
    config = {"data": data, "features": {"crop_size": 64}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(config))
    flags = ["--configfile", str(tmp_path / "mine.yaml")]
    command = snakemake_command(tmp_path, "results/rejected.csv", *flags)
    command["env"]["LD_PRELOAD"] = str(tmp_path / "no.so")
    done = subprocess.run(**command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "results/clips.csv").read_text().splitlines()) == 2
    logs = "".join(path.read_text() for path in (tmp_path / "results/logs").rglob("*.log"))
    assert "this disk has no locks" in logs and "is copied" in logs


# Labels


@pytest.mark.parametrize("label", ["Ours ($\\bm{\\alpha}$)", "Ba$$in", "_evp", "我们的方法"])
def test_any_label_is_drawn_as_text(tmp_path, label):
    figure = Figure()
    axis = figure.subplots()
    drawn = axis.set_title(figure_label("ours", label))
    save_figure(figure, [tmp_path / "a.png", tmp_path / "a.pdf"])
    assert not drawn.get_parse_math() or drawn._preprocess_math(drawn.get_text())[1] is False
    assert drawn.get_text().replace("\\$", "$") in (label, "ours")
    if label.isascii():
        assert drawn.get_text().replace("\\$", "$") == label


LABELS = {
    "ours": "Ours ($\\bm{\\alpha}$)", "baseline": "Ba$$in", "evp": "_evp_", "theirs": "我们的方法",
    "fifth": "50 %|<b>&amp; {x}\\textbf a_b*c*",
}  # fmt: skip


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Scores of the methods that are called so."""
    scores = random_scores(("ground_truth", "baseline", "ours"), seeds=(0,), networks=False)
    ours = scores[scores["method"] == "ours"]
    others = [ours.assign(method=name) for name in ("evp", "theirs", "fifth")]
    return write_scores(tmp_path_factory.mktemp("scored"), pd.concat([scores, *others]))


def test_any_label_stands_as_text_in_every_figure(tmp_path, scored):
    methods = [
        replace(method(name), label=LABELS.get(name, name)) for name in ("ground_truth", *LABELS)
    ]
    clips = {"happy": "W901-front-happy-3-001"}
    figures = [
        draw_landmarks_figure(methods, clips), draw_frames_figure(methods, clips),
        draw_emotions_figure(group_scores(read_scores(scored), LABELS, "neutral")),
    ]  # fmt: skip
    for figure in figures:
        with warnings.catch_warnings(action="error"):  # of letters that a font lacks
            save_figure(figure, [tmp_path / "a.png", tmp_path / "a.pdf"])
        drawn = {text.get_text().replace("\\$", "$") for text in figure.findobj(Text)}
        for name, label in LABELS.items():
            assert label in drawn or (not label.isascii() and name in drawn)


def rendered(markdown: str) -> str:
    """As HTML; CommonMark and GitHub's tables know no formulas, whose `$` must be escaped."""
    assert not re.search(r"(?<!\\)\$", markdown)
    return MarkdownIt("gfm-like", {"linkify": False}).render(markdown)


@pytest.mark.parametrize("write", [write_table1, write_published, write_claims])
def test_any_label_stands_as_text_in_every_table(tmp_path, scored, write):
    methods = [Method(name, label) for name, label in LABELS.items()]
    notes = {"notes": [f"{label}: a note." for label in LABELS.values()]}
    page, markdown = tmp_path / "a.html", tmp_path / "a.md"
    write(scored, methods, [page, markdown], **notes if write is write_table1 else {})
    named = [LABELS["ours"], LABELS["baseline"]]
    for text in (page.read_text(), rendered(markdown.read_text())):
        assert "<b>" not in text
        shown = named if write is write_claims else LABELS.values()
        assert all(label in html.unescape(text) for label in shown)


# Pointers, and metadata beside good pictures


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (LFS_POINTER, "Git LFS pointer"),
        ("/annex/objects/SHA256E-s123--4d7a.mp4\n", "git-annex pointer"),
        ("../../.git/annex/objects/Xk/7q/SHA256E-s123--4d7a.mp4/SHA256E-s123--4d7a.mp4", "annex"),
        ("<!DOCTYPE html>\n<html>Sign in</html>", "web page"),
        ('<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "web page"),
        ("", "empty"),
        ("\0" * 9000, "zeros in place"),
    ],
)
def test_what_stands_in_the_place_of_a_file_is_named(tmp_path, content, what):
    (tmp_path / "a.mp4").write_text(content)
    for read in (probe_video, read_audio, read_picture):
        with pytest.raises(ValueError, match=what):
            read(tmp_path / "a.mp4")


def exif(*tags: bytes) -> bytes:
    """EXIF data of these entries, 12 bytes each (TIFF 6.0, section 2)."""
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(tags)) + b"".join(tags) + bytes(4)


ORIENTATION_6 = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)


@pytest.mark.parametrize(
    "tag",
    [
        struct.pack(">HHI4s", 0x011A, 2, 4, b"abc\0"),  # XResolution as text
        struct.pack(">HHI4s", 0x011A, 1, 4, b"abcd"),
        struct.pack(">HHI4s", 0x011A, 7, 4, b"abcd"),
        struct.pack(">HHII", 0x011A, 5, 1, 999_999),  # outside of the file
    ],
)
def test_a_picture_with_odd_exif_data_is_used_upright(tmp_path, tag):
    image = Image.fromarray(np.pad(np.full((20, 20, 3), 250, np.uint8), ((0, 20), (0, 0), (0, 0))))
    image.save(tmp_path / "a.jpg", exif=exif(ORIENTATION_6, tag), quality=95)
    picture = read_picture(tmp_path / "a.jpg").mean(axis=2)
    # The white half, stored above, is shown at the right.
    assert picture.shape == (20, 40)
    assert picture[:, 25:].min() > 200 > 50 > picture[:, :15].max()


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_a_picture_with_large_metadata_is_used(tmp_path, kind):
    image = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    body = kind + b"name\0\0" + zlib.compress(bytes(3_000_000))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), image)


# Notes


def test_notes_belong_to_the_data_and_the_sizes():
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert origin_note(config).startswith("Mini preset: two animated portraits")
    config["data"]["source"] = "folder"
    assert origin_note(config).startswith("Small models")
    config["landmarks"]["options"]["reference_width"] = 512
    config["translator"]["options"]["widths"] = [64, 128, 256, 512, 512, 512]
    assert origin_note(config) is None
    config["data"]["source"] = "mini"
    assert "small models" not in origin_note(config)


def test_luma_of_mapped_frames_is_what_faces_are_looked_for_in(tmp_path):
    image = np.full((64, 48, 3), 90, np.uint8)
    path = write_special(tmp_path / "a.mp4", [image] * 2, codec="mpeg4", aspect=Fraction(4, 3))
    assert {luma(frame).shape for frame in iterate_frames(path)} == {(64, 64)}
