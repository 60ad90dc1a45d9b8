"""Which clips, or which frames of them, are trained on and which are tested (section 4.1: 8:2)."""

import math
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import pandas as pd

from emohead.data.mead import FPS, ClipName, parse_clip_id
from emohead.data.published_lists import ListedClip, read_test_list

PARTS = ("train", "test")
COLUMNS = ("clip_id", "part", "start", "stop")

#: Frames (0.4 s) below which a piece of a clip teaches and tests nothing.
SHORTEST_PIECE = 10

Clip = TypeVar("Clip")


def split_clips(
    clips: pd.DataFrame,
    *,
    unit: Literal["clip", "time", "list", "speaker"] = "clip",
    test_fraction: float,
    dev_fraction: float = 0.0,
    scored: Literal["test", "dev"] = "test",
    gap: float = 0.5,
    choice: Literal["last", "random"] = "last",
    seed: int = 0,
    test_list: Path | None = None,
    test_speakers: Collection[str] = (),
) -> pd.DataFrame:
    """The parts of every clip: rows clip_id, part, frames [start, stop).

    A part is `train`, `test` or `unused`. With a `dev_fraction` some clips beside the test part are
    kept for choosing options: `scored="dev"` makes them the part `test`, on which everything is
    scored, and the test clips `unused`; `scored="test"` makes them `unused`. Whatever
    `dev_fraction`, the test clips are the same ones.

    `unit="clip"`, the paper's: whole clips, a recording with all its stretches. `test_fraction` of
    them, rounded, go to the test part. `choice="last"`: in each speaker, emotion and level the
    highest-numbered ones, as MEAD's own 24/6 split. `"random"`: in each speaker and emotion a draw
    of numbers, the same at all levels, so that no sentence is trained on at one level and tested at
    another. A number's place in the draw depends on `seed`, speaker and emotion alone: one more
    speaker, or a rejected clip, leaves the others' parts as they were. Two clips (numbers) or more
    always give at least one to each part; a single one is trained on. The dev part is chosen in the
    same way among the others, of which one at least is trained on.

    `unit="time"`, for few clips: the last `test_fraction` of every clip is the test part and what
    lies more than `gap` seconds before it the training part; `choice` and `seed` mean nothing. An
    MFCC window reaches 0.13 s past its frame on either side, so from a gap of 0.26 s on the two
    parts share no sound. The dev part lies between them, as far from both, in clips that are long
    enough. Clips too short to give both others are trained on whole, which is printed.

    `unit="list"`: the test part are the clips that `test_list` names (`read_test_list`), with all
    stretches of a recording. `unit="speaker"`: all clips of `test_speakers`. All others are trained
    on.

    `clips` is clips.csv. Raises ValueError when no clip gives a test part, or none is left to train
    on.
    """
    if unit == "time":
        rows = _split_inside(clips, test_fraction, dev_fraction, math.ceil(round(gap * FPS, 6)))
        remedy = "all clips are too short: lower split.gap, raise split.test_fraction or add others"
    elif unit == "list":
        rows = _split_whole(clips, _is_listed(clips, test_list))
        remedy = f"{test_list} names none of these clips: its names and data.speakers differ"
    elif unit == "speaker":
        rows = _split_whole(clips, lambda clip: clip.speaker in test_speakers)
        remedy = f"there are no clips of split.test_speakers ({', '.join(test_speakers)})"
    else:
        rows = _split_between(clips, test_fraction, dev_fraction, choice, seed)
        remedy = "no speaker, emotion and level has two clips: add some, or set split.unit to time"
    parts = pd.DataFrame(rows, columns=list(COLUMNS))
    parts["part"] = parts["part"].map({"train": "train", scored: "test"}).fillna("unused")
    if "test" not in set(parts["part"]):
        raise ValueError(f"there is nothing to test on, since {remedy}")
    if "train" not in set(parts["part"]):
        raise ValueError("there is nothing to train on: split tests all clips")
    return parts.sort_values(["clip_id", "start"], ignore_index=True)


def _split_between(
    clips: pd.DataFrame, test_fraction: float, dev_fraction: float, choice: str, seed: int
) -> Iterator[tuple[str, str, int, int]]:
    if choice == "random":
        keys, order = ["speaker", "emotion"], _drawn
    else:
        keys, order = ["speaker", "emotion", "level"], lambda *_: 0
    for (speaker, emotion, *_), group in clips.groupby(keys):
        takes = [parse_clip_id(clip_id).take for clip_id in group["clip_id"]]
        numbers = sorted(
            set(takes), key=lambda number: (order(seed, speaker, emotion, number), number)
        )
        count = len(numbers)
        tests = 0 if count < 2 else min(max(round(count * test_fraction), 1), count - 1)
        devs = max(round(count * dev_fraction), 1) if dev_fraction else 0
        devs = min(devs, max(count - tests - 1, 0))
        parts = ["train"] * (count - devs - tests) + ["dev"] * devs + ["test"] * tests
        part_of = dict(zip(numbers, parts, strict=True))
        for clip_id, take, frames in zip(group["clip_id"], takes, group["frames"], strict=True):
            yield clip_id, part_of[take], 0, int(frames)


