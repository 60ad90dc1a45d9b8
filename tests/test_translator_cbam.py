import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from emohead.translator.cbam import Cbam, ChannelGate


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def cbam_by_formula(module: Cbam, features: np.ndarray) -> np.ndarray:
    """Woo et al. 2018, eqs. (2) and (3), in evaluation mode; features [B, C, H, W]."""
    weights = {name: value.double().numpy() for name, value in module.state_dict().items()}

    def mlp(pooled: np.ndarray) -> np.ndarray:
        hidden = pooled @ weights["channel_gate.mlp.0.weight"].T
        hidden = np.maximum(hidden + weights["channel_gate.mlp.0.bias"], 0)
        return hidden @ weights["channel_gate.mlp.2.weight"].T + weights["channel_gate.mlp.2.bias"]

    channel = sigmoid(mlp(features.mean(axis=(2, 3))) + mlp(features.max(axis=(2, 3))))
    features = features * channel[:, :, None, None]
    kernel = weights["spatial_gate.conv.weight"][0]  # [2, 7, 7]: for the maximum, for the mean
    out = np.empty_like(features)
    for b, maps in enumerate(features):
        response = correlate2d(maps.max(axis=0), kernel[0], mode="same")
        response += correlate2d(maps.mean(axis=0), kernel[1], mode="same")
        response -= weights["spatial_gate.norm.running_mean"]
        response /= np.sqrt(weights["spatial_gate.norm.running_var"] + 1e-5)
        response = (
            response * weights["spatial_gate.norm.weight"] + weights["spatial_gate.norm.bias"]
        )
        out[b] = maps * sigmoid(response)
    return out


def random_cbam(channels: int, reduction: int) -> Cbam:
    torch.manual_seed(3)
    module = Cbam(channels, reduction).double()
    norm = module.spatial_gate.norm
    for value in (norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data):
        value.uniform_(0.5, 1.5)
    return module.eval()


@pytest.mark.parametrize(("channels", "reduction"), [(128, 16), (8, 16)])
def test_cbam_is_the_formula(channels: int, reduction: int) -> None:
    module = random_cbam(channels, reduction)
    features = np.random.default_rng(0).normal(size=(2, channels, 9, 12))
    with torch.no_grad():
        out = module(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(out, cbam_by_formula(module, features), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("channels", "hidden"), [(512, 32), (64, 4), (16, 4)])
def test_hidden_width_follows_the_reduction_down_to_four(channels: int, hidden: int) -> None:
    assert ChannelGate(channels, 16).mlp[0].out_features == hidden


def test_gates_start_nearly_open() -> None:
    """Without signal, both gates are sigmoid(2); the net begins as the one it is added to."""
    module = Cbam(32).eval()
    with torch.no_grad():
        for layer in (module.channel_gate.mlp[0], module.channel_gate.mlp[2]):
            layer.weight.zero_()
        module.channel_gate.mlp[0].bias.zero_()
        module.spatial_gate.conv.weight.zero_()
        out = module(torch.ones(1, 32, 4, 4))
    assert out.numpy() == pytest.approx(sigmoid(np.array(2.0)) ** 2, abs=1e-6)


def test_gradients_are_right() -> None:
    module = random_cbam(6, 2)
    features = torch.randn(2, 6, 5, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module, (features,))
    assert torch.autograd.gradcheck(module.train(), (features,))
