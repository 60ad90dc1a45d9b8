import numpy as np
import pytest
import torch
from numpy_layers import (
    Weights,
    batch_norm,
    check_gradients,
    conv,
    linear,
    randomise_batch_norms,
    relu,
    sigmoid,
    weights_of,
)

from emohead.translator.cbam import CBAM, ChannelGate, SpatialGate


def channel_gate_by_formula(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    """Woo et al. 2018, eq. (2): [B, C, H, W] -> [B, C, 1, 1]."""
    pools = [x.mean(axis=(2, 3)), x.max(axis=(2, 3))]
    logits = [linear(relu(linear(p, w, f"{name}mlp.0")), w, f"{name}mlp.2") for p in pools]
    return sigmoid(logits[0] + logits[1])[:, :, None, None]


def spatial_gate_by_formula(
    x: np.ndarray, w: Weights, name: str, *, training: bool = False
) -> np.ndarray:
    """Woo et al. 2018, eq. (3), with their code's order of maps and its BN: -> [B, 1, H, W]."""
    maps = np.stack([x.max(axis=1), x.mean(axis=1)], axis=1)
    response = conv(maps, w, f"{name}conv")
    return sigmoid(batch_norm(response, w, f"{name}norm", training=training))


def cbam_by_formula(
    x: np.ndarray, w: Weights, name: str, attention: str, *, training: bool = False
) -> np.ndarray:
    """Woo et al. 2018, eq. (1): the channels first, then the places."""
    if attention in ("cbam", "channel"):
        x = x * channel_gate_by_formula(x, w, f"{name}channel_gate.")
    if attention in ("cbam", "spatial"):
        x = x * spatial_gate_by_formula(x, w, f"{name}spatial_gate.", training=training)
    return x


def random_cbam(channels: int, reduction: int, attention: str = "cbam") -> CBAM:
    torch.manual_seed(3)
    module = CBAM(channels, reduction, attention).double()
    randomise_batch_norms(module)
    return module.eval()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("attention", ["cbam", "channel", "spatial"])
@pytest.mark.parametrize(("channels", "reduction"), [(128, 16), (8, 16)])
def test_cbam_is_the_formula(channels: int, reduction: int, attention: str, training: bool) -> None:
    module = random_cbam(channels, reduction, attention)
    features = np.random.default_rng(0).normal(size=(2, channels, 9, 12))
    w = weights_of(module)
    expected = cbam_by_formula(features, w, "", attention, training=training)
    with torch.no_grad():
        out = module.train(training)(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-12)


def test_gates_are_the_formulas() -> None:
    module = random_cbam(8, 2)
    w = weights_of(module)
    features = np.random.default_rng(0).normal(size=(2, 8, 5, 6))
    with torch.no_grad():
        channel = module.channel_gate(torch.from_numpy(features)).numpy()
        spatial = module.spatial_gate(torch.from_numpy(features)).numpy()
    assert channel.shape == (2, 8, 1, 1)
    assert spatial.shape == (2, 1, 5, 6)
    np.testing.assert_allclose(channel, channel_gate_by_formula(features, w, "channel_gate."))
    np.testing.assert_allclose(spatial, spatial_gate_by_formula(features, w, "spatial_gate."))


def test_channels_and_places_that_change_order_change_with_their_gates() -> None:
    """The channel gate does not know places: its input may be shuffled within each map."""
    module = random_cbam(8, 2, "channel")
    features = torch.rand(1, 8, 4, 4, dtype=torch.float64)
    order = torch.randperm(16)
    shuffled = features.flatten(2)[..., order].view_as(features)
    torch.testing.assert_close(
        module(shuffled), module(features).flatten(2)[..., order].view_as(features)
    )
    # The spatial gate does not know channels, but places it does.
    module = random_cbam(8, 2, "spatial")
    torch.testing.assert_close(module(features.flip(1)), module(features).flip(1))
    back = module(features.flip(3)).flip(3)
    assert not torch.allclose(back, module(features), atol=1e-3)


@pytest.mark.parametrize(("channels", "hidden"), [(512, 32), (64, 4), (16, 4)])
def test_hidden_width_follows_the_reduction_down_to_four(channels: int, hidden: int) -> None:
    assert ChannelGate(channels, 16).mlp[0].out_features == hidden


def test_gates_start_nearly_open() -> None:
    """Without signal, both gates are sigmoid(2); the net begins as the one it is added to."""
    module = CBAM(32).eval()
    with torch.no_grad():
        for layer in (module.channel_gate.mlp[0], module.channel_gate.mlp[2]):
            layer.weight.zero_()
        module.channel_gate.mlp[0].bias.zero_()
        module.spatial_gate.conv.weight.zero_()
        out = module(torch.ones(1, 32, 4, 4))
    assert out.numpy() == pytest.approx(sigmoid(np.array(2.0)) ** 2, abs=1e-6)


@pytest.mark.parametrize("attention", ["cbam", "channel", "spatial"])
@pytest.mark.parametrize("training", [False, True])
def test_gradients(attention: str, training: bool) -> None:
    module = random_cbam(6, 2, attention).train(training)
    features = torch.randn(2, 6, 5, 4, dtype=torch.float64, requires_grad=True)
    check_gradients(module, features)


def test_running_statistics_move_by_a_hundredth_of_the_way() -> None:
    """CBAM's code gives the gate's BN a momentum of .01."""
    gate = random_cbam(8, 2).spatial_gate.train()
    features = torch.randn(2, 8, 6, 6, dtype=torch.float64)
    w = weights_of(gate)
    maps = np.stack([features.numpy().max(axis=1), features.numpy().mean(axis=1)], axis=1)
    mean = conv(maps, w, "conv").mean()
    gate(features)
    expected = 0.99 * w["norm.running_mean"] + 0.01 * mean
    np.testing.assert_allclose(gate.norm.running_mean, expected)


def test_one_gate_alone_has_that_gates_parameters() -> None:
    assert set(weights_of(CBAM(8, 2, "channel"))) == {
        f"channel_gate.{name}" for name in weights_of(ChannelGate(8, 2))
    }
    assert set(weights_of(CBAM(8, 2, "spatial"))) == {
        f"spatial_gate.{name}" for name in weights_of(SpatialGate())
    }
