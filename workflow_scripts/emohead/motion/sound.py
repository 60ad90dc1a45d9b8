"""Audio2Head's sound: 41 numbers for every 10 ms.

Wang et al., IJCAI 2021 (inference.py): 13 MFCC, the first of which is the logarithm of the energy,
26 logarithmic mel bands, the pitch in Hz and whether there is one, of sound without an offset whose
peak is 1. The pitch is theirs by Harvest and here by pYIN, in Harvest's range; where there is none,
both draw a line from the last to the next one. Windows of 25 ms as python_speech_features has them
(see `emohead.features.mfcc`) are centred on their steps, where theirs begin with them.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from emohead.data.mead import Clip
from emohead.features.mfcc import HOP, N_FFT, N_MELS, WINDOW
from emohead.features.store import Shard, open_hdf5
from emohead.files import whole_file
from emohead.media.librosa import librosa
from emohead.media.reading import SAMPLE_RATE, SAMPLES_PER_FRAME, clip_audio
from emohead.motion.sound_shape import NUMBERS, STEPS

_MFCC = 13
_LOWEST, _HIGHEST = 71.0, 800.0
# Samples that the pitch is looked for in, which hold four periods of the lowest one; and the
# difference of pitches that are tried, in semitones: a tenth takes four times as long.
_PITCH_WINDOW, _RESOLUTION = 1024, 0.2
# Silence has no logarithm.
_FLOOR = 1e-10
# Video frames that are made at once, and those before and after that the pitch is followed through.
_BLOCK, _CONTEXT = 1500, 25


def extract_sound(features: Path, takes: Mapping[str, Clip], output: Path) -> None:
    """Write the sound of the clips of a feature shard; `takes` are they in clips.csv, by id.

    Raises MediaError where the sound can't be read.
    """
    shard = Shard(features)
    with whole_file(output) as unfinished, open_hdf5(unfinished, "w") as file:
        for clip_id in shard.clip_ids:
            file[clip_id] = sound_steps(clip_audio(takes[clip_id]), shard[clip_id].length)


def sound_steps(samples: np.ndarray, frames: int) -> np.ndarray:
    """float32 [frames, 4, 41] of 16 kHz sound float32 [N] from the first of video frames on.

    Sound that is shorter than them is padded with silence.
    """
    samples = samples[: frames * SAMPLES_PER_FRAME].astype(np.float64)
    samples -= samples.mean()
    samples /= max(np.abs(samples).max(), _FLOOR)
    samples = librosa.util.fix_length(samples, size=frames * SAMPLES_PER_FRAME)
    emphasised, _ = librosa.effects.preemphasis(samples, coef=0.97, zi=np.zeros(1), return_zf=True)
    steps = np.empty((frames * STEPS, NUMBERS), np.float32)
    voiced = np.empty(frames * STEPS, bool)
    around = _CONTEXT * SAMPLES_PER_FRAME
    samples, emphasised = (np.pad(each, around) for each in (samples, emphasised))
    kept = slice(_CONTEXT * STEPS, -_CONTEXT * STEPS)
    for start in range(0, frames, _BLOCK):
        stop = min(start + _BLOCK, frames)
        made = slice(start * STEPS, stop * STEPS)
        part = slice(start * SAMPLES_PER_FRAME, stop * SAMPLES_PER_FRAME + 2 * around)
        steps[made, :-2] = _spectral(emphasised[part])[kept]
        pitch, found = _pitch(samples[part])
        steps[made, -2], voiced[made] = pitch[kept], found[kept]
    every, known = np.arange(len(steps)), np.flatnonzero(voiced)
    steps[:, -2] = np.interp(every, known, steps[known, -2]) if len(known) else 0
    steps[:, -1] = voiced
    return steps.reshape(frames, STEPS, NUMBERS)


def _spectral(sound: np.ndarray) -> np.ndarray:
    """MFCC and mel bands [n, 39] of emphasised sound [160 n]."""
    power = np.abs(
        librosa.stft(
            np.pad(sound, (N_FFT - HOP) // 2), n_fft=N_FFT, win_length=WINDOW, hop_length=HOP,
            window="boxcar", center=False,
        )
    ) ** 2 / N_FFT  # fmt: skip
    bands = librosa.feature.melspectrogram(
        S=power, sr=SAMPLE_RATE, n_mels=N_MELS, htk=True, norm=None
    )
    bands, energy = (np.log(np.maximum(each, _FLOOR)) for each in (bands, power.sum(axis=0)))
    mfcc = librosa.feature.mfcc(S=bands, n_mfcc=_MFCC, norm="ortho", lifter=22)
    mfcc[0] = energy
    return np.concatenate([mfcc, bands]).T


def _pitch(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in Hz [n] and whether there is one, bool [n], of sound [160 n]."""
    pitch, voiced, _ = librosa.pyin(
        np.pad(sound, (_PITCH_WINDOW - HOP) // 2), fmin=_LOWEST, fmax=_HIGHEST, sr=SAMPLE_RATE,
        frame_length=_PITCH_WINDOW, hop_length=HOP, center=False, resolution=_RESOLUTION,
    )  # fmt: skip
    return pitch, voiced
