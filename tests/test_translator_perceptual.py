from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from emohead.translator.losses import TranslatorLoss, TranslatorLossOptions
from emohead.translator.perceptual import RELUS, PerceptualLoss


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


LAYERS = [
    "conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1",
    "conv2_1", "relu2_1", "conv2_2", "relu2_2", "pool2",
    "conv3_1", "relu3_1", "conv3_2", "relu3_2", "conv3_3", "relu3_3", "conv3_4", "relu3_4", "pool3",
    "conv4_1", "relu4_1", "conv4_2", "relu4_2", "conv4_3", "relu4_3", "conv4_4", "relu4_4", "pool4",
    "conv5_1", "relu5_1", "conv5_2", "relu5_2", "conv5_3", "relu5_3", "conv5_4", "relu5_4", "pool5",
]  # fmt: skip


def test_layers_have_the_names_of_simonyan_2015() -> None:
    assert {name: i for i, name in enumerate(LAYERS) if name.startswith("relu")} == RELUS
    for name, layer in zip(LAYERS, vgg19_features(), strict=True):
        kind = {"conv": nn.Conv2d, "relu": nn.ReLU, "pool": nn.MaxPool2d}[name[:4]]
        assert isinstance(layer, kind), name


def test_layers_are_chosen_and_add_up() -> None:
    made, true = frames(1), frames(2)
    of = {
        layers: PerceptualLoss(width=0.1, measured=layers)(made, true).item()
        for layers in [("relu1_2",), ("relu3_4",), ("relu3_4", "relu1_2")]
    }
    assert of["relu3_4", "relu1_2"] == pytest.approx(of["relu1_2",] + of["relu3_4",], rel=1e-5)
    assert of["relu1_2",] != of["relu3_4",]
    average = PerceptualLoss(width=0.1, measured=("relu3_4", "relu1_2"), average=True)
    assert average(made, true).item() == pytest.approx(of["relu3_4", "relu1_2"] / 2, rel=1e-5)
    # What lies behind the last one is not computed.
    assert len(PerceptualLoss(width=0.1, measured=("relu1_2",)).layers) == 4


def test_unknown_layers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'relu3_5': .*relu1_1, .*relu5_4"):
        TranslatorLossOptions(vgg_layers=["relu1_1", "relu3_5"])
    with pytest.raises(ValueError, match="has 0 entries: give 1 or more"):
        TranslatorLossOptions(vgg_layers=[])


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
    (tmp_path / "page.pth").write_text("<html>log in first</html>")
    with pytest.raises(ValueError, match=r"page\.pth.*VGG-19"):
        PerceptualLoss(tmp_path / "page.pth")
    (tmp_path / "empty.pth").touch()
    with pytest.raises(ValueError, match=r"empty\.pth.*VGG-19"):
        PerceptualLoss(tmp_path / "empty.pth")
    torch.save([torch.zeros(3)], tmp_path / "list.pth")
    with pytest.raises(ValueError, match=r"list\.pth.*VGG-19"):
        PerceptualLoss(tmp_path / "list.pth")
    with pytest.raises(ValueError, match="no file 'imagenet'"):
        TranslatorLoss(TranslatorLossOptions(vgg_weights="imagenet"))


def test_a_loss_reads_a_file_only_when_it_uses_one() -> None:
    assert TranslatorLossOptions(vgg_weights="a.pth").weights_file == Path("a.pth")
    assert TranslatorLossOptions(vgg_weights="a.pth", perceptual=0).weights_file is None
    assert TranslatorLossOptions().weights_file is None


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
    with pytest.raises(ValueError, match="l1 is -1: it must be at least 0"):
        TranslatorLossOptions(l1=-1)
