"""Opens media files: chooses the stream that is meant, and explains FFmpeg's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.stream import Disposition

from emohead.files import stand_in
from emohead.media.loudness import VoiceDetector

Kind = Literal["video", "audio"]

# Streams that go with the one that is meant: covers, thumbnails, commentary, described pictures.
_BESIDE = (
    Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    | Disposition.dependent | Disposition.visual_impaired | Disposition.comment
)  # fmt: skip
# Frames in which a picture that moves has moved; grey levels, on average, that are no coding noise.
_LOOKED_AT, _MOVEMENT = 50, 0.5


class MediaError(ValueError):
    """A file that can't be used, with its name and what is wrong with it."""


@contextmanager
def opened(
    path: Path, kind: Kind
) -> Iterator[tuple[av.container.InputContainer, av.stream.Stream]]:
    """An open file and the stream of this kind that is meant; FFmpeg's errors become MediaErrors.

    If there are several, it is the default one. Where that shows a still picture, or is silent, it
    is the first that moves, or has a voice.
    """
    path = Path(path)
    with _told(path, kind), _open(path) as container:
        stream = container.streams[_choose(path, container, kind)]
        if kind == "video":
            # Clips are decoded side by side.
            stream.codec_context.thread_count = 1
        yield container, stream


def _open(path: Path) -> av.container.InputContainer:
    # Without the scheme, "take 1: hello.mp4" would be an address. Titles have any encoding.
    return av.open(f"file:{path}", metadata_errors="replace")


@contextmanager
def _told(path: Path, kind: Kind) -> Iterator[None]:
    """FFmpeg's errors as sentences."""
    try:
        yield
    except av.error.FFmpegError as error:
        reason = error.strerror
        if isinstance(error, av.error.InvalidDataError):
            reason = "truncated, damaged or not a media file"
        reason = stand_in(path) or reason
        raise MediaError(f"{path}: can't be read as {kind} ({reason})") from error


def _choose(path: Path, container: av.container.InputContainer, kind: Kind) -> int:
    """The index of the stream that is meant; nothing of `container` is decoded for it."""
    streams = list(getattr(container.streams, kind))
    if not streams:
        raise MediaError(f"{path}: no {kind} stream")
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise MediaError(f"{path}: its {kind} is in a format that FFmpeg doesn't know")
    if kind == "video":
        known = [stream for stream in known if not stream.disposition & Disposition.attached_pic]
        if not known:
            raise MediaError(f"{path}: no video stream but a cover picture")
    # Stable: in the file's order where nothing else is said.
    known.sort(
        key=lambda s: (bool(s.disposition & _BESIDE), not s.disposition & Disposition.default)
    )
    candidates = [stream.index for stream in known]
    if len(candidates) == 1:
        return candidates[0]
    is_alive = {"video": _moves, "audio": _has_voice}[kind]
    return next((index for index in candidates if is_alive(path, index)), candidates[0])


def _moves(path: Path, index: int) -> bool:
    """Whether the pictures of a stream differ."""
    first = None
    try:
        with _open(path) as container:
            for frame in islice(container.decode(container.streams[index]), _LOOKED_AT):
                image = frame.to_ndarray(format="gray").astype(np.int16)
                if first is None:
                    first = image
                if image.shape != first.shape or np.abs(image - first).mean() > _MOVEMENT:
                    return True
    except av.error.FFmpegError:
        pass
    return False


def _has_voice(path: Path, index: int) -> bool:
    """Whether a stream is more than silence."""
    detector = VoiceDetector()
    try:
        with _open(path) as container:
            # Packed: PyAV's planes are eight at most.
            resampler = av.AudioResampler(format="flt")
            for frame in container.decode(container.streams[index]):
                for part in resampler.resample(frame):
                    samples = part.to_ndarray().reshape(-1, part.layout.nb_channels).T
                    detector.hear(samples, part.sample_rate)
                if detector.heard:
                    return True
    except (av.error.FFmpegError, ValueError):  # A resampler serves one layout.
        pass
    return detector.heard
