"""The sound that a face is to say: any file, decoded as often as needed and never held whole."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emohead.data.mead import FPS
from emohead.features.mfcc import stream_mfcc_windows
from emohead.media.reading import SAMPLE_RATE, SAMPLES_PER_FRAME, iterate_audio, probe_sound

#: Samples a second of the sound that goes into the video: what every player takes.
PLAYBACK_RATE = 48_000
_PLAYBACK_SAMPLES = PLAYBACK_RATE // FPS  # of one frame
# Sound whose loudest sample is below this (-60 dB) is silence, as in the training data.
_SILENCE = 1e-3
# Seconds: the shortest syllable; less can't be told from a click.
_SHORTEST = 0.2


class Sound:
    """The sound of an audio or video file, at any rate, with any number of channels.

    `frames` video frames (25 a second) are as long as it is, the last of them filled up with
    silence. It starts where the file's clock does: sound that begins after the picture has silence
    before it. Raises ValueError (MediaError) when the file can't be read, has no sound, is silent
    or shorter than 0.2 s; to know that, the file is decoded once.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        facts = probe_sound(self.path)
        self._start = facts.start
        #: Of the sound in the video: "mono" or "stereo".
        self.layout = "mono" if facts.channels == 1 else "stereo"
        samples, peak = 0, np.float32(0)
        for block in self.blocks():
            samples += len(block)
            peak = np.maximum(peak, np.abs(block).max())  # unlike max, not deaf to NaN
        if not np.isfinite(peak):
            raise ValueError(f"{self.path}: has samples that are no numbers")
        if peak < _SILENCE:
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
        for block in iterate_audio(self.path, start=self._start):
            yield block[0]

    def playback(self) -> Iterator[np.ndarray]:
        """The sound for the video: 48 kHz, `layout`, float32 [channels, 1920] for every frame.

        Where the sound ends within a frame, the last one is shorter.
        """
        blocks = iterate_audio(self.path, start=self._start, rate=PLAYBACK_RATE, layout=self.layout)
        held = np.empty((1 if self.layout == "mono" else 2, 0), np.float32)
        for block in blocks:
            held = np.concatenate([held, block], axis=1)
            while held.shape[1] >= _PLAYBACK_SAMPLES:
                yield held[:, :_PLAYBACK_SAMPLES]
                held = held[:, _PLAYBACK_SAMPLES:]
        if held.size:
            yield held


def mfcc_windows(sound: Sound, frames_per_block: int, *, c0: bool = False) -> Iterator[np.ndarray]:
    """The MFCC windows of every video frame, float32 [t, 28, 12], `frames_per_block` at a time.

    Those that `emohead.features.mfcc.mfcc_windows` makes of the whole sound; call it again for a
    second pass.
    """
    return stream_mfcc_windows(sound.blocks(), frames_per_block, c0=c0)
