"""Which test clips are shown: those of the figures and of the page, one for every emotion."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from emohead.data.mead import EMOTIONS, parse_clip_id
from emohead.data.split import clips_of_part


def clips_to_show(split: Path) -> dict[str, str]:
    """The clip id shown of every emotion that the test part of a split.csv has."""
    return clip_per_emotion(clips_of_part(split, "test"), EMOTIONS)


def clip_per_emotion(clip_ids: Iterable[str], emotions: Sequence[str]) -> dict[str, str]:
    """One clip id per emotion: the strongest level, the speakers in turn, the lowest number.

    Emotions without a clip are left out.
    """
    names = {clip_id: parse_clip_id(clip_id) for clip_id in sorted(clip_ids)}
    speakers = sorted({name.speaker for name in names.values()})
    chosen: dict[str, str] = {}
    for turn, emotion in enumerate(emotions):
        candidates = [clip_id for clip_id, name in names.items() if name.emotion == emotion]
        if candidates:
            wanted = turn % len(speakers)
            chosen[emotion] = min(
                candidates,
                key=lambda clip_id: (
                    -names[clip_id].level,
                    (speakers.index(names[clip_id].speaker) - wanted) % len(speakers),
                    clip_id,
                ),
            )
    return chosen


def of_emotions(clips: dict[str, str], emotions: Sequence[str]) -> dict[str, str]:
    """Those of `clips_to_show` of these emotions; all of them where there are none."""
    return {emotion: clips[emotion] for emotion in emotions if emotion in clips} or clips
