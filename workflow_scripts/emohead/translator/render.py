"""Frames from landmarks and a reference face, with a trained translator."""

from collections.abc import Iterable, Iterator
from itertools import repeat

import numpy as np
import torch

from emohead.translator.inputs import draw_input
from emohead.translator.unet import UNet


def translate(
    model: UNet,
    landmarks: np.ndarray,
    reference_face: np.ndarray,
    *,
    batch_size: int = 16,
    scene: Iterable[np.ndarray] | None = None,
) -> Iterator[np.ndarray]:
    """A frame uint8 [S, S, 3] for each of landmarks [T, 68, 2] (pixels) and one face of that shape.

    `batch_size` frames are made at a time, where the model is, in the precision of its weights and
    in evaluation mode; the model's mode stays as it was. `scene` are frames uint8 [S, S, 3] whose
    edges a model with `inputs="edges"` sees outside the face; None: the reference face's.
    """
    frames = iter(repeat(reference_face) if scene is None else scene)
    for start in range(0, len(landmarks), batch_size):
        drawings = [
            draw_input(model.options.inputs, points, next(frames))
            for points in landmarks[start : start + batch_size]
        ]
        yield from render(model, np.stack(drawings), reference_face)


@torch.inference_mode()
def render(model: UNet, drawings: np.ndarray, reference_face: np.ndarray) -> np.ndarray:
    """Frames uint8 [B, S, S, 3] for drawings [B, S, S, 3 or 15] and one face uint8 [S, S, 3].

    Runs where the model is, in the precision of its weights and in evaluation mode; the model's
    mode stays as it was.
    """
    weight = next(model.parameters())
    drawing = torch.from_numpy(drawings).to(weight.device).permute(0, 3, 1, 2)  # [B, C, S, S]
    reference = torch.from_numpy(reference_face).to(weight.device).permute(2, 0, 1)  # [3, S, S]
    reference = reference.expand(len(drawing), -1, -1, -1)
    inputs = torch.cat([drawing, reference], dim=1).float() / 255
    was_training = model.training
    model.eval()
    made = model(inputs.to(weight.dtype).contiguous(memory_format=torch.channels_last))
    model.train(was_training)
    pixels = made.mul(255).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
