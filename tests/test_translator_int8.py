import copy

import numpy as np
import pytest
import torch
from method_factory import CROP_SIZE, translator
from numpy_layers import relu
from torch import nn

from emohead.training.hardware import int8_is_fast
from emohead.translator.inference import for_inference
from emohead.translator.int8 import in_int8
from emohead.translator.int8_convolution import ByteMap, Int8Convolution, Int8Doubling
from emohead.translator.render import render

pytestmark = pytest.mark.skipif(not int8_is_fast("cpu"), reason="needs a CPU with AVX-512 VNNI")

RNG = np.random.default_rng(0)
BATCH, CHANNELS, OUTPUTS, SIZE = 2, 5, 7, 8
SOURCE = ByteMap(
    scales=torch.tensor([0.01, 0.02, 0.005, 0.03, 0.01]),
    means=torch.tensor([0.4, 0.1, 0.0, 2.0, 0.5]),
)
PIXELS = RNG.integers(0, 256, (BATCH, CHANNELS, SIZE, SIZE))
SCALE = 0.02


def as_bytes(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.uint8)).contiguous(memory_format=torch.channels_last)


def convolution(stride: int = 1) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(CHANNELS, OUTPUTS, 3, stride=stride, padding=1).requires_grad_(False)


def integers(weight: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Weights [O, C, k, k] as integers that are multiplied with bytes of SOURCE, and their scales.

    The greatest weight of each output channel is 127.
    """
    of_a_byte = weight.double().numpy() * SOURCE.scales.double().numpy()[:, None, None]
    scales = np.abs(of_a_byte).max(axis=(1, 2, 3)) / 127
    return np.rint(of_a_byte / scales[:, None, None, None]).astype(int), scales


def by_hand(layer: nn.Conv2d) -> np.ndarray:
    """The convolution of PIXELS [B, O, H', W'] in whole numbers, loops and all, then its values."""
    weights, scales = integers(layer.weight)
    stride = layer.stride[0]
    padded = np.pad(PIXELS, ((0, 0), (0, 0), (1, 1), (1, 1)))
    sums = np.zeros((BATCH, OUTPUTS, SIZE // stride, SIZE // stride), int)
    for y in range(SIZE // stride):
        for x in range(SIZE // stride):
            window = padded[:, :, y * stride : y * stride + 3, x * stride : x * stride + 3]
            sums[:, :, y, x] = np.tensordot(window, weights, ([1, 2, 3], [1, 2, 3]))
    # A channel whose weights were rounded up is too high by this, when it sees the mean bytes.
    rounding = weights * scales[:, None, None, None] - (
        layer.weight.double().numpy() * SOURCE.scales.double().numpy()[:, None, None]
    )
    mean_bytes = (SOURCE.means / SOURCE.scales).double().numpy()
    bias = layer.bias.double().numpy() - rounding.sum(axis=(2, 3)) @ mean_bytes
    return sums * scales[:, None, None] + bias[:, None, None]


def check_bytes(made: torch.Tensor, values: np.ndarray) -> None:
    """Equal, but where float32 falls to the other side of a half."""
    wanted = np.clip(np.rint(values / SCALE), 0, 255)
    assert np.unique(wanted).size > 5 and (wanted == 0).any() and (wanted > 0).any()
    difference = np.abs(made.numpy().astype(int) - wanted)
    assert made.dtype == torch.uint8
    assert difference.max() <= 1 and difference.mean() < 0.01


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_is_that_of_whole_numbers(stride):
    layer = convolution(stride)
    made = Int8Convolution(layer.weight, layer.bias, SOURCE, stride=stride, scale=SCALE)
    check_bytes(made(as_bytes(PIXELS)), relu(by_hand(layer)))
    floats = Int8Convolution(layer.weight, layer.bias, SOURCE, stride=stride)(as_bytes(PIXELS))
    np.testing.assert_allclose(floats.numpy(), by_hand(layer), atol=1e-4)


def test_the_residual_is_added_before_the_relu_and_written_over():
    layer = convolution()
    residual = RNG.integers(0, 256, (BATCH, OUTPUTS, SIZE, SIZE))
    held = as_bytes(residual)
    made = Int8Convolution(layer.weight, layer.bias, SOURCE, scale=SCALE).add_to(
        held, 0.004, as_bytes(PIXELS)
    )
    check_bytes(made, relu(residual * 0.004 + by_hand(layer)))
    assert made.data_ptr() == held.data_ptr()


def test_the_bias_takes_back_the_shift_of_the_mean():
    """Where every byte is its channel's mean, only the border differs from the exact result."""
    layer = convolution()
    means = torch.round(SOURCE.means / SOURCE.scales)
    source = ByteMap(SOURCE.scales, means * SOURCE.scales)
    flat = means[None, :, None, None].expand(1, -1, SIZE, SIZE).to(torch.uint8)
    made = Int8Convolution(layer.weight, layer.bias, source)(
        flat.contiguous(memory_format=torch.channels_last)
    )
    exact = layer(flat * source.scales[:, None, None])
    torch.testing.assert_close(made[..., 1:-1, 1:-1], exact[..., 1:-1, 1:-1], atol=1e-5, rtol=0)


def test_doubling_is_the_transposed_convolution():
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(CHANNELS, OUTPUTS, 4, stride=2, padding=1).requires_grad_(False)
    made = Int8Doubling(layer, SOURCE)(as_bytes(PIXELS))
    exact = layer(as_bytes(PIXELS) * SOURCE.scales[:, None, None])
    assert made.shape == (BATCH, OUTPUTS, 2 * SIZE, 2 * SIZE)
    error = (made - exact).square().mean() / exact.var()
    assert 1e-9 < error < 1e-4  # the weights' rounding, and no pixel in another's place
    pixels = Int8Doubling(layer, SOURCE, scale=SCALE)(as_bytes(PIXELS))
    assert pixels.dtype == torch.uint8 and pixels.is_contiguous(memory_format=torch.channels_last)


DRAWINGS = RNG.integers(0, 256, (3, CROP_SIZE, CROP_SIZE, 3), np.uint8)
FACE = RNG.integers(0, 256, (CROP_SIZE, CROP_SIZE, 3), np.uint8)


@pytest.mark.parametrize("attention", ["none", "cbam", "channel", "spatial"])
def test_the_net_is_the_same_function_but_for_rounding(attention):
    model = translator(attention=attention)
    exact = render(model, DRAWINGS, FACE).astype(float)
    made = render(in_int8(model, DRAWINGS, FACE), DRAWINGS, FACE)
    signal, noise = exact.var(), np.square(made - exact).mean()
    assert exact.std() > 2
    assert 10 * np.log10(signal / noise) > 20
    assert not np.array_equal(made, render(for_inference(model, bf16=False), DRAWINGS, FACE))


def test_the_calibration_matters_and_is_the_same_again():
    model = translator()
    made = render(in_int8(model, DRAWINGS, FACE), DRAWINGS, FACE)
    np.testing.assert_array_equal(made, render(in_int8(model, DRAWINGS, FACE), DRAWINGS, FACE))
    other = in_int8(model, DRAWINGS // 4, FACE)
    assert not np.array_equal(made, render(other, DRAWINGS, FACE))


def test_a_frame_is_the_same_in_any_batch():
    net = in_int8(translator(), DRAWINGS, FACE)
    one_by_one = [render(net, drawing[None], FACE) for drawing in DRAWINGS]
    np.testing.assert_array_equal(np.concatenate(one_by_one), render(net, DRAWINGS, FACE))


def test_the_model_itself_stays_as_it_was():
    model = translator().train()
    before = copy.deepcopy(model.state_dict())
    in_int8(model, DRAWINGS, FACE)
    assert model.training
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
