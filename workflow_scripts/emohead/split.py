"""Which clips are trained on and which are tested (paper section 3.1: speaker-dependent, 8:2)."""

from pathlib import Path

import numpy as np
import pandas as pd

from emohead.mead import parse_clip_id

PARTS = ("train", "test")


def split_clips(
    clips: pd.DataFrame, *, test_fraction: float, choice: str = "last", seed: int = 0
) -> pd.DataFrame:
    """The part of every clip: columns clip_id, part (`train` | `test`), sorted by clip_id.

    Within each speaker, emotion and level, `test_fraction` of the clips, rounded, go to the test
    part: the highest-numbered ones (`choice="last"`, as MEAD's own 24/6 split), or a seeded draw
    (`"random"`). Two clips or more always give at least one to each part; a single one is trained
    on.
    """
    draw = np.random.default_rng(seed)
    rows = []
    for _, group in clips.sort_values("clip_id").groupby(["speaker", "emotion", "level"]):
        ids = list(group.sort_values("number")["clip_id"])
        if choice == "random":
            ids = list(draw.permutation(ids))
        tests = 0 if len(ids) < 2 else min(max(round(len(ids) * test_fraction), 1), len(ids) - 1)
        rows += [(clip_id, "train") for clip_id in ids[: len(ids) - tests]]
        rows += [(clip_id, "test") for clip_id in ids[len(ids) - tests :]]
    return pd.DataFrame(sorted(rows), columns=["clip_id", "part"])


def hold_out_validation(
    train_ids: list[str], *, fraction: float, seed: int
) -> tuple[list[str], list[str]]:
    """Training and validation clips out of the training part, both sorted.

    `fraction` of the clips, rounded, are held out, spread over the emotions; the test part is
    never touched.
    """
    draw = np.random.default_rng(seed)
    by_emotion: dict[str, list[str]] = {}
    for clip_id in draw.permutation(sorted(train_ids)):
        by_emotion.setdefault(parse_clip_id(clip_id).emotion, []).append(str(clip_id))
    held_out: list[str] = []
    while len(held_out) < round(len(train_ids) * fraction):
        largest = max(sorted(by_emotion), key=lambda emotion: len(by_emotion[emotion]))
        held_out.append(by_emotion[largest].pop())
    return sorted(set(train_ids) - set(held_out)), sorted(held_out)


def clips_of_part(split: Path, part: str) -> list[str]:
    """The clip ids of one part of a split.csv; ValueError when it has none."""
    rows = pd.read_csv(split)
    clip_ids = sorted(rows.loc[rows["part"] == part, "clip_id"])
    if not clip_ids:
        raise ValueError(f"{split}: the {part} part has no clips")
    return clip_ids
