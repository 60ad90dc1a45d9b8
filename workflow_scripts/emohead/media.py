"""Video and audio in and out: 25 frames and 16,000 samples a second inside, any rate outside."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from emohead.files import whole_file
from emohead.mead import FPS

SAMPLE_RATE = 16_000
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS


class MediaError(ValueError):
    """A file that can't be used, with its name and what is wrong with it."""


def iterate_video(path: Path) -> Iterator[np.ndarray]:
    """Frames of a video at 25 fps, each uint8 [H, W, 3] RGB.

    Output frame t is the source frame whose time stamp is nearest to t / 25 s, so that variable
    and other rates keep their timing (reading 30 fps frames as 25 fps is a known silent bug).
    Raises MediaError when the file can't be read or has no picture.
    """
    t = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise MediaError(f"{path}: no video stream")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            # A source frame is shown from halfway after its predecessor to halfway before its
            # successor.
            previous = None
            for frame in container.decode(stream):
                if previous is not None:
                    halfway = (previous.time + frame.time) / 2
                    if t / FPS < halfway:
                        image = previous.to_ndarray(format="rgb24")
                        while t / FPS < halfway:
                            yield image
                            t += 1
                previous = frame
            if previous is not None:
                image = previous.to_ndarray(format="rgb24")
                shown_until = previous.time + float(1 / (stream.average_rate or FPS)) - 0.5 / FPS
                while t / FPS <= shown_until or t == 0:
                    yield image
                    t += 1
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: can't be read as a video ({error.strerror})") from error
    if t == 0:
        raise MediaError(f"{path}: holds no frame")


def read_video(path: Path) -> np.ndarray:
    """All frames of a video at 25 fps, uint8 [T, H, W, 3] RGB; errors as `iterate_video`."""
    return np.stack(list(iterate_video(path)))


def read_audio(path: Path) -> np.ndarray:
    """The sound of a file as float32 [N] in [-1, 1], 16 kHz, one channel.

    Raises MediaError when the file can't be read or has no sound.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MediaError(f"{path}: no audio stream")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            blocks = [
                block.to_ndarray()[0]
                for frame in [*container.decode(audio=0), None]
                for block in resampler.resample(frame)
            ]
    except av.error.FFmpegError as error:
        raise MediaError(f"{path}: can't be read as audio ({error.strerror})") from error
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if samples.size == 0:
        raise MediaError(f"{path}: holds no sound")
    return samples.astype(np.float32)


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    *,
    fps: int = FPS,
    crf: int = 16,
    audio: np.ndarray | None = None,
    sample_rate: int = SAMPLE_RATE,
    comment: str | None = None,
) -> None:
    """Write uint8 [H, W, 3] RGB frames (H and W even) as H.264, with AAC sound when given.

    `comment` goes into the container's metadata; every made video says there that it is
    synthetic. Encoding uses one thread, so that the same frames give the same bytes.
    """
    with (
        whole_file(path) as unfinished,
        av.open(str(unfinished), "w", options={"movflags": "+faststart"}) as container,
    ):
        if comment is not None:
            container.metadata["comment"] = comment
        video_stream = None
        audio_stream = None if audio is None else _add_aac(container, sample_rate, 96_000)
        for image in frames:
            if video_stream is None:
                video_stream = container.add_stream(
                    "libx264", rate=fps, options={"crf": str(crf), "preset": "fast", "threads": "1"}
                )
                video_stream.height, video_stream.width = image.shape[:2]
                video_stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(video_stream.encode(frame))
        if video_stream is None:
            raise MediaError(f"{path}: no frame to write")
        container.mux(video_stream.encode())
        if audio_stream is not None:
            _encode_audio(container, audio_stream, audio, sample_rate)


def write_audio(
    path: Path, samples: np.ndarray, sample_rate: int, *, bit_rate: int = 96_000
) -> None:
    """Write float32 samples [N] in [-1, 1] as AAC in an MPEG-4 container (`.m4a`)."""
    with whole_file(path) as unfinished, av.open(str(unfinished), "w", format="mp4") as container:
        stream = _add_aac(container, sample_rate, bit_rate)
        _encode_audio(container, stream, samples, sample_rate)


def _add_aac(container, sample_rate: int, bit_rate: int):
    stream = container.add_stream("aac", rate=sample_rate, layout="mono")
    stream.bit_rate = bit_rate
    return stream


def _encode_audio(container, stream, samples: np.ndarray, sample_rate: int) -> None:
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples, np.float32)[None], format="fltp", layout="mono"
    )
    frame.sample_rate = sample_rate
    # Without an explicit time stamp the decoded sound starts 1024 samples late.
    frame.pts, frame.time_base = 0, Fraction(1, sample_rate)
    container.mux(stream.encode(frame))
    container.mux(stream.encode())
