"""MFCC windows, one per video frame (paper section 2.2: 25 ms window, 10 ms hop, 16 kHz).

What the paper leaves open follows ATVG's `code/demo.py` and python_speech_features' defaults:
13 coefficients of which the first is dropped, 26 mel bands, 512-point FFT, pre-emphasis .97,
lifter 22, and a window of 28 MFCC frames for every video frame.
"""

import librosa
import numpy as np

from emohead.media import SAMPLE_RATE, SAMPLES_PER_FRAME

HOP = SAMPLE_RATE // 100
WINDOW = SAMPLE_RATE // 40
N_FFT = 512
N_MELS = 26
#: MFCC frames in the window of one video frame, and coefficients of each.
WINDOW_FRAMES, COEFFICIENTS = 28, 12

# Silence has no logarithm; this is about 20 dB below the noise of a quiet recording.
_FLOOR = 1e-10
# Half of (28 frames a window) minus half a video frame: centres the window on the video frame.
_PADDING = ((WINDOW_FRAMES - 1) * HOP + WINDOW - SAMPLES_PER_FRAME) // 2


def mfcc_windows(samples: np.ndarray, frames: int) -> np.ndarray:
    """MFCC windows float32 [frames, 28, 12] of 16 kHz sound float32 [N].

    Window t is centred on the middle of video frame t, (t + 1/2) / 25 s; sound that is shorter
    than `frames` video frames, and the two edges, are padded with silence.
    """
    sound = librosa.effects.preemphasis(samples[: frames * SAMPLES_PER_FRAME], coef=0.97, zi=[0.0])
    # librosa centres the 400-sample window in the 512-sample FFT frame.
    edge = _PADDING + (N_FFT - WINDOW) // 2
    sound = np.pad(sound, (edge, edge + frames * SAMPLES_PER_FRAME - len(sound)))
    mel = librosa.feature.melspectrogram(
        y=sound, sr=SAMPLE_RATE, n_fft=N_FFT, win_length=WINDOW, hop_length=HOP, window="boxcar",
        center=False, power=2.0, n_mels=N_MELS, htk=True, norm=None,
    )  # fmt: skip
    log_mel = np.log(np.maximum(mel / N_FFT, _FLOOR))
    mfcc = librosa.feature.mfcc(S=log_mel, n_mfcc=COEFFICIENTS + 1, norm="ortho", lifter=22)
    hops_per_frame = SAMPLES_PER_FRAME // HOP
    windows = np.lib.stride_tricks.sliding_window_view(mfcc[1:].T, WINDOW_FRAMES, axis=0)
    return np.ascontiguousarray(
        windows[::hops_per_frame][:frames].transpose(0, 2, 1), dtype=np.float32
    )
