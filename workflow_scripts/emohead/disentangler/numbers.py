"""Which clips say the same sentence, by their numbers. Needs nothing but Python itself."""

from dataclasses import dataclass

from emohead.data.mead import parse_clip_id


@dataclass(frozen=True)
class SentenceNumbers:
    """The config's `disentangler.pairs`: the clips' numbers of sentences that all emotions share.

    `emotional[i]` and, of neutral, `neutral[i]` say the same; of MEAD, EVP's tables have 1 to 3 in
    all, and 21 to 30 in the emotions for neutral's 31 to 40. `held_back` are emotional numbers of
    which no clip is trained on: the gates are tested on them. Raises ValueError where they
    contradict.
    """

    emotional: tuple[int, ...]
    neutral: tuple[int, ...]
    held_back: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.emotional) != len(self.neutral):
            raise ValueError(
                f"has {len(self.emotional)} emotional and {len(self.neutral)} neutral numbers: "
                "name the same sentences in both, in the same order"
            )
        held = set(self.emotional) & set(self.held_back)
        if not held or held == set(self.emotional):
            raise ValueError(
                "held_back must have one of the emotional numbers, for the gates, and leave one to "
                "train on"
            )

    def of(self, emotion: str) -> tuple[int, ...]:
        """The numbers of an emotion's takes, sentence by sentence."""
        return self.neutral if emotion == "neutral" else self.emotional

    def is_held_back(self, clip_id: str) -> bool:
        """Whether a clip says a sentence that is held back, or has its number."""
        name = parse_clip_id(clip_id)
        numbers = dict(zip(self.of(name.emotion), self.emotional, strict=True))
        return numbers.get(name.number, name.number) in self.held_back
