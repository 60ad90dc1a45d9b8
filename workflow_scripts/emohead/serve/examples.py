"""Faces and voices to begin with: the mini data set's speakers, with new sentences."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from emohead.media.writing import write_audio
from emohead.mini.portraits import PORTRAITS
from emohead.mini.posing import FacePose
from emohead.mini.rendering import Renderer
from emohead.mini.speech import MANNERS, SAMPLE_RATE, VOICES, speak


@dataclass(frozen=True)
class Example:
    """A face picture, a sound, and what to call them."""

    face: Path
    voice: Path
    label: str


# Not among the sentences of the mini data set, so that a model trained on it has never heard them.
_SAID = (
    ("W901", "happy", "Tomorrow morning my best friend is coming to visit us by boat."),
    ("W901", "angry", "Who left the front door open for half of the afternoon?"),
    ("W902", "sad", "After the long summer the beaches became empty and pale."),
)


_SIZE = 512  # pixels of a face's picture


def make_examples(folder: Path) -> list[Example]:
    """Draw the faces, let espeak-ng say the sentences, write both to `folder`; nothing random."""
    folder.mkdir(parents=True, exist_ok=True)
    for speaker in {speaker for speaker, _, _ in _SAID}:
        picture = Renderer(PORTRAITS[speaker]()).render(FacePose.at_rest(), _SIZE)
        cv2.imwrite(str(folder / f"{speaker}.png"), picture[..., ::-1])
    examples = []
    for speaker, emotion, text in _SAID:
        voice = folder / f"{speaker}-{emotion}.m4a"
        said = speak(text, VOICES[speaker], MANNERS[emotion], 1.0, np.random.default_rng(0))
        write_audio(voice, said.samples, SAMPLE_RATE)
        examples.append(Example(folder / f"{speaker}.png", voice, f"{speaker}, {emotion}"))
    return examples
