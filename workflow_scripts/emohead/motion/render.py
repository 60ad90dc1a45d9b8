"""Frames from one face and keypoints, and keypoints from frames, with a trained motion field."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from emohead.motion.field import MotionField
from emohead.motion.keypoints import Keypoints


@torch.inference_mode()
def find_keypoints(
    field: MotionField, frames: Iterable[np.ndarray], *, batch_size: int = 16
) -> Keypoints:
    """Those of frames uint8 [S, S, 3], [T, K, 2] and [T, K, 2, 2], where the field is."""
    left, found = iter(frames), []
    while images := list(islice(left, batch_size)):
        found.append(field.detector(as_batch(field, images)))
    return Keypoints(*(torch.cat(parts) for parts in zip(*found, strict=True)))


@torch.inference_mode()
def move_face(
    field: MotionField, face: np.ndarray, keypoints: Keypoints, *, batch_size: int = 16
) -> Iterator[np.ndarray]:
    """The face uint8 [S, S, 3] moved to each of keypoints [T, ...]: frames of its shape."""
    source = as_batch(field, [face])
    own = field.detector(source)
    for start in range(0, len(keypoints.places), batch_size):
        to = Keypoints(*(each[start : start + batch_size] for each in keypoints))
        count = len(to.places)
        at = Keypoints(*(each.expand(count, *each.shape[1:]) for each in own))
        made = field.move(source.expand(count, -1, -1, -1), at, to)
        made = (made * 255).round().to(torch.uint8)
        yield from made.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def as_batch(field: MotionField, frames: Iterable[np.ndarray]) -> Tensor:
    """Frames uint8 [S, S, 3] as a field takes them, [B, 3, S, S] in [0, 1], where it is."""
    images = torch.from_numpy(np.stack(list(frames))).permute(0, 3, 1, 2)
    weight = field.generator.last.weight
    return images.to(weight.device, torch.float32) / 255
