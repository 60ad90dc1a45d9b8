"""Video and audio in: 25 frames and 16,000 samples a second inside, any rate outside."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import av.filter
import numpy as np

from emohead.data.mead import FPS, Clip

SAMPLE_RATE = 16_000
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS

# Pixel formats whose first plane is an 8-bit luma: taken as it is, for speed.
_LUMA_FIRST = frozenset(
    f"yuv{jpeg}{sampling}p" for jpeg in ("", "j") for sampling in ("420", "422", "444")
)
#: A video that ends this many seconds before its header says has lost something.
_MISSING_END = 0.5
#: Seconds: a clock that goes further ahead or further back than this at one frame is broken.
_LONGEST_STEP, _LONGEST_STEP_BACK = 10.0, 0.1
#: The greatest share of frames whose time stamps may go back. A third of those of H.264 in AVI do.
_MOST_LATE = 0.05
#: Pixels: a multiple of the sampling of every format's colour planes, and of FFmpeg's dither.
_COLOUR_GRID = 8
#: Blocks of sound whose time stamps are off by up to so many seconds follow each other.
_AUDIO_JITTER = 0.01


class MediaError(ValueError):
    """A file that can't be used, with its name and what is wrong with it."""


@dataclass(frozen=True)
class VideoFacts:
    """What a file says of its video: size as stored (px), average `fps`, and `start`.

    `start` is the time of the first frame on the file's clock, in seconds.
    """

    width: int
    height: int
    fps: float
    start: float


def probe_video(path: Path) -> VideoFacts:
    """Read the facts and the first frame of a video; errors as `iterate_frames`."""
    with _opened(path, "video") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        first = next(container.decode(stream), None)
        if first is None:
            raise MediaError(f"{path}: holds no frame")
        return VideoFacts(
            stream.width, stream.height, float(stream.average_rate or FPS), first.time or 0.0
        )


def iterate_frames(path: Path) -> Iterator[av.VideoFrame]:
    """Frames of a video at 25 fps, upright; convert them with `luma` and `RgbPart`.

    Frame t is the source frame whose time stamp is nearest to t / 25 s after the first one's, so
    that variable and other rates keep their timing (reading 30 fps frames as 25 fps is a known
    silent bug). A source frame that is shown twice is the same object twice. Decoding takes one
    thread: clips are decoded side by side.

    Raises MediaError when the file can't be read or has no picture, and, after the frames before
    that place, where the decoder finds damage, the clock jumps, or the video ends long before its
    header says. Damage is not bridged: what follows refers to the damaged frame.
    """
    with _opened(path, "video") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        period = float(1 / (stream.average_rate or FPS))
        t, start, previous, previous_time, count, late = 0, 0.0, None, 0.0, 0, 0
        rotation, matrix = None, None
        for frame in container.decode(stream):
            # Not from every frame: a frame whose side data was read waits for the garbage
            # collector, and hundreds of them fill a gigabyte.
            if frame.rotation != rotation:
                rotation, matrix = frame.rotation, frame.side_data.get("DISPLAYMATRIX")
                matrix = None if matrix is None else np.frombuffer(bytes(matrix), np.int32)
            time = previous_time + period if frame.time is None else frame.time
            if frame.is_corrupt:
                raise MediaError(f"{path}: damaged at {time:.1f} s")
            if previous is None:
                start = time
            elif not -_LONGEST_STEP_BACK <= time - previous_time <= _LONGEST_STEP:
                raise MediaError(
                    f"{path}: its clock jumps from {previous_time:.1f} to {time:.1f} s"
                )
            elif time <= previous_time:
                late += time < previous_time
                continue
            else:
                # A frame is shown until halfway to its successor.
                while t / FPS < (previous_time + time) / 2 - start:
                    yield previous
                    t += 1
            previous, previous_time, count = _upright(frame, matrix), time, count + 1
        if previous is None:
            raise MediaError(f"{path}: holds no frame")
        # Nothing follows the last frame: it lasts as long as the others do.
        if count > 1:
            period = (previous_time - start) / (count - 1)
        end = previous_time - start + period
        while t / FPS <= end - 0.5 / FPS or t == 0:
            yield previous
            t += 1
        if late > _MOST_LATE * (count + late):
            raise MediaError(
                f"{path}: {late} of {count + late} time stamps go back: convert it to MP4"
            )
        announced = _announced_duration(stream)
        if end < announced - _MISSING_END:
            raise MediaError(f"{path}: ends after {end:.1f} of {announced:.1f} s: truncated")


