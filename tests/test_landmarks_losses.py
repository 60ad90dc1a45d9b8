import math
from types import SimpleNamespace

import pytest
import torch

from emohead.landmarks.losses import emotion_accuracy, emotion_loss, landmark_losses
from emohead.landmarks.options import LandmarkModelOptions, LossWeights
from emohead.landmarks.task import LandmarkTask
from emohead.training.means import EpochMeans


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


def test_the_loss_of_an_epoch_is_equation_4_of_its_means():
    """Losses of frames weigh by frames, L_ec by clips: as in one batch of all clips."""
    options = LandmarkModelOptions(components=2)
    task = LandmarkTask(SimpleNamespace(options=options))
    batches = {3: 1.0, 9: 2.0}  # frames of a clip, and of each loss its value
    means = EpochMeans()
    for frames, value in batches.items():
        names = ("L_pca", "L_landmark", "L_lip", "L_ec", "loss")
        figures = {name: torch.tensor(value) for name in names}
        batch = SimpleNamespace(lengths=torch.tensor([frames]))
        means.add(figures, {name: task.count(name, batch) for name in names})
    of_frames, of_clips = (3 * 1 + 9 * 2) / 12, (1 + 2) / 2
    values = means.values()
    assert values["L_lip"] == pytest.approx(of_frames)
    assert values["L_ec"] == pytest.approx(of_clips)
    assert task.loss_of(values) == pytest.approx(of_frames * (1 + 10 + 10) + 10 * of_clips)


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
    # PyTorch's own loss of the probabilities, with its default mean.
    y = torch.nn.functional.one_hot(emotion, 8).float()
    mean = float(torch.nn.BCELoss()(logits.sigmoid(), y))
    assert float(emotion_loss(logits, emotion, "binary_mean")) == pytest.approx(mean)
    assert mean == pytest.approx(binary / 8)


def test_the_joint_loss_takes_the_form_that_the_options_say():
    weights = LossWeights(emotion="softmax")
    values = losses(LandmarkModelOptions(components=2, loss=weights), with_logits=True)
    assert values["L_ec"] == pytest.approx(math.log(8))
    assert values["loss"] == pytest.approx(PCA + 10 * (LANDMARK + LIP + math.log(8)))


def test_mixed_precision_rounds_the_logits_but_not_the_loss():
    logits = torch.tensor([[0.7, -1.3, 0.1, 2.2, -0.4, 0.9, -3.1, 0.3]], dtype=torch.bfloat16)
    values = landmark_losses(
        LandmarkModelOptions(components=1),
        coefficients=torch.zeros(1, 2, 1),
        true_coefficients=torch.zeros(1, 2, 1),
        landmarks=torch.zeros(1, 2, 68, 2),
        true_landmarks=torch.zeros(1, 2, 68, 2),
        mask=torch.ones(1, 2, dtype=torch.bool),
        emotion_logits=logits,
        emotion=torch.tensor([3]),
    )
    rounded = logits[0].tolist()
    signs = [-1 if index == 3 else 1 for index in range(8)]
    expected = sum(math.log1p(math.exp(s * x)) for s, x in zip(signs, rounded, strict=True))
    assert float(values["L_ec"]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("form", ["binary", "softmax"])
def test_huge_logits_stay_finite(form):
    logits = torch.full((1, 8), -2e4)
    logits[0, 3] = 2e4
    assert float(emotion_loss(logits, torch.tensor([3]), form)) == 0
    assert float(emotion_loss(logits, torch.tensor([0]), form)) == pytest.approx(4e4)


@pytest.mark.parametrize("form", ["binary", "softmax"])
def test_gradient_of_the_emotion_loss(form):
    logits = torch.randn(3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    emotion = torch.tensor([0, 5, 5])
    assert torch.autograd.gradcheck(
        lambda values: emotion_loss(values, emotion, form), logits.requires_grad_()
    )


def test_gradient_of_the_joint_loss():
    draw = torch.Generator().manual_seed(0)
    coefficients, true_coefficients = torch.randn(2, 2, 3, 2, dtype=torch.float64, generator=draw)
    landmarks, true_landmarks = torch.rand(2, 2, 3, 68, 2, dtype=torch.float64, generator=draw)
    mask = torch.tensor([[True, True, True], [True, False, False]])

    def joint_loss(coefficients: torch.Tensor, landmarks: torch.Tensor) -> torch.Tensor:
        return landmark_losses(
            LandmarkModelOptions(components=2, loss=LossWeights(unit=3)),
            coefficients=coefficients,
            true_coefficients=true_coefficients,
            landmarks=landmarks,
            true_landmarks=true_landmarks,
            mask=mask,
            emotion_logits=None,
            emotion=torch.tensor([0, 5]),
        )["loss"]

    inputs = (coefficients.requires_grad_(), landmarks.requires_grad_())
    assert torch.autograd.gradcheck(joint_loss, inputs)
    # A padded frame has no say.
    for gradient in torch.autograd.grad(joint_loss(*inputs), inputs):
        assert (gradient.flatten(2).abs().amax(dim=2) > 0).equal(mask)


def test_impossible_weights_are_refused():
    with pytest.raises(ValueError, match="gamma is -1"):
        LossWeights(gamma=-1)
    with pytest.raises(ValueError, match="unit is 0"):
        LossWeights(unit=0)
    with pytest.raises(ValueError, match="emotion is 'sigmoid'"):
        LossWeights(emotion="sigmoid")


def test_accuracy_counts_clips():
    logits = torch.eye(8)[[0, 1, 2, 3]]
    assert float(emotion_accuracy(logits, torch.tensor([0, 1, 2, 7]))) == 0.75
