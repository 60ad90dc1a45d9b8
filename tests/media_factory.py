"""Synthetic clips for tests: pictures that carry their own time stamp, clicks, any container.

All times are seconds on the file's clock.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import av.video.reformatter
import cv2
import matplotlib
import numpy as np
import skimage.data

CLOCK = Fraction(1, 90_000)
SOUND_RATE = 48_000

_CELL = 8
_CODE_BITS = 24
_CODE_UNIT = 1e-4

#: Makes the picture of a moment: uint8 RGB [H, W, 3], or a frame in the clip's own pixel format.
Picture = Callable[[float], np.ndarray | av.VideoFrame]


@cache
def astronaut() -> np.ndarray:
    """Her face, about 90 px wide, in 256 x 256."""
    return np.ascontiguousarray(skimage.data.astronaut()[0:256, 96:352])


@cache
def hopper() -> np.ndarray:
    """Grace Hopper's face, larger than the astronaut's, in 256 x 256."""
    photo = cv2.imread(f"{matplotlib.get_data_path()}/sample_data/grace_hopper.jpg")
    photo = cv2.cvtColor(photo, cv2.COLOR_BGR2RGB)[:512, :512]
    return cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)


def regular_times(fps: Fraction | float, seconds: float, *, start: float = 0.0) -> np.ndarray:
    """Time stamps at a constant rate."""
    return start + np.arange(round(seconds * fps)) / float(fps)


def jittered_times(seconds: float, *, start: float = 0.0, seed: int = 0) -> np.ndarray:
    """Time stamps with steps between 1/60 and 1/15 s, as phones write them."""
    steps = np.random.default_rng(seed).uniform(1 / 60, 1 / 15, round(60 * seconds))
    times = np.concatenate([[0.0], np.cumsum(steps)])
    return start + times[times < seconds]


def time_code(flashes: Iterable[float] = (), *, flash_length: float = 0.15) -> Picture:
    """Pictures of 64 x 64: above, the time in 24 black and white cells; below, white in a flash."""
    flashes = np.asarray(list(flashes))

    def picture(time: float) -> np.ndarray:
        bits = (round(time / _CODE_UNIT) >> np.arange(_CODE_BITS)) & 1
        cells = np.zeros((8, 8), np.uint8)
        cells.flat[:_CODE_BITS] = 255 * bits
        lit = np.any((flashes <= time) & (time < flashes + flash_length))
        cells[4:] = 255 * lit
        grey = np.kron(cells, np.ones((_CELL, _CELL), np.uint8))
        return np.repeat(grey[..., None], 3, axis=2)

    return picture


def read_time_code(grey: np.ndarray) -> tuple[float, bool]:
    """(time, flash) of a picture of `time_code`, given in grey [64, 64]."""
    cells = grey.reshape(8, _CELL, 8, _CELL).mean((1, 3)) > 127
    bits = cells.ravel()[:_CODE_BITS]
    return float(bits @ (1 << np.arange(_CODE_BITS))) * _CODE_UNIT, bool(cells[5:7].all())


def clicks(
    moments: Iterable[float], seconds: float, *, start: float = 0.0, rate: int = SOUND_RATE
) -> np.ndarray:
    """Sound from `start` for `seconds`: a 2 ms click at every moment, silence between."""
    sound = np.zeros(round(seconds * rate), np.float32)
    length = rate // 500
    click = np.hanning(length) * np.sin(2 * np.pi * 2000 * np.arange(length) / rate)
    for moment in moments:
        first = round((moment - start) * rate) - length // 2
        if first >= 0 and first + length <= sound.size:
            sound[first : first + length] = 0.8 * click
    return sound


def make_clip(
    path: Path,
    *,
    times: Sequence[float] = (),
    picture: Picture | None = None,
    codec: str = "libx264",
    codec_options: dict[str, str] | None = None,
    pixel_format: str = "yuv420p",
    colour_space: int | None = None,
    colour_range: int | None = None,
    clockwise: int = 0,
    mirrored: bool = False,
    rate: Fraction | None = None,
    sound: np.ndarray | None = None,
    sound_start: float = 0.0,
    sound_rate: int = SOUND_RATE,
    sound_codec: str = "aac",
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a clip whose frames stand at `times` (none: sound only) and return its path.

    H.264 is written with B-frames, and at a quality where codes and colours survive.
    `colour_space` and `colour_range` are FFmpeg's AVCOL_SPC_* and AVCOL_RANGE_* numbers;
    `clockwise` (degrees) is the turn that the container asks players for,
    `mirrored` whether to swap left and right after it; `rate` makes the clock of the
    stream 1 / rate, for containers and codecs that want a constant one.
    """
    picture = picture or time_code()
    with av.open(str(path), "w", options=container_options or {}) as container:
        video_stream = audio_stream = None
        images = [picture(float(time)) for time in times[:1]]
        if images:
            if codec_options is None and codec == "libx264":
                codec_options = {
                    "preset": "veryfast", "crf": "8", "x264-params": "bframes=2:b-adapt=0:threads=1"
                }  # fmt: skip
            step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.04
            average = rate or Fraction(1 / step).limit_denominator(1001)
            video_stream = container.add_stream(codec, rate=average, options=codec_options or {})
            first = images[0]
            shape = (first.height, first.width) if isinstance(first, av.VideoFrame) else first.shape
            video_stream.height, video_stream.width = shape[:2]
            video_stream.pix_fmt = pixel_format
            context = video_stream.codec_context
            context.time_base = 1 / rate if rate else CLOCK
            if colour_space is not None:
                context.colorspace = colour_space
            if colour_range is not None:
                context.color_range = colour_range
            if clockwise or mirrored:
                video_stream.set_display_matrix(_display_matrix(clockwise, mirrored))
        if sound is not None:
            audio_stream = container.add_stream(sound_codec, rate=sound_rate, layout="mono")
        reformatter = av.video.reformatter.VideoReformatter()
        for time in times:
            image = picture(float(time))
            if not isinstance(image, av.VideoFrame):
                image = av.VideoFrame.from_ndarray(image, format="rgb24")
                image = reformatter.reformat(image, format=pixel_format)
            image.time_base = context.time_base
            image.pts = round(Fraction(float(time)) / image.time_base)
            container.mux(video_stream.encode(image))
        if video_stream is not None:
            container.mux(video_stream.encode())
        if audio_stream is not None:
            frame = av.AudioFrame.from_ndarray(
                np.asarray(sound, np.float32)[None], format="fltp", layout="mono"
            )
            frame.sample_rate, frame.time_base = sound_rate, Fraction(1, sound_rate)
            frame.pts = round(sound_start * sound_rate)
            container.mux(audio_stream.encode(frame))
            container.mux(audio_stream.encode())
    return path


def make_disordered_clip(path: Path, times: Sequence[float], picture: Picture) -> Path:
    """Write a Matroska file of JPEGs whose time stamps (in ms steps) come in any order."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", rate=25, options={"qmin": "1", "qmax": "2"})
        stream.height, stream.width = picture(0.0).shape[:2]
        stream.pix_fmt = "yuvj420p"
        for number, time in enumerate(times):
            image = av.VideoFrame.from_ndarray(picture(float(time)), format="rgb24")
            image = image.reformat(format="yuvj420p")
            image.pts = number
            for packet in stream.encode(image):
                packet.time_base = Fraction(1, 1000)
                packet.dts = number - len(times)
                packet.pts = round(1000 * time)
                container.mux(packet)
    return path


def _display_matrix(clockwise: int, mirrored: bool) -> list[int]:
    """The matrix of a track header (ISO/IEC 14496-12, 8.3.2): x' = ax + cy, y' = bx + dy."""
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise]
    one, x_one = 1 << 16, -1 << 16 if mirrored else 1 << 16
    return [cos * x_one, sin * one, 0, -sin * x_one, cos * one, 0, 0, 0, 1 << 30]
