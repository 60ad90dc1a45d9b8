"""The losses of the landmark models (paper section 3.1, eq. (2) to (4)).

    L_ec = - sum over the emotions of y ln ŷ + (1 - y) ln(1 - ŷ)          eq. (2)
    L_pca, L_landmark, L_lip = mean squared errors of the coefficients,
        of all 68 points, of the 20 points of the lips                    eq. (3)
    L = L_pca + alpha L_landmark + beta L_lip + gamma L_ec                eq. (4)

Means run over the true frames of all clips in the batch; padded frames count nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from emohead.features.points import LIPS
from emohead.landmarks.options import LandmarkModelOptions, LossWeights

Number = TypeVar("Number", float, Tensor)


def masked_mse(predicted: Tensor, true: Tensor, mask: Tensor) -> Tensor:
    """Eq. (3): mean squared error of [B, T, ...] over the frames where mask [B, T] is true."""
    return F.mse_loss(predicted[mask], true[mask])


def emotion_loss(
    logits: Tensor,
    emotion: Tensor,
    form: str = "binary",
) -> Tensor:
    """L_ec, eq. (2), for logits [B, 8] and emotion indices [B].

    Eq. (2) as printed has the term (1 - y) ln(1 - ŷ): eight sigmoids against a one-hot y, summed
    over the emotions, meaned over clips. "binary_mean" is an eighth of it: the mean over emotions,
    too, as PyTorch's BCELoss has it by default. EVP uses a softmax cross-entropy ("softmax").
    """
    if form == "softmax":
        return F.cross_entropy(logits, emotion)
    y = F.one_hot(emotion, logits.shape[1]).to(logits.dtype)
    # ŷ = sigmoid(logits), taken inside the logarithms, where it cannot overflow.
    terms = F.binary_cross_entropy_with_logits(logits, y, reduction="none")  # [B, 8]
    return terms.mean() if form == "binary_mean" else terms.sum(dim=1).mean()


def joint_loss(weights: LossWeights, losses: Mapping[str, Number]) -> Number:
    """Eq. (4) from the losses that are given by name: those of a batch, or an epoch's means."""
    L = losses["L_pca"]
    if "L_landmark" in losses:
        L = L + weights.alpha * losses["L_landmark"] + weights.beta * losses["L_lip"]
    if "L_ec" in losses:
        L = L + weights.gamma * losses["L_ec"]
    return L


def landmark_losses(
    options: LandmarkModelOptions,
    *,
    coefficients: Tensor,
    true_coefficients: Tensor,
    landmarks: Tensor,
    true_landmarks: Tensor,
    mask: Tensor,
    emotion_logits: Tensor | None,
    emotion: Tensor,
) -> dict[str, Tensor]:
    """Return each loss by name and their weighted sum as "loss".

    Audio2Lm and EVP (which has beta 0): eq. (4), L = L_pca + alpha L_landmark + beta L_lip + gamma
    L_ec, without L_ec where the model has no classifier. AT-net: L_pca alone. Coefficients are
    [B, T, k], landmarks [B, T, 68, 2] in [0, 1], mask [B, T], emotion_logits [B, 8], emotion [B].
    """
    weights = options.loss
    squared_unit = weights.unit**2
    L_pca = squared_unit * masked_mse(coefficients, true_coefficients, mask)
    losses = {"L_pca": L_pca}
    if options.architecture != "at_net":
        L_landmark = squared_unit * masked_mse(landmarks, true_landmarks, mask)
        L_lip = squared_unit * masked_mse(landmarks[:, :, LIPS], true_landmarks[:, :, LIPS], mask)
        losses |= {"L_landmark": L_landmark, "L_lip": L_lip}
    if emotion_logits is not None:
        losses["L_ec"] = emotion_loss(emotion_logits.float(), emotion, weights.emotion)
    return losses | {"loss": joint_loss(weights, losses)}


def emotion_accuracy(emotion_logits: Tensor, emotion: Tensor) -> Tensor:
    """Share of clips whose strongest logit is the true emotion."""
    return (emotion_logits.argmax(dim=1) == emotion).to(torch.float32).mean()
