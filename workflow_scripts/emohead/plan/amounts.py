"""How much data there is to train on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from emohead.data.expected import FEATURE_BYTES, clip_frames, clip_seconds, stored_frame_bytes
from emohead.data.split import clips_of_part, split_clips


@dataclass(frozen=True)
class Amounts:
    """Frames of each training clip, of the test part, and of all clips; `source` says their origin.

    A clip that is cut in time is one of the training clips and of the `test_clips`; what lies
    between is in neither part.
    """

    train_lengths: tuple[int, ...]
    test_clips: int
    test_frames: int
    frames: int
    source: str

    @property
    def train_frames(self) -> int:
        """Frames of the training part."""
        return sum(self.train_lengths)

    @property
    def mean_length(self) -> int:
        """Mean number of frames of a training clip."""
        return round(self.train_frames / len(self.train_lengths))

    def frames_per_epoch(self, frames_per_clip: int | None, validation: float) -> int:
        """Frames that an epoch sees: `frames_per_clip` of each clip (None: all).

        The fraction `validation`, held out, is taken off the sum, whichever clips they are.
        """
        most = max(self.train_lengths) if frames_per_clip is None else frames_per_clip
        return round((1 - validation) * sum(min(n, most) for n in self.train_lengths))

    def shard_bytes(self, crop_size: int) -> float:
        """Approximate bytes of all clips on disk."""
        return self.frames * stored_frame_bytes(crop_size)

    def image_bytes(self, crop_size: int) -> int:
        """Bytes of the training part's decoded frames, which a translator may hold in memory."""
        return self.train_frames * crop_size**2 * 3

    @property
    def feature_bytes(self) -> int:
        """Bytes of the training part's landmarks and MFCC, which landmark models hold in memory."""
        return self.train_frames * FEATURE_BYTES


def count_amounts(split: Path) -> Amounts:
    """Amounts by split.csv, once the clips have been extracted; ValueError where it isn't there."""
    if not split.is_file():
        raise ValueError(f"{split}: there is no such file; rule split_clips makes it")
    train, test = (
        [len(span) for span in clips_of_part(split, part).values()] for part in ("train", "test")
    )
    frames = pd.read_csv(split).groupby("clip_id")["stop"].max().sum()
    source = f"{len(train):,} training clips and {len(test):,} test clips, counted in split.csv"
    return Amounts(tuple(train), len(test), sum(test), int(frames), source)


def expect_amounts(
    clips: int,
    test_fraction: float,
    *,
    mini: bool = False,
    in_time: Mapping[str, Any] | None = None,
) -> Amounts:
    """Amounts by the config: as many clips as MEAD (or the mini set) has, of its mean length.

    `test_fraction` of them are tested whole; or each is cut, by `in_time`, the config's `split`.
    ValueError where none of them is left to train on, or too little of each.
    """
    data, whose = ("mini", "the mini set's") if mini else ("folder", "MEAD's")
    length = clip_frames(data)
    asked = (
        f"{clips:,} clips that the config asks for, if none is missing, of {clip_seconds(data)} s, "
        f"{whose} mean"
    )
    if in_time is not None:
        keys = ("unit", "test_fraction", "dev_fraction", "scored", "gap")
        clip = pd.DataFrame({"clip_id": ["each"], "frames": [length]})
        cut = split_clips(clip, **{key: in_time[key] for key in keys}).set_index("part")
        train, test = (int(cut["stop"][part] - cut["start"][part]) for part in ("train", "test"))
        source = f"{asked}, each cut in time: {train} frames to train on, {test} to test"
        return Amounts((train,) * clips, clips, clips * test, clips * length, source)
    train = round(clips * (1 - test_fraction))
    if not train:
        raise ValueError(f"split: all of the {clips:,} clips are in the test part")
    source = f"{asked}; {train:,} of them in the training part"
    test = clips - train
    return Amounts((length,) * train, test, test * length, clips * length, source)
