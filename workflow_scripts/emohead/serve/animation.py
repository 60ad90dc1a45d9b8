"""One model's answer to a request: the talking face, its landmarks, the emotion that it hears."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from emohead.data.mead import EMOTIONS
from emohead.generate.bundle import Bundle
from emohead.generate.generate import Generated, generate
from emohead.generate.precision import Precision
from emohead.media.writing import write_video
from emohead.translator.drawing import draw_landmarks

_VIEW_SIZE = 256  # pixels of the landmark view
# Okabe and Ito's palette, which colour-blind people can tell apart, with grey for neutral.
_COLOURS = {
    "angry": "#D55E00", "contempt": "#8C6D31", "disgusted": "#009E73", "fear": "#CC79A7",
    "happy": "#E69F00", "neutral": "#888888", "sad": "#0072B2", "surprised": "#56B4E9",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A visitor's request: the files, and the choices of `emohead generate`."""

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


def draw_emotion_curve(beliefs: np.ndarray, seconds: float) -> Figure:
    """Steps over the sound's `seconds`, one a second, of beliefs [n, 8] in EMOTIONS' order."""
    figure = Figure(figsize=(5.0, 3.0), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    edges = [*range(len(beliefs)), seconds]
    for emotion, curve in zip(EMOTIONS, beliefs.T, strict=True):
        axes.stairs(curve, edges, baseline=None, color=_COLOURS[emotion], lw=2, label=emotion)
    axes.set(xlim=(0, seconds), ylim=(-0.03, 1.03), xlabel="second", ylabel="belief")
    axes.set_title("Emotion heard in the voice", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure
