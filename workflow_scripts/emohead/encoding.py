"""Video and audio out: H.264 and AAC in MPEG-4 containers, the same bytes every time."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from emohead.files import whole_file
from emohead.mead import FPS
from emohead.media import SAMPLE_RATE, MediaError


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
