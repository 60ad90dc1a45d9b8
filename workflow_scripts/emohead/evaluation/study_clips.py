"""Which test clips a user study shows: from their ids and the config alone, before any result."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from emohead.data.mead import parse_clip_id

PRACTICE, TRAPS = 3, 2


@dataclass(frozen=True)
class StudyClips:
    """The clips that every rater rates, those for practice, and the traps' (picture, sound).

    No clip is in two of these, but a trap's sound can be any test clip's. Where the test part is
    too small, practice and traps are the first to lack clips (`check_enough`).
    """

    rated: tuple[str, ...]
    practice: tuple[str, ...]
    traps: tuple[tuple[str, str], ...]

    @property
    def clip_ids(self) -> list[str]:
        """All clips whose videos a study needs, sorted."""
        return sorted(
            {*self.rated, *self.practice, *(clip for trap in self.traps for clip in trap)}
        )

    def check_enough(self, clips: int) -> None:
        """ValueError unless there are `clips` rated ones, and all for practice and traps."""
        there = len(self.rated) + len(self.practice) + len(self.traps)
        if there < clips + PRACTICE + TRAPS:
            raise ValueError(
                f"study.clips: {clips} clips, {PRACTICE} for practice and {TRAPS} traps are more "
                f"than the {there} test clips: {max(there - PRACTICE - TRAPS, 0)} at most"
            )


def choose_clips(test_ids: Collection[str], *, clips: int, seed: int) -> StudyClips:
    """Draw a study's clips from the test part: emotions in turn, then speakers, then levels.

    The same ids, in whatever order, and the same seed give the same clips.
    """
    rng = np.random.default_rng(seed)
    drawn = [str(clip_id) for clip_id in rng.permutation(sorted(test_ids))]
    left = list(drawn)
    rated = tuple(islice(_balanced(left), clips))
    practice = tuple(islice(_balanced(left), PRACTICE))
    pictures = list(islice(_balanced(left), TRAPS))
    traps = tuple((clip_id, _other_sound(clip_id, drawn)) for clip_id in pictures)
    return StudyClips(rated, practice, traps)


def _balanced(left: list[str]) -> Iterator[str]:
    """Takes clips out of `left`, always one of the rarest kind so far."""
    seen: list[Counter] = [Counter(), Counter(), Counter()]
    while left:
        names = [parse_clip_id(clip_id) for clip_id in left]
        kinds = [(name.emotion, name.speaker, name.level) for name in names]
        ranks = [[count[part] for count, part in zip(seen, kind, strict=True)] for kind in kinds]
        first = ranks.index(min(ranks))
        for count, part in zip(seen, kinds[first], strict=True):
            count[part] += 1
        yield left.pop(first)


def _other_sound(clip_id: str, clip_ids: list[str]) -> str:
    """Another sentence for a trap, if possible by the same speaker in the same emotion.

    In MEAD clips of one emotion with different numbers are different sentences.
    """
    name = parse_clip_id(clip_id)

    def unlike(other_id: str) -> tuple[bool, bool, bool]:
        other = parse_clip_id(other_id)
        return (
            other.number == name.number,
            other.speaker != name.speaker,
            other.emotion != name.emotion,
        )

    others = [each for each in clip_ids if each != clip_id]
    return min(others, key=unlike)
