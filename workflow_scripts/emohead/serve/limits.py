"""Limits on a visitor's requests."""

import math
from dataclasses import dataclass
from pathlib import Path

from emohead.media.sound import SAMPLE_RATE, Damage, SoundFacts, iterate_audio, sound_start


@dataclass(frozen=True)
class Limits:
    """Upload size in MB (2^20 bytes) per file, sound in seconds, and waiting requests.

    `keep_minutes` is how long the files of a page that stays open are kept.
    """

    upload_megabytes: float = 25.0
    seconds: float = 60.0
    keep_minutes: float = 30.0
    waiting: int = 8

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < math.inf:
                raise ValueError(
                    f"{name.replace('_', ' ')} of the page: {value} is not a number above 0"
                )

    @property
    def upload_bytes(self) -> int:
        """The largest file, in bytes."""
        return round(self.upload_megabytes * 2**20)

    def check_length(self, sound: Path) -> None:
        """Raise ValueError when a sound is too long; decodes no more of it than is allowed."""
        samples = 0
        # `generate` reads it from here on.
        start = sound_start(sound)
        facts = SoundFacts(channels=1, channel=None, start=start)
        for block in iterate_audio(sound, start=start, facts=facts, damage=Damage()):
            samples += block.shape[1]
            if samples > self.seconds * SAMPLE_RATE:
                raise ValueError(
                    f"{sound}: the sound is longer than {self.seconds:g} s; cut a shorter piece"
                )
