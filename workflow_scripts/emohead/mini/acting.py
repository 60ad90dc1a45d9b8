"""Acting of a clip: expression, speech, blinks, gaze and head over time."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from emohead.data.mead import FPS
from emohead.mini.action_units import ACTION_UNITS, EXPRESSIONS
from emohead.mini.posing import FacePose, HeadPose
from emohead.mini.speech import Utterance
from emohead.mini.visemes import OPEN, PRESS, ROUND, TUCK, MouthShape, mouth_curves


@dataclass(frozen=True)
class Temper:
    """How an emotion moves: seconds until the expression stands, liveliness, size of the speech."""

    onset: float
    liveliness: float
    articulation: float


TEMPERS = {
    "angry": Temper(0.28, 1.3, 1.20),
    "contempt": Temper(0.60, 0.8, 0.85),
    "disgusted": Temper(0.50, 1.0, 1.00),
    "fear": Temper(0.32, 1.2, 0.95),
    "happy": Temper(0.45, 1.4, 1.12),
    "neutral": Temper(0.60, 0.7, 1.00),
    "sad": Temper(1.00, 0.6, 0.75),
    "surprised": Temper(0.20, 1.1, 1.20),
}

#: The expression before the voice sets in, and what is left of its height when it has ended.
_BEFORE, _AFTER = 0.30, 0.55
#: How long before the voice the face begins, and before its end relaxes, in seconds.
_AHEAD, _RELAX_AHEAD, _RELAX_SECONDS = 0.15, 0.35, 0.70
#: Units that give way by up to this share while the lips close or round for a sound.
_YIELDING_UNITS, _YIELDING_SHARE = ("AU10", "AU12", "AU20"), 0.3
#: Closure of the lids in the five frames of a blink.
_BLINK = (0.35, 0.95, 1.0, 0.7, 0.3)
#: The jaw drops less than the lips part.
_JAW_PER_OPENING = 0.85


def expression_envelope(emotion: str, utterance: Utterance) -> np.ndarray:
    """Strength of the expression at every frame, [frames], at most 1.

    It sets in just before the voice, at the emotion's own pace, is highest where the voice is
    loud, and relaxes at the end, though not to nothing.
    """
    time = np.arange(utterance.frames) / FPS
    rise = _smooth_step((time - utterance.speech_start + _AHEAD) / TEMPERS[emotion].onset)
    relaxation = _smooth_step((time - utterance.speech_end + _RELAX_AHEAD) / _RELAX_SECONDS)
    stress = gaussian_filter1d(utterance.loudness(), 0.2 * FPS)
    apex = 0.70 + 0.30 * stress / stress.max()
    return (_BEFORE + (1 - _BEFORE) * rise) * apex * (1 - (1 - _AFTER) * relaxation)


def act(
    emotion: str, strength: float, utterance: Utterance, rng: np.random.Generator
) -> list[FacePose]:
    """The poses of a clip, one a frame; `strength` is 1 for a full expression of level 3."""
    frames = utterance.frames
    expression, temper = EXPRESSIONS[emotion], TEMPERS[emotion]
    envelope = strength * expression_envelope(emotion, utterance)
    liveliness = 1 + strength * (temper.liveliness - 1)

    units = expression.unit_weights()
    units = units * rng.normal(1, 0.12, (len(units), 1))  # no two takes are alike
    yielding = _YIELDING_SHARE * np.isin(ACTION_UNITS, _YIELDING_UNITS)[:, None]

    mouth = mouth_curves(utterance.phonemes, frames)
    mouth[:, OPEN] *= 1 + strength * (temper.articulation - 1)
    closed = np.maximum(mouth[:, PRESS], mouth[:, TUCK])
    # An emotion parts the lips more while they are parted anyway, and never keeps them from
    # closing.
    parted = 0.35 + 0.65 * np.minimum(1, 2 * mouth[:, OPEN] + 0.3)
    mouth[:, OPEN] += envelope * expression.mouth_open * parted * (1 - np.clip(closed, 0, 1))
    lips_busy = np.maximum(closed, mouth[:, ROUND])

    lids = np.maximum(envelope * expression.lids, _blinks(frames, rng))
    gaze = _gaze(frames, rng)
    nod = 1.2 * (_relative_loudness(utterance) - 0.4)
    yaw, pitch, roll, dx, dy = (
        liveliness * size * _sway(frames, rng) for size in (1.6, 1.0, 0.9, 1.2, 0.8)
    )
    return [
        FacePose(
            units=envelope[t] * units * (1 - lips_busy[t] * yielding),
            mouth=MouthShape(*mouth[t]),
            jaw=_JAW_PER_OPENING * mouth[t, OPEN],
            lids=lids[t],
            gaze=(gaze[t, 0], gaze[t, 1]),
            head=HeadPose(
                yaw=yaw[t] + envelope[t] * expression.yaw,
                pitch=pitch[t] + envelope[t] * expression.pitch + liveliness * nod[t],
                roll=roll[t] + envelope[t] * expression.roll,
                nearer=envelope[t] * expression.nearer,
                dx=dx[t],
                dy=dy[t],
            ),
            flush=envelope[t] * expression.flush,
        )
        for t in range(frames)
    ]


def _smooth_step(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def _relative_loudness(utterance: Utterance) -> np.ndarray:
    loudness = utterance.loudness()
    return np.convolve(loudness / loudness.max(), (0.25, 0.5, 0.25), "same")


def _sway(frames: int, rng: np.random.Generator) -> np.ndarray:
    """A slow sine of amplitude 1."""
    frequency, phase = rng.uniform(0.25, 0.7), rng.uniform(0, 2 * np.pi)
    return np.sin(2 * np.pi * frequency * np.arange(frames) / FPS + phase)


def _blinks(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Closure of the lids by blinks, one every 1.6 to 3.2 s, [frames]."""
    closure = np.zeros(frames + len(_BLINK))
    start = rng.uniform(0.3, 1.6)
    while start * FPS < frames:
        first = int(start * FPS)
        closure[first : first + len(_BLINK)] = _BLINK
        start += rng.uniform(1.6, 3.2)
    return closure[:frames]


def _gaze(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Shift of the irises in pixels, [frames, 2]: it rests, then jumps within two frames."""
    gaze = np.zeros((frames, 2))
    start = rng.uniform(0.2, 1.0)
    while start * FPS < frames:
        gaze[int(start * FPS) :] = rng.normal(0, (1.0, 0.4)).clip(-1.6, 1.6)
        start += rng.uniform(0.5, 1.5)
    return gaussian_filter1d(gaze, 0.6, axis=0)
