from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torchvision.models.vgg import cfgs, make_layers

from emohead.translator.losses import TranslatorLoss, TranslatorLossOptions
from emohead.translator.perceptual import PerceptualLoss


def frames(seed: int = 0, size: int = 32) -> torch.Tensor:
    """Smooth random colour images [2, 3, size, size] in [0, 1]."""
    noise = np.random.default_rng(seed).random((2, 3, size, size))
    smooth = gaussian_filter(noise, (0, 0, 1, 1))
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return torch.from_numpy(smooth).float()


def vgg19_features() -> torch.nn.Sequential:
    """The layers of torchvision.models.vgg19().features, without its 120 million other weights."""
    torch.manual_seed(0)
    return make_layers(cfgs["E"])


@pytest.fixture(scope="module")
def narrow() -> PerceptualLoss:
    return PerceptualLoss(width=0.125)


def test_equal_frames_cost_nothing_and_blur_costs_the_more_the_stronger(
    narrow: PerceptualLoss,
) -> None:
    true = frames()
    assert narrow(true, true) == 0
    costs = [
        narrow(torch.from_numpy(gaussian_filter(true.numpy(), (0, 0, s, s))), true).item()
        for s in (0.5, 1, 2, 4)
    ]
    assert costs[0] > 0
    assert costs == sorted(costs)


def test_gradients_reach_the_made_frame_only(narrow: PerceptualLoss) -> None:
    made, true = frames(1).requires_grad_(), frames(2).requires_grad_()
    narrow(made, true).backward()
    assert made.grad.abs().sum() > 0
    assert true.grad is None
    assert list(narrow.parameters()) == []
    assert narrow.state_dict() == {}


def test_features_are_torchvisions_relu_layers(tmp_path: Path) -> None:
    """Eq. (6) from torchvision's own VGG-19, its layers named by the layout of Simonyan 2015."""
    features = vgg19_features()
    state = {f"features.{name}": value for name, value in features.state_dict().items()}
    torch.save(state | {"classifier.0.bias": torch.zeros(1)}, tmp_path / "vgg19.pth")
    made, true = frames(1), frames(2)
    blocks, expected = [2, 2, 4, 4, 4], 0.0
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    first = 0
    with torch.no_grad():
        for block in blocks:
            a, b = (features[: first + 2]((x - mean) / std) for x in (made, true))
            expected += (a - b).abs().mean().item()
            first += 2 * block + 1  # convolutions, each with a ReLU, and the pool
        measured = PerceptualLoss(tmp_path / "vgg19.pth")(made, true).item()
    assert measured == pytest.approx(expected, rel=1e-5)


def test_random_weights_come_from_the_seed() -> None:
    made, true = frames(1), frames(2)
    a, b, c = (PerceptualLoss(width=0.1, seed=seed)(made, true) for seed in (1, 1, 2))
    assert a == b
    assert a != c


def test_other_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth.*VGG-19"):
        PerceptualLoss(tmp_path / "other.pth")
    with pytest.raises(ValueError, match="width 1"):
        PerceptualLoss(tmp_path / "other.pth", width=0.5)


def test_eq_5_by_hand() -> None:
    made = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    true = torch.tensor([0.1, 0.5, 0.5]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    loss = TranslatorLoss(TranslatorLossOptions(l1=2, perceptual=0.5, vgg_width=0.1))
    terms = loss(made, true)
    assert terms["l1"].item() == pytest.approx(0.6 / 3)
    assert terms["perceptual"].item() > 0
    assert terms["loss"].item() == pytest.approx(0.4 + 0.5 * terms["perceptual"].item())
    plain = TranslatorLoss(TranslatorLossOptions(perceptual=0))
    assert set(plain(made, true)) == {"loss", "l1"}
    with pytest.raises(ValueError, match="weights"):
        TranslatorLossOptions(l1=-1)
