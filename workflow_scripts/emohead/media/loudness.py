"""Silence, and the loudness of sound over time."""

from dataclasses import dataclass

import numpy as np

from emohead.data.mead import FPS

#: Sound that swings less than this (-60 dB of full scale) is silence: a muted microphone.
SILENCE = 1e-3
# Seconds in which a voice swings to both sides of its mean, so many times at least. A constant
# offset doesn't, nor does the step to one; how a codec rings there is a small part of the offset.
_WINDOW, _LEAST_TURNS, _RINGING = 0.04, 3, 0.1

# The loudness of a silent room (-40 dB), below which differences don't count.
_ROOM = 1e-2
# dB below the loudest where speech ends; seconds of a pause in it.
_SPEECH_RANGE, _PAUSE = 25, 0.3
# Correlations, and seconds, of `likeness`.
_SAME_WAVEFORM, _OTHER_WAVEFORM, _SAME_LOUDNESS, _SURE_LOUDNESS, _REACH = 0.4, 0.15, 0.7, 0.9, 1


class VoiceDetector:
    """Detects more than silence in sound that comes in blocks: `heard`, once it was."""

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


def levels(samples: np.ndarray, frames: int) -> np.ndarray:
    """How loud sound float32 [N], 16 kHz, is in each video frame: dB of full scale, float64 [T].

    What is softer than -40 dB is the noise of a room.
    """
    return 20 * np.log10(_ROOM + _loudness(samples, 16_000 // FPS, frames))


def speech_frames(samples: np.ndarray, frames: int) -> np.ndarray:
    """In which video frames of sound float32 [N], 16 kHz, somebody speaks: bool [frames].

    Loud frames are those within 25 dB of the loudest (of twenty, the second); what isn't for less
    than 0.3 s is a pause of the speech.
    """
    levels = 20 * np.log10(np.maximum(_loudness(samples, 16_000 // FPS, frames), SILENCE))
    speech = levels > np.percentile(levels, 95) - _SPEECH_RANGE
    edges = np.flatnonzero(np.diff(np.concatenate([[True], speech, [True]])))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - start < _PAUSE * FPS:
            speech[start:stop] = True
    return speech


@dataclass(frozen=True)
class Likeness:
    """How alike two recordings are: `waveform` and `loudness` are correlations at the best lag.

    `lag` is by how many seconds the second one is later, by the waveforms.
    """

    waveform: float
    loudness: float
    lag: float

    @property
    def is_certain(self) -> bool:
        """Whether the waveforms say so, and `lag` is theirs."""
        return self.waveform >= _SAME_WAVEFORM

    @property
    def is_same(self) -> bool:
        """Whether they are of the same sound, for all one can tell.

        In the mini set the waveforms of a recording and its AAC copy correlate with 1.0, those of
        two recordings with .34 at most (the same sentence twice); of another microphone in another
        room it may be .2, and loudness .79. Loudness of two sentences: .5 mostly, .9 in one of 100.
        """
        if self.is_certain:
            return True
        unlike = self.waveform < _OTHER_WAVEFORM and self.loudness < _SURE_LOUDNESS
        return not unlike and self.loudness >= _SAME_LOUDNESS


def likeness(one: np.ndarray, other: np.ndarray) -> Likeness:
    """Compare two sounds float32 [N], 16 kHz, that may lie up to a second apart."""
    # A microphone may be of opposite sign.
    waveform, lag = max(
        _best_lag(one, other, _REACH * 16_000), _best_lag(-one, other, _REACH * 16_000)
    )
    curves = [20 * np.log10(_ROOM + _loudness(x, 160, -(-len(x) // 160))) for x in (one, other)]
    loudness, _ = _best_lag(*curves, _REACH * 100)
    return Likeness(waveform, loudness, lag / 16_000)


def _best_lag(one: np.ndarray, other: np.ndarray, reach: int) -> tuple[float, int]:
    """The greatest correlation of two series, and by how many steps the second is later then."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    length = 1 << (len(one) + len(other)).bit_length()
    product = np.fft.rfft(other, length) * np.conj(np.fft.rfft(one, length))
    curve = np.fft.irfft(product, length)
    curve = np.concatenate([curve[-reach:], curve[: reach + 1]])
    best = int(curve.argmax())
    return (float(curve[best]) / size if size else 0.0), best - reach


def _loudness(samples: np.ndarray, step: int, count: int) -> np.ndarray:
    """The root mean square of `count` pieces of `step` samples; silence after the end."""
    samples = samples[: count * step].astype(np.float64)
    samples = np.pad(samples, (0, count * step - len(samples)))
    return np.sqrt((samples.reshape(count, step) ** 2).mean(axis=1))
