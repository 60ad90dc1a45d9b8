"""Made-up clips for benchmarks/gpu.py: faces that talk, their landmarks, and MFCC that fit them.

They have the sizes, the layout and about the bytes of extracted clips, and something to learn:
the mouth opens with the sound, and an emotion shifts both.
"""

from pathlib import Path

import cv2
import numpy as np

from emohead.data.mead import EMOTIONS
from emohead.features.store import ShardWriter

MFCC_SHAPE = (28, 12)
_STEPS_PER_FRAME = 4  # MFCC of 10 ms in a frame of 40 ms
_SKIN, _DARK, _LIP = (205, 160, 135), (60, 45, 40), (170, 70, 75)


def write_shards(folder: Path, *, size: int, clips: int, frames: int) -> list[Path]:
    """A shard for each of two speakers, `clips` clips of `frames` frames in each."""
    paths = []
    for number, speaker in enumerate(("M901", "W902")):
        random = np.random.default_rng(number)
        paths.append(folder / f"{speaker}.h5")
        with ShardWriter(paths[-1]) as shard:
            for clip in range(clips):
                emotion = clip % len(EMOTIONS)
                clip_id = f"{speaker}-front-{EMOTIONS[emotion]}-1-{clip // len(EMOTIONS) + 1:03d}"
                opening = mouth_opening(frames, random)
                landmarks = face_landmarks(opening, emotion, random) * size
                shard.add(
                    clip_id,
                    landmarks=landmarks,
                    frames=draw_faces(landmarks, size, random),
                    mfcc=mfcc_windows(opening, emotion, random),
                )
    return paths


def mouth_opening(frames: int, random: np.random.Generator) -> np.ndarray:
    """How far the mouth is open, [T] in [0, 1]."""
    t = np.arange(frames) / 25
    rates, phases = random.uniform(1, 4, 3), random.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * rates * t[:, None] + phases)  # [T, 3]
    return (waves.mean(axis=1) + 1) / 2


def face_landmarks(opening: np.ndarray, emotion: int, random: np.random.Generator) -> np.ndarray:
    """Landmarks float32 [T, 68, 2], fractions of the crop."""
    calm = _calm_face()
    face = np.repeat(calm[None], len(opening), axis=0)  # [T, 68, 2]
    face[:, 17:27, 1] -= 0.01 * (emotion - 3)  # the brows
    corners = [48, 54, 60, 64]
    face[:, corners, 1] += 0.006 * (emotion - 4)
    upper, lower = [*range(49, 54), 61, 62, 63], [*range(55, 60), 65, 66, 67]
    face[:, upper, 1] -= 0.015 * opening[:, None]
    face[:, lower, 1] += 0.045 * opening[:, None]
    face[:, 5:12, 1] += 0.03 * opening[:, None]
    sway = np.cumsum(random.normal(0, 0.0015, (len(opening), 1, 2)), axis=0)
    return (face + sway + random.normal(0, 0.001, face.shape)).astype(np.float32)


def _calm_face() -> np.ndarray:
    """68 points [68, 2] in dlib's order: jaw, brows, nose, eyes, mouth."""

    def arc(centre, radii, start, stop, count) -> np.ndarray:
        angles = np.radians(np.linspace(start, stop, count))
        return np.array(centre) + np.stack([np.cos(angles), np.sin(angles)], 1) * radii

    return np.concatenate([
        arc((0.5, 0.42), (0.31, 0.46), 180, 0, 17),
        arc((0.36, 0.36), (0.09, 0.04), 200, 340, 5), arc((0.64, 0.36), (0.09, 0.04), 200, 340, 5),
        np.stack([np.full(4, 0.5), np.linspace(0.41, 0.55, 4)], 1),
        arc((0.5, 0.57), (0.06, 0.03), 180, 0, 5),
        arc((0.37, 0.42), (0.05, 0.025), 180, 480, 6),
        arc((0.63, 0.42), (0.05, 0.025), 180, 480, 6),
        arc((0.5, 0.71), (0.11, 0.04), 180, 510, 12), arc((0.5, 0.71), (0.08, 0.015), 180, 495, 8),
    ])  # fmt: skip


def draw_faces(landmarks: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
    """Pictures uint8 [T, size, size, 3] of faces with these landmarks [T, 68, 2] (pixels)."""
    coarse = random.integers(0, 256, (6, 6, 3)).astype(np.uint8)
    background = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    grain = random.normal(0, 2.2, (size, size, 3))  # as much detail as a photo has, for JPEG
    pictures = np.empty((len(landmarks), size, size, 3), np.uint8)
    for picture, points in zip(pictures, np.rint(landmarks).astype(np.int32), strict=True):
        picture[:] = background
        low, high = points[:17].min(0), points[:17].max(0)
        centre, radii = (low + high) // 2, (high - low) // 2
        cv2.ellipse(
            picture, (int(centre[0]), int(centre[1]) - size // 16),
            (int(radii[0]), int(radii[1] * 1.3)), 0, 0, 360, _SKIN, -1, cv2.LINE_AA,
        )  # fmt: skip
        for brow in (points[17:22], points[22:27]):
            cv2.polylines(picture, [brow], False, _DARK, max(1, size // 64), cv2.LINE_AA)
        for eye in (points[36:42], points[42:48]):
            cv2.fillPoly(picture, [eye], (240, 240, 240), cv2.LINE_AA)
            middle = eye.mean(0).astype(int).tolist()
            cv2.circle(picture, middle, max(1, size // 50), _DARK, -1, cv2.LINE_AA)
        cv2.fillPoly(picture, [points[48:60]], _LIP, cv2.LINE_AA)
        cv2.fillPoly(picture, [points[60:68]], _DARK, cv2.LINE_AA)
        picture[:] = np.clip(picture + grain, 0, 255)
    return pictures


def mfcc_windows(opening: np.ndarray, emotion: int, random: np.random.Generator) -> np.ndarray:
    """MFCC windows float32 [T, 28, 12] around every frame of a mouth that opens so far."""
    steps = _STEPS_PER_FRAME * np.arange(len(opening))
    fine = np.interp(np.arange(-14, steps[-1] + 14), steps, opening)  # one each 10 ms
    mixing = np.random.default_rng(99).normal(0, 20, (2, MFCC_SHAPE[1]))  # the same for all clips
    coefficients = np.stack([fine, np.full_like(fine, emotion / 7)], 1) @ mixing
    coefficients += random.normal(0, 2, coefficients.shape)
    windows = np.lib.stride_tricks.sliding_window_view(coefficients, MFCC_SHAPE[0], axis=0)
    return windows[::_STEPS_PER_FRAME][: len(opening)].transpose(0, 2, 1).astype(np.float32)