def _announced_duration(stream: av.VideoStream) -> float:
    """How many seconds the file's header says that the video takes; 0 when it doesn't say."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # Matroska writes the end of the last frame as "00:00:03.000000000".
    try:
        hours, minutes, seconds = map(float, stream.metadata.get("DURATION", "").split(":"))
    except ValueError:
        return 0.0
    start = float((stream.start_time or 0) * stream.time_base)
    return 3600 * hours + 60 * minutes + seconds - start


def _upright(frame: av.VideoFrame, matrix: np.ndarray | None) -> av.VideoFrame:
    """The frame turned and mirrored as its file's display matrix, int32 [9], asks for."""
    if matrix is None:
        return frame
    # ISO/IEC 14496-12, 8.3.2: a pixel is shown at x' = a x + c y, y' = b x + d y.
    a, b, _, c, d = matrix[:5]
    swapped = abs(b) > abs(a)
    mirror_x, mirror_y = (c < 0, b < 0) if swapped else (a < 0, d < 0)
    if not (swapped or mirror_x or mirror_y):
        return frame
    image = frame.to_ndarray(format="rgb24")
    if swapped:
        image = image.transpose(1, 0, 2)
    image = image[:: -1 if mirror_y else 1, :: -1 if mirror_x else 1]
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")


def luma(frame: av.VideoFrame) -> np.ndarray:
    """A frame in grey, uint8 [H, W].

    Of common video it is the frame's own luma as stored, in limited range mostly; read-only.
    """
    if frame.format.name in _LUMA_FIRST:
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        return rows[: frame.height, : frame.width]
    # Between unequal matrices, FFmpeg would go through RGB, which takes ten times as long.
    return frame.to_ndarray(format="gray", src_colorspace="ITU601", dst_colorspace="ITU601")


