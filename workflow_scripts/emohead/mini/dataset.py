"""Write the mini data set in MEAD's own layout."""

import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from emohead.data.mead import EMOTIONS, LEVELS, ClipName, audio_path, levels_of, video_path
from emohead.media.writing import write_audio, write_video
from emohead.mini.acting import act
from emohead.mini.portraits import PORTRAITS
from emohead.mini.rendering import Renderer
from emohead.mini.sentences import SENTENCE_COUNT, sentence
from emohead.mini.speech import MANNERS, SAMPLE_RATE, VOICES, speak
from emohead.processes import single_threaded_children

#: How much of the level-3 expression and manner of speaking each level has.
LEVEL_STRENGTH = {1: 0.5, 2: 0.75, 3: 1.0}
VIEW = "front"
_COMMENT = "Synthetic: a portrait photo animated by emohead; nobody said or felt this."


@dataclass(frozen=True)
class _Take:
    """One clip to be made: everything that a worker needs to know."""

    root: Path
    name: ClipName
    frame_size: int
    seed: int


def make_speaker(
    root: Path,
    speaker: str,
    *,
    emotions: Sequence[str] = EMOTIONS,
    levels: Sequence[int] = (3,),
    sentences: int = 10,
    frame_size: int = 256,
    seed: int = 0,
    workers: int = 1,
) -> list[Path]:
    """Make all clips of one speaker below `<root>/<speaker>`; returns the videos' paths.

    Every emotion and level gets clips 1 to `sentences`; neutral has level 1 alone. Each clip
    depends on its own name, the seed and the frame size, and on nothing else: the same call gives
    the same bytes on the same machine, with any number of workers. Raises ValueError for a speaker,
    emotion, level or number of sentences that there is not.
    """
    _check_choice("speaker", [speaker], tuple(PORTRAITS))
    _check_choice("emotion", emotions, EMOTIONS)
    _check_choice("level", levels, LEVELS)
    if not 1 <= sentences <= SENTENCE_COUNT:
        raise ValueError(f"{sentences} sentences: the mini data set has 1 to {SENTENCE_COUNT}")
    if frame_size < 2 or frame_size % 2:
        raise ValueError(f"frame size {frame_size}: H.264 needs an even number of pixels")
    takes = [
        _Take(Path(root), ClipName(speaker, VIEW, emotion, level, number), frame_size, seed)
        for emotion in emotions
        for level in levels_of(emotion, list(levels))
        for number in range(1, sentences + 1)
    ]
    # Spawned, not forked: OpenCV's state does not survive a fork.
    with (
        single_threaded_children(),
        ProcessPoolExecutor(workers, get_context("spawn")) as pool,
    ):
        videos = pool.map(_make_clip, takes)
        return list(tqdm(videos, f"mini speaker {speaker}", len(takes), unit="clip"))


def _check_choice(what: str, given: Sequence, allowed: Sequence) -> None:
    unknown = [item for item in given if item not in allowed]
    if unknown:
        raise ValueError(
            f"no {what} {', '.join(map(str, unknown))} in the mini data set: "
            f"choose from {', '.join(map(str, allowed))}"
        )


@cache
def _renderer(speaker: str) -> Renderer:
    return Renderer(PORTRAITS[speaker]())


def _make_clip(take: _Take) -> Path:
    """Speak, act, draw and write one clip; returns its video."""
    cv2.setNumThreads(1)
    name = take.name
    rng = np.random.default_rng([take.seed, zlib.crc32(name.clip_id.encode())])
    # People are not equally moved in every take: voice and face follow together.
    intensity = np.clip(rng.normal(1, 0.18), 0.6, 1.3)
    strength = LEVEL_STRENGTH[name.level] * intensity
    utterance = speak(
        sentence(name.emotion, name.number),
        VOICES[name.speaker],
        MANNERS[name.emotion],
        strength,
        rng,
    )
    renderer = _renderer(name.speaker)
    poses = act(name.emotion, strength, utterance, rng)
    video = video_path(take.root, name.speaker, VIEW, name.emotion, name.level, name.number)
    audio = audio_path(take.root, name.speaker, name.emotion, name.level, name.number)
    write_video(video, (renderer.render(pose, take.frame_size) for pose in poses), comment=_COMMENT)
    write_audio(audio, utterance.samples, SAMPLE_RATE)
    return video
