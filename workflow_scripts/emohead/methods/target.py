"""A target video, as in EVP: a neutral clip of the speaker whose head movements ours follow.

EVP fits a 3D face model to landmarks and video and takes the video's rotation; here a similarity in
the plane does it, so that heads that turn far aren't followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from skimage.transform import SimilarityTransform

from emohead.features.store import StoredClip

#: Points that no expression moves much: the nose's bridge and root, and the corners of the eyes.
RIGID = [27, 28, 29, 30, 33, 36, 39, 42, 45]
# EVP's filter: the lowest cutoff and that of the speed in Hz, the cutoff's growth with speed, and
# the rate that it takes frames to have; in pixels of a crop of this size.
_LOWEST, _OF_SPEED, _GROWTH, _RATE, _SIZE = 0.01, 1.0, 0.7, 100, 256


@dataclass(frozen=True)
class TargetVideo:
    """A clip moved to where a reference face is: `landmarks` [T, 68, 2], `order` its own frames.

    It plays forwards and backwards for as long as it is needed.
    """

    clip: StoredClip
    transform: SimilarityTransform
    order: np.ndarray
    landmarks: np.ndarray

    def frames(self) -> Iterator[np.ndarray]:
        """Its frames uint8 [S, S, 3], one by one; the picture's rim goes on beyond it."""
        for t in self.order:
            yield cv2.warpAffine(
                self.clip.frame(t),
                self.transform.params[:2],
                (self.clip.crop_size,) * 2,
                borderMode=cv2.BORDER_REPLICATE,
            )


def place_target(clip: StoredClip, reference: np.ndarray, length: int) -> TargetVideo:
    """`length` frames of a clip, its first face brought to the reference landmarks [68, 2]."""
    landmarks = clip.landmarks
    transform = SimilarityTransform.from_estimate(landmarks[0, RIGID], reference[RIGID])
    order = back_and_forth(clip.length, length)
    moved = transform(landmarks[order].reshape(-1, 2)).reshape(length, *reference.shape)
    return TargetVideo(clip, transform, order, moved)


def back_and_forth(frames: int, length: int) -> np.ndarray:
    """Places [length] in a video of so many frames, played to its end, back, and so on."""
    place = np.arange(length) % max(2 * frames - 2, 1)
    return np.where(place < frames, place, 2 * frames - 2 - place)


def retarget(landmarks: np.ndarray, target: np.ndarray, crop_size: int) -> np.ndarray:
    """Landmarks on the heads of a target, both [T, 68, 2] in pixels of one crop, smoothed.

    In every frame a similarity brings the rigid points to the target's; `crop_size` is the crop's.
    """
    moved = [
        SimilarityTransform.from_estimate(own[RIGID], head[RIGID])(own)
        for own, head in zip(landmarks, target, strict=True)
    ]
    return one_euro(np.stack(moved), crop_size).astype(np.float32)


def one_euro(track: np.ndarray, crop_size: int) -> np.ndarray:
    """The One Euro filter (Casiez et al. 2012) over time, with EVP's parameters; both [T, ...].

    In pixels of a crop of `crop_size`.
    """
    track = track * (_SIZE / crop_size)
    smooth, speed = [track[0]], np.zeros_like(track[0])
    for value in track[1:]:
        speed = speed + _share(_OF_SPEED) * ((value - smooth[-1]) * _RATE - speed)
        smooth.append(smooth[-1] + _share(_LOWEST + _GROWTH * np.abs(speed)) * (value - smooth[-1]))
    return np.stack(smooth) * (crop_size / _SIZE)


def _share(cutoff: np.ndarray | float) -> np.ndarray | float:
    """A low-pass filter's weight of a new value, at a cutoff in Hz."""
    return 1 / (1 + _RATE / (2 * np.pi * cutoff))
