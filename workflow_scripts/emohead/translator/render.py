"""Frames from landmarks and a reference face, with a trained translator."""

import numpy as np
import torch

from emohead.translator.drawing import draw_sequence
from emohead.translator.unet import UNet


@torch.inference_mode()
def translate(
    model: UNet,
    landmarks: np.ndarray,
    reference_face: np.ndarray,
    *,
    batch_size: int = 16,
    bf16: bool = False,
) -> np.ndarray:
    """Frames uint8 [T, S, S, 3] for landmarks [T, 68, 2] (pixels) and one face uint8 [S, S, 3].

    Runs where the model is, in evaluation mode, and leaves the model's mode as it was.
    """
    device = next(model.parameters()).device
    size = len(reference_face)
    frames = np.empty((len(landmarks), size, size, 3), np.uint8)
    was_training = model.training
    model.eval()
    for start in range(0, len(landmarks), batch_size):
        drawings = draw_sequence(landmarks[start : start + batch_size], size)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            frames[start : start + len(drawings)] = render(model, drawings, reference_face)
    model.train(was_training)
    return frames


@torch.inference_mode()
def render(model: UNet, drawings: np.ndarray, reference_face: np.ndarray) -> np.ndarray:
    """Frames uint8 [B, S, S, 3] for drawings of that shape and one face uint8 [S, S, 3].

    Runs where the model is and in the precision of its weights.
    """
    weight = next(model.parameters())
    drawing = torch.from_numpy(drawings).to(weight.device).permute(0, 3, 1, 2)  # [B, 3, S, S]
    reference = torch.from_numpy(reference_face).to(weight.device).permute(2, 0, 1)  # [3, S, S]
    inputs = torch.cat([drawing, reference.expand_as(drawing)], dim=1).float() / 255
    made = model(inputs.to(weight.dtype).contiguous(memory_format=torch.channels_last))
    pixels = made.float().mul(255).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
