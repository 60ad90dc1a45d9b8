"""The mini speakers' voices: espeak-ng with an emotion's manner of speaking."""

import json
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import espeakng_loader
import numpy as np
from scipy.signal import butter, lfilter, resample_poly

from emohead.data.mead import FPS

SAMPLE_RATE = 44_100
#: Silence before and after the sentence, in seconds, and the noise that it is made of.
LEAD_IN, LEAD_OUT, _NOISE_FLOOR = 0.16, 0.24, 8e-4


@dataclass(frozen=True)
class Voice:
    """A speaker's ordinary voice: espeak-ng's voice and parameters, and the formants' scale."""

    name: str
    pitch: float
    range: float
    rate: float
    formants: float


@dataclass(frozen=True)
class Manner:
    """What an emotion does to a voice at level 3.

    `pitch`, `range` (espeak-ng's 0..99) and `rate` (words a minute) are added; `gain` in dB;
    `tilt` of the spectrum in dB per octave about 600 Hz; `formants` a relative shift; `rough`
    (75 Hz) and `tremor` (6.3 Hz) are depths of amplitude modulation; `breath` a share of noise.
    """

    pitch: float = 0.0
    range: float = 0.0
    rate: float = 0.0
    gain: float = 0.0
    tilt: float = 0.0
    formants: float = 0.0
    rough: float = 0.0
    tremor: float = 0.0
    breath: float = 0.0


VOICES = {
    "W901": Voice("en-us+f4", pitch=44, range=45, rate=165, formants=1.02),
    "W902": Voice("en-us+f5", pitch=38, range=42, rate=158, formants=0.97),
}

MANNERS = {
    "angry": Manner(pitch=10, range=35, rate=22, gain=6, tilt=2.6, rough=0.35),
    "contempt": Manner(pitch=-12, range=-22, rate=-20, gain=-1.5, tilt=-0.8, formants=-0.015),
    "disgusted": Manner(-16, 12, -28, gain=1, tilt=0.8, formants=-0.035, rough=0.25),
    "fear": Manner(28, -12, 30, gain=-2, tilt=1.0, formants=0.02, tremor=0.45, breath=0.05),
    "happy": Manner(pitch=20, range=42, rate=8, gain=3, tilt=1.4, formants=0.045),
    "neutral": Manner(),
    "sad": Manner(pitch=-8, range=-38, rate=-34, gain=-6, tilt=-3.2, breath=0.03),
    "surprised": Manner(pitch=36, range=48, rate=-4, gain=4, tilt=0.4, formants=0.01),
}


@dataclass(frozen=True)
class Phoneme:
    """One of espeak-ng's phoneme mnemonics and when it starts, in seconds."""

    start: float
    mnemonic: str


@dataclass(frozen=True)
class Utterance:
    """A spoken sentence: samples float32 [frames * 1764] at 44.1 kHz.

    The phonemes end with a pause mark where the speech ends.
    """

    samples: np.ndarray
    phonemes: list[Phoneme]

    @property
    def frames(self) -> int:
        """How many video frames the sound lasts."""
        return len(self.samples) * FPS // SAMPLE_RATE

    @property
    def speech_start(self) -> float:
        """When the first phoneme starts, in seconds."""
        return next(p.start for p in self.phonemes if not p.mnemonic.startswith("_"))

    @property
    def speech_end(self) -> float:
        """When the last phoneme ends, in seconds."""
        return self.phonemes[-1].start

    def loudness(self) -> np.ndarray:
        """Root mean square of each frame's samples, [frames]."""
        return np.sqrt((self.samples.reshape(self.frames, -1) ** 2).mean(1))


