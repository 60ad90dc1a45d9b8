"""Both stages of the method on sound of any length: window by window, in constant memory.

    MFCC windows ──┬─> first pass: what MSEF's memory must know of the whole clip
                   └─> second pass: landmarks, LSTM state carried ─> drawings ─> frames

MSEF's memory (`memory="double"`) takes a softmax over all frames of the clip. Its denominators, one
a slot, are gathered in a first pass over the sound, so that the result is that of the whole clip at
once, whatever the windows are.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from emohead.generate.ahead import ahead
from emohead.landmarks.model import LandmarkModel
from emohead.translator.inputs import draw_inputs
from emohead.translator.render import render
from emohead.translator.unet import UNet

# Pixels that the translator renders in one step, and the most frames. On a CPU more than 4 frames
# of 256 pixels are slower, since the cache holds the maps of few.
_CPU_PIXELS, _GPU_PIXELS, _LARGEST_BATCH = 4 * 256**2, 32 * 256**2, 64


class LandmarkWindow(NamedTuple):
    """Some frames in a row: landmarks float32 [t, 68, 2], pixels of the crop.

    `emotion_logits` float32 [t, 8] of every frame; their mean over frames is the classifier's
    answer for these frames. None without a classifier.
    """

    landmarks: np.ndarray
    emotion_logits: np.ndarray | None


@torch.inference_mode()
def predict_stream(
    model: LandmarkModel,
    mfcc_windows: Callable[[], Iterable[np.ndarray]],
    reference: np.ndarray,
    crop_size: int,
) -> Iterator[LandmarkWindow]:
    """Predict the landmarks of sound that is too long to hold, as `predict_landmarks` of the whole.

    `mfcc_windows()` starts a pass over the clip's MFCC, float32 [t, 28, 12] at a time; of a model
    with MSEF's memory it is called twice. `reference` [68, 2] in pixels of the crop. The model is
    in evaluation mode (ValueError else), and runs where it is.
    """
    if model.training:
        raise ValueError("the landmark model is in training mode: call its eval() first")
    device = model.mean_face.device

    def windows() -> Iterator[Tensor]:
        for mfcc in mfcc_windows():
            yield torch.tensor(mfcc, dtype=torch.float32, device=device)[None]  # [1, t, 28, 12]

    survey = _survey(model, windows())
    true_reference = torch.as_tensor(reference, dtype=torch.float32, device=device)[None]
    true_reference = true_reference / crop_size  # [1, 68, 2]
    reference_code = model.encode_reference(true_reference)
    state = None
    for mfcc in windows():
        audio_features, emotion_logits = model.encode_window(mfcc, survey)
        coefficients, state = model.regress(reference_code, audio_features, state)
        landmarks = model.reconstruct(coefficients, true_reference)[0] * crop_size  # [t, 68, 2]
        if emotion_logits is not None:
            emotion_logits = emotion_logits[0].float().cpu().numpy()
        yield LandmarkWindow(landmarks.cpu().numpy(), emotion_logits)


def _survey(model: LandmarkModel, windows: Iterable[Tensor]) -> Tensor | None:
    """First pass: what the model needs of the whole clip; None at once where that is nothing."""
    survey, frames = None, 0
    for mfcc in windows:
        seen = model.survey_window(mfcc)
        if seen is None:
            return None
        survey = seen if survey is None else torch.logaddexp(survey, seen)
        frames += mfcc.shape[1]
    if frames < 2:
        raise ValueError("MSEF's memory needs sound of 2 frames (0.08 s) at least")
    return survey


def translate_stream(
    translator: UNet,
    landmarks: Iterable[np.ndarray],
    face: np.ndarray,
    face_landmarks: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Frames uint8 [b, S, S, 3] for landmarks [t, 68, 2] (pixels) at a time, in small batches.

    `translator` by `fast_translator`; `face` uint8 [S, S, 3], and with `warp` its landmarks
    [68, 2]. The next landmarks are predicted and drawn in a thread, while the network computes.
    """
    size = len(face)
    on_cpu = next(translator.parameters()).device.type == "cpu"
    batch_size = (_CPU_PIXELS if on_cpu else _GPU_PIXELS) // size**2
    batches = _rebatch(landmarks, min(max(batch_size, 1), _LARGEST_BATCH))
    inputs = translator.options.inputs
    with ahead((draw_inputs(inputs, batch, face), batch) for batch in batches) as drawn:
        for drawings, points in drawn:
            yield render(translator, drawings, face, points, face_landmarks)


def _rebatch(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same rows, `size` at a time, but for the last."""
    held = None
    for block in blocks:
        held = block if held is None else np.concatenate([held, block])
        whole = len(held) // size * size
        for start in range(0, whole, size):
            yield held[start : start + size]
        held = held[whole:]
    if held is not None and len(held):
        yield held
