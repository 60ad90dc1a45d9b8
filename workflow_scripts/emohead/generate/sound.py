"""The sound that a face is to say: any file, decoded as often as needed and never held whole."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emohead.data.mead import FPS
from emohead.features.mfcc import stream_mfcc_windows
from emohead.media.loudness import VoiceDetector
from emohead.media.sound import (
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
    Damage,
    iterate_audio,
    probe_sound,
)

#: Samples a second of the sound that goes into the video: what every player takes.
PLAYBACK_RATE = 48_000
_PLAYBACK_SAMPLES = PLAYBACK_RATE // FPS  # of one frame
# Seconds: the shortest syllable; a shorter sound may be a click.
_SHORTEST = 0.2


class Sound:
    """The sound of an audio or video file, at any rate, with any number of channels.

    `frames` video frames (25 a second) are as long as it is, the last of them filled up with
    silence. It starts where the file's clock does: sound that begins after the picture has silence
    before it. Of damaged sound it is what players play; `notes` says so. Raises ValueError
    (MediaError) when the file can't be read, has no sound, is silent or shorter than 0.2 s; to know
    that, the file is decoded once.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._facts = probe_sound(self.path)
        #: The layout of the sound in the video: "mono" or "stereo".
        self.layout = self._facts.layout
        samples, voice, damage = 0, VoiceDetector(), Damage()
        for block in self._read(damage):
            samples += block.shape[1]
            voice.hear(block, SAMPLE_RATE)
        self.notes = tuple(damage.sentences())
        if not voice.heard:
            raise ValueError(f"{self.path}: the sound is silent")
        self.seconds = samples / SAMPLE_RATE
        if self.seconds < _SHORTEST:
            raise ValueError(
                f"{self.path}: lasts {int(100 * self.seconds) / 100:.2f} s, at least {_SHORTEST} s "
                "are needed"
            )
        self.frames = -(-samples // SAMPLES_PER_FRAME)

    def blocks(self) -> Iterator[np.ndarray]:
        """The sound as the models hear it: 16 kHz, one channel, float32 [n] at a time."""
        for block in self._read():
            yield block[0]

    def playback(self) -> Iterator[np.ndarray]:
        """The sound for the video: 48 kHz, `layout`, float32 [channels, 1920] for every frame.

        Where the sound ends within a frame, the last one is shorter.
        """
        blocks = self._read(rate=PLAYBACK_RATE, layout=self.layout)
        held = np.empty((1 if self.layout == "mono" else 2, 0), np.float32)
        for block in blocks:
            held = np.concatenate([held, block], axis=1)
            while held.shape[1] >= _PLAYBACK_SAMPLES:
                yield held[:, :_PLAYBACK_SAMPLES]
                held = held[:, _PLAYBACK_SAMPLES:]
        if held.size:
            yield held

    def _read(
        self, damage: Damage | None = None, *, rate: int = SAMPLE_RATE, layout: str = "mono"
    ) -> Iterator[np.ndarray]:
        return iterate_audio(
            self.path, start=self._facts.start, rate=rate, layout=layout, facts=self._facts,
            damage=damage or Damage(),
        )  # fmt: skip


def mfcc_windows(sound: Sound, frames_per_block: int, *, c0: bool = False) -> Iterator[np.ndarray]:
    """The MFCC windows of every video frame, float32 [t, 28, 12], `frames_per_block` at a time.

    Those that `emohead.features.mfcc.mfcc_windows` makes of the whole sound; call it again for a
    second pass.
    """
    return stream_mfcc_windows(sound.blocks(), frames_per_block, c0=c0)