class RgbPart:
    """Converts one part of every frame: [x0, x1) x [y0, y1) of `box`, all of it when None.

    Shrunk to `size` (width, height), by averaging, when that is given. Turning the whole of a
    1080p frame into RGB takes longer than decoding it.
    """

    def __init__(
        self, box: tuple[int, int, int, int] | None = None, size: tuple[int, int] | None = None
    ):
        self._box, self._size = box, size
        if box is not None and size == (box[2] - box[0], box[3] - box[1]):
            self._size = None
        self._geometry: tuple[int, int, str] | None = None

    def of(self, frame: av.VideoFrame) -> np.ndarray:
        """The part, uint8 [h, w, 3]."""
        geometry = (frame.width, frame.height, frame.format.name)
        if geometry != self._geometry:
            self._graph = self._make_graph(frame)
            self._geometry = geometry
        # The filters want growing time stamps, which repeated frames don't have.
        frame.pts = None
        self._graph.push(frame)
        image = self._graph.pull().to_ndarray()
        if self._box is None or self._size is not None:
            return image
        x0, y0, x1, y1 = self._box
        outer_x0, outer_y0, *_ = self._filtered_box(frame)
        return image[y0 - outer_y0 : y1 - outer_y0, x0 - outer_x0 : x1 - outer_x0]

    def _filtered_box(self, frame: av.VideoFrame) -> tuple[int, int, int, int]:
        """What the filters cut out: more than the box, on the grid of the colour planes.

        Elsewhere, the colours of 4:2:0 video would lie a pixel beside their shapes; in a part that
        is shrunk afterwards, that is let be.
        """
        if self._box is None:
            return 0, 0, frame.width, frame.height
        if self._size is not None:
            return self._box
        x0, y0, x1, y1 = self._box
        grid = _COLOUR_GRID
        return (
            max(x0 // grid - 1, 0) * grid,
            max(y0 // grid - 1, 0) * grid,
            min((-(-x1 // grid) + 1) * grid, frame.width),
            min((-(-y1 // grid) + 1) * grid, frame.height),
        )

    def _make_graph(self, frame: av.VideoFrame) -> av.filter.Graph:
        x0, y0, x1, y1 = self._filtered_box(frame)
        filters = [("crop", f"{x1 - x0}:{y1 - y0}:{x0}:{y0}:exact=1")]
        if self._size is not None:
            # The last two flags go together: one alone makes everything a level darker.
            size = "{}:{}".format(*self._size)
            filters.append(("scale", f"{size}:flags=area+accurate_rnd+full_chroma_int"))
        graph = av.filter.Graph()
        graph.link_nodes(
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format,
                time_base=Fraction(1, FPS),
            ),
            *(graph.add(name, arguments) for name, arguments in filters),
            graph.add("format", "rgb24"),
            graph.add("buffersink"),
        ).configure()  # fmt: skip
        return graph


def read_video(path: Path) -> np.ndarray:
    """All frames of a video at 25 fps, uint8 [T, H, W, 3] RGB; errors as `iterate_frames`."""
    whole = RgbPart()
    return np.stack([whole.of(frame) for frame in iterate_frames(path)])


def read_audio(path: Path, *, start: float = 0.0) -> np.ndarray:
    """The sound of a file as float32 [N] in [-1, 1], 16 kHz, one channel.

    Sample 0 lies at `start` seconds of the file's clock; what comes before is left out, and where
    the file has no sound there is silence. Raises MediaError when the file can't be read or has no
    sound.
    """
    return np.concatenate([block[0] for block in iterate_audio(path, start=start)])


def iterate_audio(
    path: Path, *, start: float = 0.0, rate: int = SAMPLE_RATE, layout: str = "mono"
) -> Iterator[np.ndarray]:
    """The sound of a file in blocks float32 [channels, n], a few of which make a second.

    `rate` in samples a second; `layout` "mono" or "stereo"; the rest, and the errors, as
    `read_audio`.
    """
    filled = 0
    with _opened(path, "audio") as container:
        for block in _resampled(path, container.decode(audio=0), rate, layout):
            samples = block.to_ndarray()
            place = filled if block.time is None else round((block.time - start) * rate)
            if abs(place - filled) <= _AUDIO_JITTER * rate and filled:
                place = filled
            if place - filled > _LONGEST_STEP * rate:
                raise MediaError(f"{path}: the clock of its sound jumps to {block.time:.1f} s")
            samples = samples[:, max(filled - place, 0) :]
            if samples.size:
                if place > filled:
                    yield np.zeros((len(samples), place - filled), np.float32)
                yield samples
                filled = max(place, filled) + samples.shape[1]
    if not filled:
        raise MediaError(f"{path}: holds no sound")


def _resampled(
    path: Path, frames: Iterable[av.AudioFrame], rate: int, layout: str
) -> Iterator[av.AudioFrame]:
    """The sound in one format, though channels come or go in it, as where recordings were joined.

    Raises MediaError where its rate changes: containers keep on counting in the first one.
    """
    resampler, kind, source_rate = None, None, None
    for frame in chain(frames, [None]):
        now = frame and (frame.format.name, frame.layout.name)
        if now != kind:
            if resampler is not None:
                yield from resampler.resample(None)
            resampler, kind = av.AudioResampler(format="fltp", layout=layout, rate=rate), now
        if frame is not None:
            source_rate = source_rate or frame.sample_rate
            if frame.sample_rate != source_rate:
                raise MediaError(
                    f"{path}: its sound changes from {source_rate} to {frame.sample_rate} samples "
                    "a second: convert it to WAV"
                )
            yield from resampler.resample(frame)


@dataclass(frozen=True)
class SoundFacts:
    """What a file says of its sound: `channels`; and `start`, where its clock begins (seconds)."""

    channels: int
    start: float


def probe_sound(path: Path) -> SoundFacts:
    """Read the facts of a file's sound; errors as `iterate_audio`, but for damage further on."""
    with _opened(path, "audio") as container:
        # Sound that begins before 0 is what the encoder needed to start with, to be left out.
        start = max(container.start_time or 0, 0) / av.time_base
        return SoundFacts(container.streams.audio[0].channels, start)


def clip_audio(clip: Clip) -> np.ndarray:
    """A clip's sound, float32 [N], 16 kHz; sample 0 is heard when frame 0 is seen.

    A file of its own shares the video's clock. Raises MediaError when it can't be read.
    """
    return read_audio(clip.audio, start=probe_video(clip.video).start)


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[av.container.InputContainer]:
    """An open file that has a stream of this kind; FFmpeg's errors become MediaErrors."""
    try:
        # Without the scheme, "take 1: hello.mp4" would be an address. Titles have any encoding.
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            streams = getattr(container.streams, kind)
            if not streams:
                raise MediaError(f"{path}: no {kind} stream")
            if streams[0].codec_context is None:
                raise MediaError(f"{path}: its {kind} is in a format that FFmpeg doesn't know")
            yield container
    except av.error.FFmpegError as error:
        reason = error.strerror
        if isinstance(error, av.error.InvalidDataError):
            reason = "truncated, damaged or not a media file" if path.stat().st_size else "empty"
        raise MediaError(f"{path}: can't be read as {kind} ({reason})") from error
