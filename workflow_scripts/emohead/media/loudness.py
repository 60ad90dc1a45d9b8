"""What is silence, and how loud sound is over time."""

import numpy as np

#: Sound that swings less than this (-60 dB of full scale) is silence: a muted microphone.
SILENCE = 1e-3
# Seconds in which a voice swings to both sides of its mean, so many times at least. A constant
# offset doesn't, nor does the step to one; how a codec rings there is a small part of the offset.
_WINDOW, _LEAST_TURNS, _RINGING = 0.04, 3, 0.1


class VoiceDetector:
    """Whether sound that comes in blocks is more than silence: `heard`, once it was."""

    def __init__(self) -> None:
        self.heard = False
        self._offset = 0.0

    def hear(self, samples: np.ndarray, rate: int) -> None:
        """The next block, float32 [channels, n], at `rate` samples a second."""
        size = max(1, round(_WINDOW * rate))
        for start in range(0, samples.shape[1], size):
            if self.heard:
                return
            window = samples[:, start : start + size]
            if np.ptp(window, axis=1).max() > 2 * SILENCE:
                self.heard = any(map(self._is_voice, window))
            self._offset = float(np.abs(window.mean(axis=1)).max())

    def _is_voice(self, samples: np.ndarray) -> bool:
        """Whether sound [n] goes from one side of its mean to the other, by more than silence."""
        mean = samples.mean()
        least = max(SILENCE, _RINGING * max(abs(mean), self._offset))
        swing = samples - mean
        sides = np.sign(swing[np.abs(swing) > least])
        return np.count_nonzero(np.diff(sides)) >= _LEAST_TURNS


def is_silent(samples: np.ndarray, rate: int) -> bool:
    """Whether sound float32 [n] is nothing but silence; a constant offset is."""
    detector = VoiceDetector()
    detector.hear(samples[None], rate)
    return not detector.heard
