"""What the mouth does for each of espeak-ng's phonemes, and how that runs into the next."""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from emohead.data.mead import FPS
from emohead.mini.speech import Phoneme


class MouthShape(NamedTuple):
    """Weights of the mouth's movements, each about 0..1 (`wide` may be negative)."""

    open: float = 0.0
    wide: float = 0.0
    round: float = 0.0
    press: float = 0.0  # lips rolled in and shut: p b m
    tuck: float = 0.0  # lower lip under the upper teeth: f v
    tongue: float = 0.0


REST = MouthShape()
#: Columns of mouth curves.
OPEN, WIDE, ROUND, PRESS, TUCK, TONGUE = range(len(REST))
_SCHWA = MouthShape(0.40, 0, 0.05)
_BY_SOUND = {
    "p b m": MouthShape(press=1),
    "f v": MouthShape(0.08, 0.1, tuck=1),
    "T D": MouthShape(0.20, 0.1, tongue=1),
    "t d n l s z t# t2 n- l- z#": MouthShape(0.17, 0.15, tongue=0.8),
    "S Z tS dZ": MouthShape(0.18, -0.1, 0.5, tongue=0.2),
    "k g N h x ?": MouthShape(0.26),
    "r r- r/": MouthShape(0.18, 0, 0.45, tongue=0.3),
    "w w#": MouthShape(0.10, 0, 1.0),
    "j": MouthShape(0.18, 0.5, tongue=0.4),
    "i: i I I# I2 i2": MouthShape(0.26, 0.55, tongue=0.2),
    "E e e: eI E2": MouthShape(0.46, 0.35),
    "a aI aU A: A a# aa A# aI@ aU@": MouthShape(0.80, 0.05),
    "V @ @2 @5 3: 3 @L @- a2 V@ @r I@ e@": _SCHWA,
    "O O: 0 0# OI O2 o@ O@ o:": MouthShape(0.60, -0.1, 0.55),
    "u: U u oU U@ @U": MouthShape(0.26, -0.1, 0.85),
}
_SHAPES = {sound: shape for sounds, shape in _BY_SOUND.items() for sound in sounds.split()}
_GLIDES = {
    "aI": "I", "aU": "U", "eI": "I", "OI": "I", "oU": "u:", "@U": "u:", "aI@": "@", "aU@": "@",
    "I@": "@", "e@": "@", "U@": "@", "o@": "@",
}  # fmt: skip
_VOWEL_STARTS = "aAeEiIoOuUV@30"

#: Samples a second of the curves before they are read off at the frames.
_RATE = 200
#: Spread of a movement, of a closure, and how far lips run ahead of the sound, in seconds.
_COARTICULATION, _CLOSURE, _LEAD = 0.042, 0.018, 0.020
#: Lips shut before espeak-ng's mark of a stop, which is its release, and for some time, in seconds.
_CLOSED_AHEAD, _SHORTEST_CLOSURE = 0.030, 0.075


def _sound(mnemonic: str) -> str:
    """The table's key for a phoneme: no stress marks, unknown variants cut to a known start."""
    bare = mnemonic.lstrip("',%=|").rstrip("~;^")
    return next((bare[:n] for n in range(len(bare), 0, -1) if bare[:n] in _SHAPES), bare)


def mouth_curves(phonemes: list[Phoneme], frames: int) -> np.ndarray:
    """The mouth at every frame, float64 [frames, 6], columns as MouthShape.

    Movements blend over neighbouring phonemes; closures of the lips are blended much less and
    then taken out of the opening, so that every p, b and m really closes.
    """
    samples = int(frames / FPS * _RATE) + _RATE
    shapes = np.zeros((samples, len(REST)))
    closed, press, tuck = np.zeros((3, samples))
    # A mark alone (";" palatalises) is no sound: the sound before it goes on.
    phonemes = [phoneme for phoneme in phonemes if _sound(phoneme.mnemonic)]
    ends = [later.start for later in phonemes[1:]]
    for phoneme, end in zip(phonemes, ends, strict=False):
        first = int(phoneme.start * _RATE)
        span = slice(first, max(int(end * _RATE), first + 1))
        if phoneme.mnemonic.startswith("_"):
            continue
        sound = _sound(phoneme.mnemonic)
        shape = np.array(_SHAPES.get(sound, _SCHWA))
        if sound[0] in _VOWEL_STARTS and "," not in phoneme.mnemonic:
            shape[OPEN] *= 1.2 if "'" in phoneme.mnemonic else 0.85
        end_shape = np.array(_SHAPES[_GLIDES[sound]]) if sound in _GLIDES else shape
        shapes[span] = np.linspace(shape, end_shape, span.stop - span.start)
        shut_first = max(0, int((phoneme.start - _CLOSED_AHEAD) * _RATE))
        shut = slice(shut_first, max(span.stop, shut_first + int(_SHORTEST_CLOSURE * _RATE)))
        if shape[PRESS]:
            closed[shut] = press[shut] = 1
        elif shape[TUCK]:
            closed[shut] = 0.75
            tuck[shut] = 1
    smooth = gaussian_filter1d(shapes, _COARTICULATION * _RATE, axis=0)
    closed = gaussian_filter1d(closed, _CLOSURE * _RATE)
    smooth[:, OPEN] *= 1 - np.clip(1.15 * closed, 0, 1)
    smooth[:, PRESS] = gaussian_filter1d(press, _CLOSURE * _RATE)
    smooth[:, TUCK] = gaussian_filter1d(tuck, _CLOSURE * _RATE)
    frame_times = (np.arange(frames) + 0.5) / FPS + _LEAD
    sample_times = np.arange(samples) / _RATE
    return np.stack([np.interp(frame_times, sample_times, curve) for curve in smooth.T], axis=1)
