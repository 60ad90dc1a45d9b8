"""A trained landmark model on one clip, from pixels to pixels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from emohead.landmarks.model import LandmarkModel


@torch.inference_mode()
def predict_landmarks(
    model: LandmarkModel, mfcc: np.ndarray, reference: np.ndarray, crop_size: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Predict a clip's landmarks from its sound and its reference face.

    mfcc [T, 28, 12] (or 13, with c0); reference [68, 2] in pixels of the crop. Returns landmarks
    float32 [T, 68, 2] in the same pixels and the emotion probabilities [8] in the order of EMOTIONS
    (None without a classifier). Eight sigmoids do not sum to one, softmax does: as the model was
    trained.
    """
    if mfcc.ndim != 3 or len(mfcc) == 0:
        raise ValueError(f"mfcc has shape {mfcc.shape}, expected [T, 28, 12] with at least 1 frame")
    if mfcc.shape[-1] < model.options.coefficients:
        raise ValueError("the model hears the loudness: give it MFCC with c0 (features.c0: true)")
    was_training = model.training
    model.eval()
    device = model.mean_face.device
    prediction = model(
        torch.as_tensor(mfcc, dtype=torch.float32, device=device)[None],
        torch.as_tensor(reference, dtype=torch.float32, device=device)[None] / crop_size,
        torch.tensor([len(mfcc)], device=device),
    )
    model.train(was_training)
    landmarks = (prediction.landmarks[0] * crop_size).cpu().numpy()
    if prediction.emotion_logits is None:
        return landmarks, None
    return landmarks, emotion_probabilities(model, prediction.emotion_logits[0]).cpu().numpy()


def emotion_probabilities(model: LandmarkModel, logits: Tensor) -> Tensor:
    """The classifier's logits [..., 8] as probabilities, in the way that the model was trained."""
    softmax = model.options.loss.emotion == "softmax"
    return logits.float().softmax(dim=-1) if softmax else logits.float().sigmoid()
