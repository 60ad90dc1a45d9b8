"""The translator's precision: the fastest on this machine, or the one asked for."""

from typing import Literal

import numpy as np
import torch

from emohead.generate.bundle import Bundle
from emohead.generate.portrait import Portrait
from emohead.landmarks.model import LandmarkModel
from emohead.training.hardware import bf16_is_fast, int8_is_fast
from emohead.translator.inference import for_inference
from emohead.translator.inputs import draw_inputs
from emohead.translator.int8 import in_int8
from emohead.translator.unet import UNet

#: `auto` is the fastest that the hardware has.
Precision = Literal["auto", "int8", "bf16", "float32"]

# The faces that int8 is calibrated with: the portrait's, moved by so many standard deviations of
# the landmarks' first components, there and back.
_COMPONENTS, _DEVIATIONS = 2, 3.0


def fast_translator(bundle: Bundle, portrait: Portrait, precision: Precision = "auto") -> UNet:
    """The bundle's translator in a form that is fast at the frames of a portrait.

    ValueError where the hardware can't compute in a precision that is asked for.
    """
    precision = choose_precision(precision, bundle.landmarks.mean_face.device.type)
    if precision != "int8":
        return for_inference(bundle.translator, bf16=precision == "bf16")
    faces = moved_faces(bundle.landmarks, portrait.landmarks, bundle.crop_size)
    drawings = draw_inputs(bundle.translator.options.inputs, faces, portrait.crop)
    return in_int8(bundle.translator, drawings, portrait.crop, faces, portrait.landmarks)


def choose_precision(precision: Precision, device: str) -> Precision:
    """The precision that `auto` means on a device, "cpu" or "cuda"; errors as `fast_translator`."""
    if precision == "int8" and not int8_is_fast(device):
        raise ValueError(
            "precision int8 needs a CPU with AVX-512 VNNI, and to run on it: take auto, which "
            "finds what is fast here"
        )
    if precision != "auto":
        return precision
    if int8_is_fast(device):
        return "int8"
    return "bf16" if bf16_is_fast(device) else "float32"


def moved_faces(model: LandmarkModel, face: np.ndarray, crop_size: int) -> np.ndarray:
    """The face [68, 2] (pixels) as it moves when the model lets it speak: float32 [n, 68, 2]."""
    deviations = model.deviations[:_COMPONENTS, None] * model.components[:_COMPONENTS]
    moves = _DEVIATIONS * crop_size * deviations.view(-1, *face.shape)  # [2, 68, 2]
    return face + torch.cat([moves, -moves]).numpy()
