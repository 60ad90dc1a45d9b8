"""MFCC as SyncNet heard them in training: those of the package python_speech_features 0.6.

`emohead.features.mfcc` has the paper's, which differ: librosa's filters, no energy, another scale.
"""

import numpy as np
from scipy.fft import dct

from emohead.media.reading import SAMPLE_RATE

COEFFICIENTS = 13
#: MFCC frames, of 10 ms, in a second.
RATE = 100
WINDOW, HOP = SAMPLE_RATE // 40, SAMPLE_RATE // RATE
_N_FFT, _N_MELS, _LIFTER = 512, 26, 22
_INT16 = 32768


def speech_mfcc(samples: np.ndarray) -> np.ndarray:
    """MFCC, float64 [N, 13], of sound float32 [M] in [-1, 1] at 16 kHz.

    25 ms windows without a taper, a new one every 10 ms, silence after the end; pre-emphasis .97;
    26 triangular mel filters between whole FFT bins; lifter 22; log energy in the place of c0; on
    the scale of 16-bit samples.
    """
    sound = samples.astype(float) * _INT16
    sound = np.append(sound[:1], sound[1:] - 0.97 * sound[:-1])
    count = 1 + max(0, -(-(len(sound) - WINDOW) // HOP))
    sound = np.pad(sound, (0, (count - 1) * HOP + WINDOW - len(sound)))
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]  # [N, 400]
    power = np.abs(np.fft.rfft(windows, _N_FFT)) ** 2 / _N_FFT  # [N, 257]
    cepstra = dct(_log(power @ _mel_filters().T), norm="ortho")[:, :COEFFICIENTS]
    cepstra *= 1 + _LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / _LIFTER)
    cepstra[:, 0] = _log(power.sum(axis=1))
    return cepstra


def _log(values: np.ndarray) -> np.ndarray:
    """The logarithm, where zero counts as the smallest step of a double."""
    return np.log(np.where(values == 0, np.finfo(float).eps, values))


def _mel_filters() -> np.ndarray:
    """Triangles [26, 257] whose corners are FFT bins."""
    mels = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), _N_MELS + 2)
    corners = np.floor((_N_FFT + 1) * 700 * (10 ** (mels / 2595) - 1) / SAMPLE_RATE)
    bins = np.arange(_N_FFT // 2 + 1)
    return np.array([
        np.interp(bins, corners[i : i + 3], [0, 1, 0]) for i in range(_N_MELS)
    ])  # fmt: skip
