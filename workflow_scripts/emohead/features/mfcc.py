"""MFCC windows, one per video frame (paper section 4.1: 25 ms window, 10 ms hop, 16 kHz).

What the paper leaves open follows ATVG's `code/demo.py` and python_speech_features' defaults:
13 coefficients of which the first is dropped, 26 mel bands, 512-point FFT, pre-emphasis .97,
lifter 22, and a window of 28 MFCC frames for every video frame. librosa's lifter counts
coefficients from 1, where python_speech_features counts from 0: a factor for each coefficient,
which the models' normalisation removes.

The first coefficient, c0, is the loudness: a gain of the sound changes it and nothing else.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from emohead.features.mfcc_shape import COEFFICIENTS, WINDOW_FRAMES
from emohead.media.librosa import librosa
from emohead.media.reading import SAMPLE_RATE, SAMPLES_PER_FRAME

HOP = SAMPLE_RATE // 100
WINDOW = SAMPLE_RATE // 40
N_FFT = 512
N_MELS = 26

_HOPS_PER_FRAME = SAMPLES_PER_FRAME // HOP

# Video frames whose windows are made at once: a minute, so that an hour takes no more memory.
_BLOCK_FRAMES = 1500
# Silence has no logarithm; this is about 20 dB below the noise of a quiet recording.
_FLOOR = 1e-10
# Half of (28 frames a window) minus half a video frame: centres the window on the video frame.
_PADDING = ((WINDOW_FRAMES - 1) * HOP + WINDOW - SAMPLES_PER_FRAME) // 2


def mfcc_windows(samples: np.ndarray, frames: int, *, c0: bool = False) -> np.ndarray:
    """MFCC windows float32 [frames, 28, 12] of 16 kHz sound float32 [N]; with `c0` 13, it first.

    Window t is centred on the middle of video frame t, (t + 1/2) / 25 s; sound that is shorter
    than `frames` video frames, and the two edges, are padded with silence.
    """
    samples = samples[: frames * SAMPLES_PER_FRAME]
    windows = np.empty((frames, WINDOW_FRAMES, COEFFICIENTS + c0), np.float32)
    for start in range(0, frames, _BLOCK_FRAMES):
        stop = min(start + _BLOCK_FRAMES, frames)
        windows[start:stop] = _windows_of(samples, *_span_of(start, stop), c0=c0)
    return windows


def stream_mfcc_windows(
    blocks: Iterable[np.ndarray], frames_per_block: int, *, c0: bool = False
) -> Iterator[np.ndarray]:
    """The MFCC windows of sound that comes in blocks float32 [n], float32 [t, 28, 12] at a time.

    Every t is `frames_per_block`, but for the last. They are those that `mfcc_windows` makes of the
    whole sound's video frames, the last of which may be begun only; no more of the sound is held
    than one block of frames needs.
    """
    held, offset, done = np.zeros(0, np.float32), 0, 0  # held of the sound, from sample `offset` on
    waiting, heard = [], 0
    for block in blocks:
        waiting.append(block)
        heard += len(block)
        while heard >= _span_of(done, done + frames_per_block)[1]:
            held = np.concatenate([held, *waiting])
            waiting = []
            first, last = _span_of(done, done + frames_per_block)
            yield _windows_of(held, first - offset, last - offset, c0=c0)
            done += frames_per_block
            # Pre-emphasis looks back by one sample.
            keep = max(_span_of(done, done + 1)[0] - 1, 0)
            held, offset = held[keep - offset :], keep
    held = np.concatenate([held, *waiting])
    frames = -(-heard // SAMPLES_PER_FRAME)
    for start in range(done, frames, frames_per_block):
        first, last = _span_of(start, min(start + frames_per_block, frames))
        yield _windows_of(held, first - offset, last - offset, c0=c0)


def _span_of(start: int, stop: int) -> tuple[int, int]:
    """The samples [first, last) that the windows of video frames [start, stop) are made of."""
    # librosa centres the 400-sample window in the 512-sample FFT frame.
    first = start * SAMPLES_PER_FRAME - _PADDING - (N_FFT - WINDOW) // 2
    hops = (stop - start - 1) * _HOPS_PER_FRAME + WINDOW_FRAMES
    return first, first + (hops - 1) * HOP + N_FFT


def _windows_of(samples: np.ndarray, first: int, last: int, *, c0: bool) -> np.ndarray:
    """The windows [t, 28, 12 or 13] of t video frames, of their samples [first, last)."""
    sound = _emphasised(samples, first, last)
    mel = librosa.feature.melspectrogram(
        y=sound, sr=SAMPLE_RATE, n_fft=N_FFT, win_length=WINDOW, hop_length=HOP, window="boxcar",
        center=False, power=2.0, n_mels=N_MELS, htk=True, norm=None,
    )  # fmt: skip
    log_mel = np.log(np.maximum(mel / N_FFT, _FLOOR))
    mfcc = librosa.feature.mfcc(S=log_mel, n_mfcc=COEFFICIENTS + 1, norm="ortho", lifter=22)
    wanted = mfcc if c0 else mfcc[1:]
    windows = np.lib.stride_tricks.sliding_window_view(wanted.T, WINDOW_FRAMES, axis=0)
    return windows[::_HOPS_PER_FRAME].transpose(0, 2, 1)


def _emphasised(samples: np.ndarray, first: int, last: int) -> np.ndarray:
    """Samples [first, last) with pre-emphasis .97; silence before and after the sound."""
    begin, end = max(first, 0), min(last, len(samples))
    sound = np.zeros(last - first, np.float32)
    if begin < end:
        before = samples[begin - 1 : begin] if begin else np.zeros(1, np.float32)
        emphasised, _ = librosa.effects.preemphasis(
            samples[begin:end], coef=0.97, zi=-0.97 * before, return_zf=True
        )
        sound[begin - first : end - first] = emphasised
    return sound
