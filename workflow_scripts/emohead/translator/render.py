"""Frames from landmarks and a reference face, with a trained translator."""

from collections.abc import Iterable, Iterator
from itertools import repeat

import numpy as np
import torch
from torch import Tensor

from emohead.translator.inputs import draw_input
from emohead.translator.unet import UNet
from emohead.translator.warp import warp_face, with_warped


def translate(
    model: UNet,
    landmarks: np.ndarray,
    reference_face: np.ndarray,
    reference_landmarks: np.ndarray | None = None,
    *,
    batch_size: int = 16,
    scene: Iterable[np.ndarray] | None = None,
) -> Iterator[np.ndarray]:
    """A frame uint8 [S, S, 3] for each of landmarks [T, 68, 2] (pixels) and one face of that shape.

    A model with `warp` needs the face's own landmarks, [68, 2], too. `scene` are frames uint8
    [S, S, 3] whose edges a model with `inputs="edges"` sees outside the face; None: the reference
    face's.
    `batch_size` frames are made at a time, where the model is, in the precision of its weights and
    in evaluation mode; the model's mode stays as it was.
    """
    frames = iter(repeat(reference_face) if scene is None else scene)
    for start in range(0, len(landmarks), batch_size):
        points = landmarks[start : start + batch_size]
        drawings = np.stack(
            [draw_input(model.options.inputs, each, next(frames)) for each in points]
        )
        yield from render(model, drawings, reference_face, points, reference_landmarks)


@torch.inference_mode()
def warp_alone(
    landmarks: np.ndarray,
    face: np.ndarray,
    face_landmarks: np.ndarray,
    *,
    device: str = "cpu",
    batch_size: int = 16,
) -> Iterator[np.ndarray]:
    """As `translate`, without any net: the face warped to the landmarks and nothing painted."""
    own = torch.as_tensor(face_landmarks, dtype=torch.float32, device=device)
    picture = torch.from_numpy(face).to(device).permute(2, 0, 1) / 255  # as a net is given it
    for start in range(0, len(landmarks), batch_size):
        target = torch.as_tensor(
            landmarks[start : start + batch_size], dtype=torch.float32, device=device
        )
        made = warp_face(picture.expand(len(target), -1, -1, -1), target, own.expand_as(target))
        pixels = made.mul(255).round().to(torch.uint8)
        yield from pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


@torch.inference_mode()
def render(
    model: UNet,
    drawings: np.ndarray,
    reference_face: np.ndarray,
    landmarks: np.ndarray | None = None,
    reference_landmarks: np.ndarray | None = None,
) -> np.ndarray:
    """Frames uint8 [B, S, S, 3] for drawings uint8 [B, S, S, C] and one face uint8 [S, S, 3].

    C is that of the model's `inputs`, by DRAWING_CHANNELS.

    A model with `warp` needs the `landmarks` [B, 68, 2] that are drawn and those of the face.
    Runs where the model is, in the precision of its weights and in evaluation mode; the model's
    mode stays as it was.
    """
    images = model_images(model, drawings, reference_face, landmarks, reference_landmarks)
    was_training = model.training
    model.eval()
    made = model(images.contiguous(memory_format=torch.channels_last))
    model.train(was_training)
    pixels = made.mul(255).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def model_images(
    model: UNet,
    drawings: np.ndarray,
    reference_face: np.ndarray,
    landmarks: np.ndarray | None,
    reference_landmarks: np.ndarray | None,
) -> Tensor:
    """A model's input, float32 [B, C, S, S] in [0, 1] on its device; arguments as `render`."""
    device = next(model.parameters()).device
    drawing = torch.from_numpy(drawings).to(device).permute(0, 3, 1, 2)
    reference = torch.from_numpy(reference_face).to(device).permute(2, 0, 1)  # [3, S, S]
    reference = reference.expand(len(drawing), -1, -1, -1)
    images = torch.cat([drawing, reference], dim=1).float() / 255
    if not model.options.warp:
        return images
    if landmarks is None or reference_landmarks is None:
        raise ValueError("a translator with warp needs the landmarks of frames and reference face")
    target, own = (
        torch.as_tensor(points, dtype=torch.float32, device=device)
        for points in (landmarks, reference_landmarks)
    )
    return with_warped(images, target, own.expand_as(target))