def speak(
    text: str, voice: Voice, manner: Manner, strength: float, rng: np.random.Generator
) -> Utterance:
    """Say a sentence; `strength` scales the manner (1 = level 3).

    Pitch, range, rate and loudness also vary a little from take to take.
    """
    formants = voice.formants * (1 + strength * manner.formants)
    sample_rate, samples, phonemes = _run_espeak(
        text,
        voice=voice.name,
        # Moving the formants by resampling also changes the pace: half of it is taken back.
        rate=int((voice.rate + strength * manner.rate + rng.normal(0, 4)) / formants**0.5),
        pitch=int(np.clip(voice.pitch + strength * manner.pitch + rng.normal(0, 2.5), 0, 99)),
        range=int(np.clip(voice.range + strength * manner.range + rng.normal(0, 4), 0, 99)),
    )
    ratio = Fraction(SAMPLE_RATE / (sample_rate * formants)).limit_denominator(64)
    samples = resample_poly(samples, ratio.numerator, ratio.denominator)
    stretch = float(ratio) * sample_rate / SAMPLE_RATE

    samples = _tilt(samples, strength * manner.tilt)
    if manner.rough:
        samples = samples * (1 + strength * manner.rough * _roughness(len(samples), rng))
    if manner.tremor:
        time = np.arange(len(samples)) / SAMPLE_RATE
        wave = np.sin(2 * np.pi * (6.3 + rng.normal(0, 0.3)) * time + rng.uniform(0, 2 * np.pi))
        samples = samples * (1 + strength * manner.tremor * wave)
    if manner.breath:
        samples = samples + strength * manner.breath * _breath(samples, rng)
    gain = strength * manner.gain + rng.normal(0, 0.7)
    samples = 0.5 * 10 ** (gain / 20) * samples

    speech_end = LEAD_IN + len(samples) / SAMPLE_RATE
    frames = int(np.ceil((speech_end + LEAD_OUT) * FPS))
    track = rng.normal(0, _NOISE_FLOOR, frames * (SAMPLE_RATE // FPS))
    first = int(LEAD_IN * SAMPLE_RATE)
    track[first : first + len(samples)] += samples
    timed = [Phoneme(LEAD_IN + stretch * start, mnemonic) for start, mnemonic in phonemes]
    return Utterance(
        np.clip(track, -0.99, 0.99).astype(np.float32), [*timed, Phoneme(speech_end, "_")]
    )


def _run_espeak(
    text: str, **parameters: str | int
) -> tuple[int, np.ndarray, list[tuple[float, str]]]:
    """Sample rate, samples in [-1, 1] and phonemes (start in seconds, mnemonic)."""
    request = {
        "library": espeakng_loader.get_library_path(),
        "data": espeakng_loader.get_data_path(),
        "text": text,
        **parameters,
    }
    program = Path(__file__).with_name("espeak.py")
    answer = subprocess.run(
        [sys.executable, "-I", "-S", str(program)],
        input=json.dumps(request).encode(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    head, samples = answer.split(b"\n", 1)
    facts = json.loads(head)
    phonemes = [(milliseconds / 1000, mnemonic) for milliseconds, mnemonic in facts["phonemes"]]
    return facts["sample_rate"], np.frombuffer(samples, np.int16) / 32768, phonemes


def _tilt(samples: np.ndarray, decibels_per_octave: float) -> np.ndarray:
    spectrum = np.fft.rfft(samples)
    octaves = np.log2(np.clip(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE), 150, 9000) / 600)
    gain = np.clip(decibels_per_octave * octaves, -15, 12)
    return np.fft.irfft(spectrum * 10 ** (gain / 20), len(samples))


def _roughness(length: int, rng: np.random.Generator) -> np.ndarray:
    """A sine of about 75 Hz whose frequency wanders."""
    wander = lfilter(*butter(1, 20, fs=SAMPLE_RATE), rng.normal(0, 20, length))
    return np.sin(2 * np.pi * np.cumsum(75 + 12 * wander) / SAMPLE_RATE)


def _breath(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """High-passed noise that follows the voice's loudness."""
    window = SAMPLE_RATE // 50
    power = np.cumsum(np.pad(samples**2, (window // 2 + 1, window // 2)))
    loudness = np.sqrt(np.maximum(power[window:] - power[:-window], 0) / window)
    noise = lfilter(*butter(1, 1500, "high", fs=SAMPLE_RATE), rng.normal(0, 0.35, len(samples)))
    return 6 * loudness[: len(samples)] * noise
