"""Sentences that a speaker says in several emotions, brought onto one time axis.

EVP takes them from tables of clip numbers, which are not right for every actor; here a pair counts
only if the sound agrees: each of its two takes is the other's nearest among their neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from emohead.data.mead import EMOTIONS, parse_clip_id
from emohead.disentangler.numbers import SentenceNumbers
from emohead.features.mfcc_shape import COEFFICIENTS, WINDOW_FRAMES
from emohead.features.store import StoredClip
from emohead.files import whole_file

#: MFCC steps from one video frame to the next.
STEPS_PER_FRAME = 4
#: A take is compared with takes whose numbers differ by this at most.
NEIGHBOURS = 3


class Pair(NamedTuple):
    """Two takes that should say the same, of two emotions of a speaker.

    `sentence` is the number in the emotional takes, `first` the take of the speaker's first
    emotion, whose time axis counts; `cost` the mean distance along DTW's path. A pair that isn't
    `kept` is nearer to others.
    """

    speaker: str
    sentence: int
    first: str
    second: str
    cost: float
    kept: bool


def write_pairs(pairs: Sequence[Pair], table: Path) -> None:
    """Pairs as a table, .csv, a row each."""
    with whole_file(table) as unfinished:
        pd.DataFrame(pairs, columns=list(Pair._fields)).to_csv(unfinished, index=False)


def read_pairs(table: Path) -> list[Pair]:
    """Read what `write_pairs` wrote."""
    # A speaker may be called 007, or NA.
    rows = pd.read_csv(table, dtype={"speaker": str}, keep_default_na=False)
    return [Pair(*row) for row in rows.itertuples(index=False)]


def steps_of(windows: np.ndarray) -> np.ndarray:
    """The MFCC of every 10 ms [4 (T - 1) + 28, 12] out of windows [T, 28, 12 or 13], exactly."""
    windows = windows[..., -COEFFICIENTS:]
    return np.concatenate([windows[:-1, :STEPS_PER_FRAME].reshape(-1, COEFFICIENTS), windows[-1]])


def windows_of(steps: np.ndarray) -> np.ndarray:
    """Windows [T, 28, 12] of steps, one for every video frame: the inverse of `steps_of`."""
    every = np.lib.stride_tricks.sliding_window_view(steps, WINDOW_FRAMES, axis=0)
    return every[::STEPS_PER_FRAME].transpose(0, 2, 1)


def warp(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, float]:
    """`second` [M, 12] on the time axis of `first` [N, 12], and DTW's mean cost along its path.

    The cost of two steps is the L1 distance of their MFCC, each less its take's mean, so that a
    voice's colour, which goes with the emotion, doesn't count. Where several steps meet one of
    `first`, the last stays, as in EVP's code.
    """
    # Here, as a training, which takes seconds less without it, only reads what was paired.
    from emohead.media.librosa import librosa

    centred = [(steps - steps.mean(axis=0)).T for steps in (first, second)]
    costs, path = librosa.sequence.dtw(*centred, metric="cityblock")
    path = path[::-1]
    warped = np.empty_like(first)
    warped[path[:, 0]] = second[path[:, 1]]
    return warped, float(costs[-1, -1] / len(path))


def find_pairs(clips: Mapping[str, StoredClip], numbers: SentenceNumbers) -> list[Pair]:
    """All pairs that the numbers name among `clips`, each of its speaker's first emotion and one.

    Where an emotion has several levels, the highest is used, as in EVP. A pair is kept when each
    take is the other's nearest among the takes whose numbers are at most NEIGHBOURS away.
    """
    takes: dict[str, dict[str, dict[int, str]]] = {}
    names = map(parse_clip_id, clips)
    for name in sorted(names, key=lambda name: (EMOTIONS.index(name.emotion), name.level)):
        takes.setdefault(name.speaker, {}).setdefault(name.emotion, {})[name.number] = name.clip_id

    @cache
    def steps(clip_id: str) -> np.ndarray:
        return steps_of(clips[clip_id].mfcc)

    @cache
    def cost(one: str, other: str) -> float:
        first, second = sorted((one, other))  # in emotions' order, as their ids are
        return warp(steps(first), steps(second))[1]

    def is_nearest(clip_id: str, to: str, takes: Mapping[int, str]) -> bool:
        number = parse_clip_id(clip_id).number
        near = [take for n, take in takes.items() if abs(n - number) <= NEIGHBOURS]
        return clip_id == min(near, key=lambda take: cost(take, to))

    pairs = []
    for speaker, by_emotion in sorted(takes.items()):
        (emotion, firsts), *others = by_emotion.items()
        for other, seconds in others:
            for sentence, n, m in zip(
                numbers.emotional, numbers.of(emotion), numbers.of(other), strict=True
            ):
                if n in firsts and m in seconds:
                    first, second = firsts[n], seconds[m]
                    kept = is_nearest(second, first, seconds) and is_nearest(first, second, firsts)
                    pairs.append(Pair(speaker, sentence, first, second, cost(first, second), kept))
    return pairs


@dataclass(frozen=True)
class Sentence:
    """A sentence of a speaker: window t of every emotion's [T, 28, 12] is the same moment."""

    speaker: str
    number: int
    windows: Mapping[str, np.ndarray]


def align_sentences(clips: Mapping[str, StoredClip], pairs: Sequence[Pair]) -> list[Sentence]:
    """The sentences of the pairs that are kept, on the time axes of their first takes."""
    takes: dict[tuple[str, int, str], list[str]] = {}
    for pair in pairs:
        if pair.kept:
            takes.setdefault((pair.speaker, pair.sentence, pair.first), []).append(pair.second)
    sentences = []
    for (speaker, number, first), seconds in takes.items():
        axis = steps_of(clips[first].mfcc)
        windows = {parse_clip_id(first).emotion: windows_of(axis)}
        for second in seconds:
            warped, _ = warp(axis, steps_of(clips[second].mfcc))
            windows[parse_clip_id(second).emotion] = windows_of(warped)
        sentences.append(Sentence(speaker, number, windows))
    return sentences
