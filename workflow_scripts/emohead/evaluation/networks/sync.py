"""Lip sync by SyncNet: how near mouths and sounds lie to each other, shift by shift.

As joonson/syncnet_python's `SyncNetInstance.py`, which Wav2Lip's LSE-C and LSE-D come from too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from emohead.data.mead import FPS
from emohead.evaluation.networks.speech import RATE, speech_mfcc
from emohead.evaluation.networks.syncnet import FACE_SIZE, WINDOW, SyncNet
from emohead.media.reading import SAMPLES_PER_FRAME

#: Frames by which the sound is shifted either way.
SHIFTS = 15
_MFCC_PER_FRAME = RATE // FPS
#: Windows of frames that pass the network at once.
_BATCH = 16

# The face as SyncNet's own pipeline cuts it (`run_pipeline.py`): a square of 2.8 half-heights of
# the detected face, more of it below; grey 110 outside the picture.
_HALF_HEIGHTS_ABOVE, _HALF_HEIGHTS = 1.0, 2.8
_GREY = (110, 110, 110)
# The 68 points begin at the brows, the detected face at mid-forehead: so much higher.
_FOREHEAD = 0.27


@dataclass(frozen=True)
class SyncScore:
    """`distance` and `offset` of the best shift, frames, positive where the mouth is late; and the
    `confidence`: by how much that distance is less than the median over all shifts.
    """

    confidence: float
    distance: float
    offset: int


@torch.inference_mode()
def score_sync(
    network: SyncNet, frames: Iterable[np.ndarray], samples: np.ndarray, landmarks: np.ndarray
) -> SyncScore | None:
    """Sync of a clip; None when it is too short for one window.

    Frames uint8 [S, S, 3] RGB, as many as the true landmarks [T, 68, 2], in pixels of the frames,
    from which the place of the face is taken; their sound float32 [N], 16 kHz. A few frames are
    held at a time.
    """
    length = min(len(landmarks), len(samples) // SAMPLES_PER_FRAME)
    count = length - WINDOW  # not one more: the last MFCC frame would reach past the sound
    if count < 1:
        return None
    device = next(network.parameters()).device
    mfcc = torch.from_numpy(speech_mfcc(samples)).float()  # [M, 13]
    sounds = mfcc.unfold(0, WINDOW * _MFCC_PER_FRAME, _MFCC_PER_FRAME)[:count]  # [count, 13, 20]
    faces = face_pictures(islice(frames, count + WINDOW - 1), landmarks)
    held = list(islice(faces, WINDOW - 1))
    of_mouths, of_sounds = [], []
    for start in range(0, count, _BATCH):
        held += islice(faces, _BATCH)
        piece = torch.from_numpy(np.stack(held)).float()  # [B + 4, 3, 224, 224]
        of_mouths.append(network.mouths(piece.to(device)))
        of_sounds.append(network.sounds(sounds[start : start + _BATCH].to(device)))
        held = held[-(WINDOW - 1) :]
    return best_shift(shift_distances(torch.cat(of_mouths), torch.cat(of_sounds)))


def shift_distances(mouths: Tensor, sounds: Tensor) -> Tensor:
    """Mean distance [31] of embeddings [N, 1024] when the sound is taken -15 to 15 frames later.

    Beyond its ends the sound is zero, as in the public code, so that every shift has N distances.
    """
    around = functional.pad(sounds, (0, 0, SHIFTS, SHIFTS))
    return torch.stack([
        functional.pairwise_distance(mouths, around[k : k + len(mouths)]).mean()
        for k in range(2 * SHIFTS + 1)
    ])  # fmt: skip


def best_shift(distances: Tensor) -> SyncScore:
    """The score of mean distances [31] by shift."""
    least, place = distances.min(0)
    return SyncScore(
        confidence=float(distances.median() - least),
        distance=float(least),
        offset=SHIFTS - int(place),
    )


def face_pictures(frames: Iterable[np.ndarray], landmarks: np.ndarray) -> Iterator[np.ndarray]:
    """Faces uint8 [3, 224, 224] BGR of frames uint8 [S, S, 3] RGB.

    One square for the whole clip, from the landmarks' mean place: were it to follow the true head,
    it would move a face that a method keeps still.
    """
    left, top, side = _face_square(landmarks)
    scale = FACE_SIZE / side
    # Pixel centres are at whole numbers: x of the picture is (x - left + 1/2) * scale - 1/2.
    offset = scale / 2 - 0.5 - scale * np.array([left, top])
    transform = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    for frame in frames:
        face = cv2.warpAffine(frame, transform, (FACE_SIZE, FACE_SIZE), borderValue=_GREY)
        yield face[..., ::-1].transpose(2, 0, 1)


def _face_square(landmarks: np.ndarray) -> tuple[float, float, float]:
    """Left edge, upper edge and side, in pixels, of the square that SyncNet sees."""
    points = landmarks.mean(axis=0)
    low, high = points.min(axis=0), points.max(axis=0)
    top = low[1] - _FOREHEAD * (high[1] - low[1])
    half = max(high[1] - top, high[0] - low[0]) / 2
    middle_x, middle_y = (low[0] + high[0]) / 2, (top + high[1]) / 2
    side = _HALF_HEIGHTS * half
    return middle_x - side / 2, middle_y - _HALF_HEIGHTS_ABOVE * half, side
