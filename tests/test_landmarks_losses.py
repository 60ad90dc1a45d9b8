import math

import pytest
import torch

from emohead.landmarks.losses import emotion_accuracy, emotion_loss, landmark_losses
from emohead.landmarks.options import LandmarkModelOptions, LossWeights


def losses(options: LandmarkModelOptions, *, with_logits: bool) -> dict[str, float]:
    """Two clips of 2 and 1 frames, k = 2; every figure below is worked out by hand from these."""
    true_coefficients = torch.zeros(2, 2, 2)
    coefficients = torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[1.0, 1.0], [99.0, 99.0]]])
    true_landmarks = torch.zeros(2, 2, 68, 2)
    landmarks = torch.zeros(2, 2, 68, 2)
    landmarks[0, 0] = 0.1  # all points of one frame
    landmarks[1, 0, 48:68] = 0.2  # the lips of another
    landmarks[1, 1] = 99.0  # padding
    emotion_logits = torch.zeros(2, 8) if with_logits else None
    values = landmark_losses(
        options,
        coefficients=coefficients,
        true_coefficients=true_coefficients,
        landmarks=landmarks,
        true_landmarks=true_landmarks,
        mask=torch.tensor([[True, True], [True, False]]),
        emotion_logits=emotion_logits,
        emotion=torch.tensor([0, 5]),
    )
    return {name: float(value) for name, value in values.items()}


PCA = (1 + 4 + 1 + 1) / 6
LANDMARK = (68 * 0.1**2 + 20 * 0.2**2) / (3 * 68)
LIP = (20 * 0.1**2 + 20 * 0.2**2) / (3 * 20)
EMOTION = 8 * math.log(2)


def test_joint_loss_is_equation_4_over_true_frames():
    values = losses(LandmarkModelOptions(components=2), with_logits=True)
    assert values["L_pca"] == pytest.approx(PCA)
    assert values["L_landmark"] == pytest.approx(LANDMARK)
    assert values["L_lip"] == pytest.approx(LIP)
    assert values["L_ec"] == pytest.approx(EMOTION)
    assert values["loss"] == pytest.approx(PCA + 10 * LANDMARK + 10 * LIP + 10 * EMOTION)


def test_weights_and_unit():
    weights = LossWeights(alpha=2, beta=3, gamma=5, unit=10)
    values = losses(LandmarkModelOptions(components=2, loss=weights), with_logits=True)
    expected = 100 * (PCA + 2 * LANDMARK + 3 * LIP) + 5 * EMOTION
    assert values["loss"] == pytest.approx(expected)


def test_without_classifier_equation_4_has_no_emotion_term():
    values = losses(LandmarkModelOptions(emotion="none", components=2), with_logits=False)
    assert "L_ec" not in values
    assert values["loss"] == pytest.approx(PCA + 10 * LANDMARK + 10 * LIP)


def test_at_net_is_trained_with_l_pca_alone():
    options = LandmarkModelOptions(architecture="at_net", components=2)
    assert losses(options, with_logits=False) == {
        "L_pca": pytest.approx(PCA),
        "loss": pytest.approx(PCA),
    }


def test_emotion_loss_as_printed_and_as_softmax():
    logits = torch.zeros(1, 8)
    logits[0, 3] = 2.0
    sigmoid = 1 / (1 + math.exp(-2))
    binary = -math.log(sigmoid) + 7 * math.log(2)
    softmax = -math.log(math.exp(2) / (math.exp(2) + 7))
    emotion = torch.tensor([3])
    assert float(emotion_loss(logits, emotion, "binary")) == pytest.approx(binary)
    assert float(emotion_loss(logits, emotion, "softmax")) == pytest.approx(softmax)


def test_accuracy_counts_clips():
    logits = torch.eye(8)[[0, 1, 2, 3]]
    assert float(emotion_accuracy(logits, torch.tensor([0, 1, 2, 7]))) == 0.75
