"""The reference face of a clip under the two protocols of the evaluation.

A method is given the sound of a test clip and one frame, the reference face, with its landmarks.
A reference in the clip's own emotion already shows that emotion; under a neutral one, a method has
nothing but the voice to take it from.
"""

from collections.abc import Collection, Iterable
from typing import Literal, get_args

from emohead.data.mead import parse_clip_id

#: `same_emotion`: the clip's own first frame; `neutral`: that of a neutral clip of the speaker.
Protocol = Literal["same_emotion", "neutral"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


def neutral_clips(clip_ids: Iterable[str]) -> dict[str, list[str]]:
    """The neutral ones of some clips by speaker, the lowest-numbered first."""
    names = [parse_clip_id(clip_id) for clip_id in clip_ids]
    found: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: (name.number, name.clip_id)):
        if name.emotion == "neutral":
            found.setdefault(name.speaker, []).append(name.clip_id)
    return found


def choose_target_clip(train_ids: Iterable[str], speaker: str) -> str:
    """The clip that a method's target video is: a speaker's lowest-numbered neutral training clip.

    Raises ValueError when there is none.
    """
    neutral = neutral_clips(train_ids)
    if speaker not in neutral:
        raise ValueError(
            f"speaker {speaker} has no neutral training clip to be the target video: add neutral "
            "to data.emotions, or take out the methods with target: neutral_video"
        )
    return neutral[speaker][0]


def choose_reference_clips(clip_ids: Collection[str], protocol: Protocol) -> dict[str, str]:
    """For each test clip, the clip of `clip_ids` whose first frame is its reference face.

    Under `neutral` it is the speaker's lowest-numbered neutral clip, whose crop is another one.
    Raises ValueError when a speaker has none.
    """
    if protocol == "same_emotion":
        return {clip_id: clip_id for clip_id in clip_ids}
    neutral = neutral_clips(clip_ids)
    chosen = {}
    for clip_id in clip_ids:
        speaker = parse_clip_id(clip_id).speaker
        if speaker not in neutral:
            raise ValueError(
                f"speaker {speaker} has no neutral test clip to take the reference face from: "
                "add neutral to data.emotions, or take neutral out of evaluation.references"
            )
        chosen[clip_id] = neutral[speaker][0]
    return chosen
