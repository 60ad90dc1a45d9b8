"""Video and audio in: 25 frames and 16,000 samples a second inside, any rate outside."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np

from emohead.data.mead import FPS, Clip
from emohead.media.pictures import Normaliser
from emohead.media.sound import SAMPLE_RATE, SAMPLES_PER_FRAME, read_audio
from emohead.media.streams import MediaError, opened

__all__ = [
    "SAMPLES_PER_FRAME", "SAMPLE_RATE", "MediaError", "RgbPart", "VideoFacts", "clip_audio",
    "iterate_frames", "luma", "probe_video", "read_audio", "read_video",
]  # fmt: skip

# Pixel formats whose first plane is an 8-bit luma: taken as it is, for speed.
_LUMA_FIRST = frozenset(
    f"yuv{jpeg}{sampling}p" for jpeg in ("", "j") for sampling in ("420", "422", "444")
)
#: A video that ends this many seconds before its header says has lost something.
_MISSING_END = 0.5
#: Seconds: a clock that goes further ahead or further back than this at one frame is broken.
_LONGEST_STEP, _LONGEST_STEP_BACK = 10.0, 0.1
#: A last frame that lasts so many times as long as the others, on average, is held.
_HELD = 1.5
#: The greatest share of frames whose time stamps may go back. A third of those of H.264 in AVI do.
_MOST_LATE = 0.05
#: Pixels: a multiple of the sampling of every format's colour planes, and of FFmpeg's dither.
_COLOUR_GRID = 8


@dataclass(frozen=True)
class VideoFacts:
    """A video's facts by its file: size as stored (px), average `fps`, and `start`.

    `start` is the time of the first frame on the file's clock, in seconds; `has_sound` whether the
    file has sound, too.
    """

    width: int
    height: int
    fps: float
    start: float
    has_sound: bool


def probe_video(path: Path) -> VideoFacts:
    """Read the facts and the first frame of a video; errors as `iterate_frames`."""
    with opened(path, "video") as (container, stream):
        first = next(container.decode(stream), None)
        if first is None:
            raise MediaError(f"{path}: holds no frame")
        return VideoFacts(
            stream.width,
            stream.height,
            float(stream.average_rate or FPS),
            first.time or 0.0,
            bool(container.streams.audio),
        )


def iterate_frames(path: Path) -> Iterator[av.VideoFrame]:
    """Frames of a video at 25 fps, as `Normaliser` makes them; see `luma` and `RgbPart`.

    Frame t is the source frame whose time stamp is nearest to t / 25 s after the first one's, so
    that variable and other rates keep their timing (reading 30 fps frames as 25 fps is a known
    silent bug); the last one lasts as long as the file says. A source frame that is shown twice is
    the same object twice. Decoding takes one thread: clips are decoded side by side.

    Raises MediaError when the file can't be read or has no picture, and, after the frames before
    that place, where the decoder finds damage, the clock jumps, the size changes, or the video ends
    long before its header says. Damage is not bridged: what follows refers to the damaged frame.
    """
    with opened(path, "video") as (container, stream):
        period = float(1 / (stream.average_rate or FPS))
        t, start, previous, previous_time, count, late, held = 0, 0.0, None, 0.0, 0, 0, 0.0
        normaliser = Normaliser(path, stream)
        for frame in container.decode(stream):
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
            held = float((frame.duration or 0) * (frame.time_base or 0))
            previous, previous_time, count = normaliser.of(frame, time), time, count + 1
        if previous is None:
            raise MediaError(f"{path}: holds no frame")
        # Nothing follows the last frame: it lasts as long as the others do, or is held.
        if count > 1:
            period = (previous_time - start) / (count - 1)
        if period * _HELD < held <= _LONGEST_STEP:
            period = held
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


def luma(frame: av.VideoFrame) -> np.ndarray:
    """A frame in grey, uint8 [H, W].

    Of common video it is the frame's own luma as stored, in limited range mostly; read-only.
    """
    if frame.format.name in _LUMA_FIRST:
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        return rows[: frame.height, : frame.width]
    # Between unequal matrices, FFmpeg would go through RGB, which takes ten times as long.
    try:
        return frame.to_ndarray(format="gray", src_colorspace="ITU601", dst_colorspace="ITU601")
    except av.error.FFmpegError as error:
        raise MediaError(f"frames of format {frame.format.name} can't be shown") from error


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
        try:
            self._graph.push(frame)
            image = self._graph.pull().to_ndarray()
        except av.error.FFmpegError as error:
            raise MediaError(f"frames of format {frame.format.name} can't be shown") from error
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


def clip_audio(clip: Clip) -> np.ndarray:
    """A clip's sound, float32 [N], 16 kHz; sample 0 is heard when frame 0 is seen.

    A file of its own shares the video's clock. Raises MediaError when it can't be read.
    """
    return read_audio(clip.audio, start=probe_video(clip.video).start + clip.start / FPS)
