"""Augments a training pair: both frames change alike, as if another person were filmed.

Tone, contrast, colour temperature, mirroring and the shape of the face vary, which a net that sees
few people would otherwise learn by heart.
"""

from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np

#: The point that each of the 68 becomes in the mirror (300-W's order).
MIRRORED = np.array([
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
])  # fmt: skip

# Standard deviations, of the logarithm where that makes sense.
_GAMMA, _CONTRAST, _BRIGHTNESS, _TEMPERATURE = 0.35, 0.12, 0.06, 0.08
_STRETCH, _TURN, _SHIFT = 0.05, 0.06, 0.02
# Waves that reshape the face: how many, the greatest sum of their shifts (parts of the picture),
# and how many go across it.
_WAVES, _LARGEST_WAVE, _ACROSS = 3, 0.03, 1.2


def as_another_face(
    frames: Sequence[np.ndarray], landmarks: Sequence[np.ndarray], random: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Frames uint8 [S, S, 3] and their landmarks [68, 2] (pixels), all changed in the same way."""
    size = len(frames[0])
    tones = _tones(random)
    shape = _Shape(size, random)
    frames = [cv2.LUT(shape.of_picture(frame), tones) for frame in frames]
    landmarks = [shape.of_points(points) for points in landmarks]
    if random.random() < 0.5:
        frames = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
        landmarks = [mirror(points, size) for points in landmarks]
    return frames, landmarks


def mirror(landmarks: np.ndarray, size: int) -> np.ndarray:
    """Landmarks [68, 2] of the mirrored picture, `size` pixels wide."""
    return np.stack([size - 1 - landmarks[MIRRORED, 0], landmarks[MIRRORED, 1]], axis=-1)


def _tones(random: np.random.Generator) -> np.ndarray:
    """A lookup table of the colours' values, uint8 [1, 256, 3] (RGB)."""
    value = np.linspace(0, 1, 256)[:, None]
    warmth = random.normal(0, _TEMPERATURE) * np.array([1, 0, -1]) + random.normal(0, 0.02, 3)
    toned = value ** np.exp(random.normal(0, _GAMMA)) * np.exp(warmth)
    toned = (toned - 0.5) * np.exp(random.normal(0, _CONTRAST)) + 0.5
    toned += random.normal(0, _BRIGHTNESS)
    return np.rint(255 * toned.clip(0, 1)).astype(np.uint8)[None]


class _Shape:
    """A smooth map of the picture onto itself: where pixels come from, and where points go."""

    def __init__(self, size: int, random: np.random.Generator) -> None:
        turn, stretch = random.normal(0, _TURN), np.exp(random.normal(0, _STRETCH, 2))
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        self._linear = rotation * stretch
        self._shift = random.normal(0, _SHIFT, 2)
        self._waves = random.normal(0, _ACROSS, (_WAVES, 2)) * 2 * np.pi
        self._phases = random.uniform(0, 2 * np.pi, _WAVES)
        self._heights = random.uniform(-1, 1, (_WAVES, 2)) * _LARGEST_WAVE / _WAVES
        self._size = size

    def of_picture(self, picture: np.ndarray) -> np.ndarray:
        """A picture uint8 [S, S, 3]; what it doesn't show is its nearest pixels."""
        return cv2.remap(
            picture, self._sources, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )

    def of_points(self, points: np.ndarray) -> np.ndarray:
        """The new places of points [N, 2] (pixels) of the picture, float32."""
        origins = points / self._size
        places = origins
        # The map is the identity and a little more: each step leaves a fraction of the error.
        for _ in range(12):
            places = places + origins - self._origins(places)
        return (places * self._size).astype(np.float32)

    @cached_property
    def _sources(self) -> np.ndarray:
        """Where each pixel comes from, float32 [S, S, 2]."""
        steps = np.arange(self._size) / self._size
        places = np.stack(np.meshgrid(steps, steps), axis=-1)
        return (self._origins(places) * self._size).astype(np.float32)

    def _origins(self, places: np.ndarray) -> np.ndarray:
        """The source of each place [..., 2], both in parts of the picture."""
        heights = np.sin(places @ self._waves.T + self._phases) @ self._heights
        return 0.5 + (places - 0.5) @ self._linear.T + self._shift + heights
