"""One model's answer to a request: the talking face and its landmarks."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emohead.generate.bundle import Bundle
from emohead.generate.generate import Generated, generate
from emohead.generate.precision import Precision
from emohead.media.writing import write_video
from emohead.translator.drawing import draw_landmarks

_VIEW_SIZE = 256  # pixels of the landmark view


@dataclass(frozen=True)
class Request:
    """What a visitor asks for: the files, and the choices of `emohead generate`."""

    face: Path
    voice: Path
    paste: bool
    watermark: bool


@dataclass(frozen=True)
class Animation:
    """The video, the video of its landmarks, and what `generate` says of them."""

    video: Path
    landmark_view: Path
    generated: Generated


def animate(
    bundle: Bundle, request: Request, folder: Path, precision: Precision = "auto"
) -> Animation:
    """Let a model answer a request, in a folder of its own; the rest as `generate`."""
    folder.mkdir(parents=True)
    video, landmarks = folder / "talking_head.mp4", folder / "landmarks.npz"
    generated = generate(
        request.voice, request.face, video, bundle,
        paste=request.paste, watermark=request.watermark,
        head=bundle.usual_head, blink=True, save_landmarks=landmarks, precision=precision,
    )  # fmt: skip
    view = folder / "landmarks.mp4"
    with np.load(landmarks) as saved:
        points = saved["landmarks"] * (_VIEW_SIZE / bundle.crop_size)  # [T, 68, 2]
    write_video(
        view,
        (draw_landmarks(face, _VIEW_SIZE) for face in points),
        comment="Landmarks of a synthetic talking head, made by emohead",
    )
    landmarks.unlink()
    return Animation(video, view, generated)
