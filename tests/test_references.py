import pytest

from emohead.data.references import choose_reference_clips, neutral_clips

CLIPS = [
    "W901-front-angry-3-011",
    "W901-front-neutral-1-012",
    "W901-front-neutral-1-011",
    "W902-front-neutral-1-030",
    "W902-front-sad-2-007",
]


def test_same_emotion_takes_the_clip_itself():
    assert choose_reference_clips(CLIPS, "same_emotion") == dict(zip(CLIPS, CLIPS, strict=True))


def test_neutral_takes_the_speakers_lowest_numbered_neutral_clip():
    chosen = choose_reference_clips(CLIPS, "neutral")
    assert list(chosen.values()) == [*["W901-front-neutral-1-011"] * 3, *[CLIPS[3]] * 2]
    assert list(chosen) == CLIPS


def test_numbers_count_not_letters():
    """MEAD's neutral clips go beyond 999 in no speaker, but the order must not hang on that."""
    clips = ["W901-front-neutral-1-1000", "W901-front-neutral-1-999"]
    assert neutral_clips(clips) == {"W901": clips[::-1]}


def test_a_speaker_without_a_neutral_clip_is_named():
    with pytest.raises(ValueError, match="speaker W903 has no neutral test clip"):
        choose_reference_clips([*CLIPS, "W903-front-sad-1-001"], "neutral")