def _split_whole(
    clips: pd.DataFrame, is_tested: Callable[[ClipName], bool]
) -> Iterator[tuple[str, str, int, int]]:
    for clip_id, frames in zip(clips["clip_id"], clips["frames"], strict=True):
        part = "test" if is_tested(parse_clip_id(clip_id)) else "train"
        yield clip_id, part, 0, int(frames)


def _is_listed(clips: pd.DataFrame, test_list: Path) -> Callable[[ClipName], bool]:
    """Whether a list names a clip; prints how many of its names are no clips of these data."""

    def listed(clip: ClipName) -> ListedClip:
        return ListedClip(clip.speaker, clip.emotion, clip.level, clip.take)

    wanted, others = read_test_list(test_list)
    found = wanted & {listed(parse_clip_id(clip_id)) for clip_id in clips["clip_id"]}
    print(
        f"{test_list}: {len(found)} of {len(wanted)} listed clips are in these data, and "
        f"{len(others)} names aren't of clips",
        flush=True,
    )
    return lambda clip: listed(clip) in wanted


def _drawn(seed: int, speaker: str, emotion: str, number: int) -> float:
    """The place of a sentence in the draw of its speaker and emotion, from 0 to 1."""
    whose = zlib.crc32(f"{speaker}-{emotion}".encode())
    return np.random.default_rng([seed, whose, int(number)]).random()


def _split_inside(
    clips: pd.DataFrame, test_fraction: float, dev_fraction: float, gap_frames: int
) -> Iterator[tuple[str, str, int, int]]:
    whole = []
    for clip_id, frames in zip(clips["clip_id"], clips["frames"], strict=True):
        test_start = round(frames * (1 - test_fraction))
        train_stop = test_start - gap_frames
        if min(train_stop, frames - test_start) < SHORTEST_PIECE:
            whole.append(clip_id)
            yield clip_id, "train", 0, frames
            continue
        yield clip_id, "test", test_start, frames
        dev_start = train_stop - round(frames * dev_fraction)
        if dev_fraction and min(dev_start - gap_frames, train_stop - dev_start) >= SHORTEST_PIECE:
            yield clip_id, "dev", dev_start, train_stop
            train_stop = dev_start - gap_frames
        yield clip_id, "train", 0, train_stop
    if whole:
        print(
            f"{len(whole)} of {len(clips)} clips are too short to be split and are trained on "
            f"whole: {', '.join(sorted(whole)[:5])}{' ...' if len(whole) > 5 else ''}",
            flush=True,
        )


def hold_out_validation(
    train: Mapping[str, Clip], *, fraction: float, seed: int
) -> tuple[dict[str, Clip], dict[str, Clip]]:
    """Training and validation clips, by their ids, out of the training part; both sorted.

    `fraction` of the clips, rounded, are held out, spread over the emotions, each of which keeps a
    clip to train on: of few clips none may be held out. The test part is never touched.
    """
    draw = np.random.default_rng(seed)
    by_emotion: dict[str, list[str]] = {}
    for clip_id in draw.permutation(sorted(train)):
        by_emotion.setdefault(parse_clip_id(clip_id).emotion, []).append(str(clip_id))
    spare = len(train) - len(by_emotion)
    held_out: list[str] = []
    while len(held_out) < min(round(len(train) * fraction), spare):
        largest = max(sorted(by_emotion), key=lambda emotion: len(by_emotion[emotion]))
        held_out.append(by_emotion[largest].pop())
    left = sorted(set(train) - set(held_out))
    return {name: train[name] for name in left}, {name: train[name] for name in sorted(held_out)}


def clips_of_part(split: Path, part: str, speaker: str | None = None) -> dict[str, range]:
    """The clips of one part of a split.csv with their frames, sorted, for `store.open_clips`.

    Of one `speaker`, if named, who may have none; else ValueError when the part has none.
    """
    rows = pd.read_csv(split, usecols=list(COLUMNS))
    rows = rows[rows["part"] == part].sort_values("clip_id")
    if rows.empty:
        raise ValueError(f"{split}: the {part} part has no clips")
    clips = {row.clip_id: range(row.start, row.stop) for row in rows.itertuples()}
    return {
        clip_id: span
        for clip_id, span in clips.items()
        if speaker is None or parse_clip_id(clip_id).speaker == speaker
    }
