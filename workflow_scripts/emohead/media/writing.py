"""Video and audio out: H.264 and AAC in MPEG-4 containers, the same bytes every time."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from emohead.data.mead import FPS
from emohead.files import whole_file
from emohead.media.sound import SAMPLE_RATE
from emohead.media.streams import MediaError

# Players take video of so many lines for BT.709 where it doesn't say that it is BT.601.
_HD_HEIGHT = 720
# Pixels: of 16 macroblocks. x264's macroblock tree takes so many of a row at once where there is
# AVX-512, and of other widths reads what happens to lie in memory behind the last row.
_TREE_WIDTH = 256


@dataclass(frozen=True)
class SoundFormat:
    """Sound as AAC: samples and bits a second, and `layout`, "mono" or "stereo"."""

    rate: int = SAMPLE_RATE
    layout: str = "mono"
    bit_rate: int = 96_000


class Mp4Writer:
    """A video, with sound or without, that is written as it is made; see `mp4_writer`.

    Frames and sound come in any order; where each sound follows its frames, little is held back.
    """

    def __init__(self, video: "_VideoTrack", sound: "_SoundTrack | None"):
        self._video, self._sound = video, sound

    def add_frame(self, image: np.ndarray) -> None:
        """The next frame, uint8 [H, W, 3] RGB."""
        self._video.add(image)

    def add_sound(self, samples: np.ndarray) -> None:
        """The next samples, float32 [channels, n] in [-1, 1]."""
        self._sound.add(samples)


@contextmanager
def mp4_writer(
    path: Path,
    *,
    width: int,
    height: int,
    fps: int = FPS,
    crf: int = 16,
    preset: str = "fast",
    sound: SoundFormat | None = None,
    metadata: Mapping[str, str],
) -> Iterator[Mp4Writer]:
    """Opens a video of `width` x `height` pixels, both even; it is there when the block succeeds.

    `crf` and `preset` are x264's. The container's `metadata` keys are those of MPEG-4: title,
    comment, description, date. Encoding uses one thread, so that the same frames give the same
    bytes; the index stands before the frames, so that a browser can start at once.
    """
    with (
        whole_file(path) as unfinished,
        av.open(
            _address(unfinished), "w", format="mp4", options={"movflags": "+faststart"}
        ) as container,
    ):
        container.metadata.update(metadata)
        video_track = _VideoTrack(container, width, height, fps, crf, preset)
        sound_track = None if sound is None else _SoundTrack(container, sound)
        # Now, not at the first frame: that a folder is closed is known before the work is done.
        container.start_encoding()
        yield Mp4Writer(video_track, sound_track)
        video_track.finish()
        if sound_track is not None:
            sound_track.finish()


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    *,
    fps: int = FPS,
    crf: int = 16,
    audio: np.ndarray | None = None,
    comment: str | None = None,
) -> None:
    """Write uint8 [H, W, 3] RGB frames (H and W even) as H.264, with AAC sound when given.

    `audio` is float32 [N], 16 kHz, one channel. `comment` goes into the container's metadata; every
    made video says there that it is synthetic. The same frames give the same bytes.
    """
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise MediaError(f"{path}: no frame to write")
    height, width = first.shape[:2]
    with mp4_writer(
        path, width=width, height=height, fps=fps, crf=crf,
        sound=None if audio is None else SoundFormat(),
        metadata={} if comment is None else {"comment": comment},
    ) as writer:  # fmt: skip
        for image in chain([first], frames):
            writer.add_frame(image)
        if audio is not None:
            writer.add_sound(audio[None])


def write_audio(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    """Write float32 samples [N] in [-1, 1] as AAC in an MPEG-4 container (`.m4a`)."""
    with (
        whole_file(path) as unfinished,
        av.open(_address(unfinished), "w", format="mp4") as container,
    ):
        track = _SoundTrack(container, SoundFormat(sample_rate))
        track.add(samples[None])
        track.finish()


def _address(path: Path) -> str:
    """A path for FFmpeg, which would take what stands before a colon for a protocol."""
    return f"file:{path}"


class _VideoTrack:
    def __init__(self, container, width: int, height: int, fps: int, crf: int, preset: str):
        self._container = container
        options = {"crf": str(crf), "preset": preset, "threads": "1"}
        if width % _TREE_WIDTH:
            options["x264-params"] = "mbtree=0"
        self._stream = container.add_stream("libx264", rate=fps, options=options)
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        if height >= _HD_HEIGHT:
            context = self._stream.codec_context
            context.colorspace, context.color_range = Colorspace.ITU601, ColorRange.MPEG

    def add(self, image: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode())


class _SoundTrack:
    def __init__(self, container, sound: SoundFormat):
        self._container, self._layout = container, sound.layout
        self._stream = container.add_stream("aac", rate=sound.rate, layout=sound.layout)
        self._stream.bit_rate = sound.bit_rate
        self._tick, self._written = Fraction(1, sound.rate), 0

    def add(self, samples: np.ndarray) -> None:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples, np.float32), format="fltp", layout=self._layout
        )
        frame.sample_rate = self._tick.denominator
        # Without an explicit time stamp the decoded sound starts 1024 samples late.
        frame.pts, frame.time_base = self._written, self._tick
        self._written += samples.shape[1]
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode())
