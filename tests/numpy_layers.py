"""Layers in NumPy and float64, written from their formulas: what the models are held against.

`w` holds a module's weights by their names; `name` is a layer's.
"""

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

Weights = dict[str, np.ndarray]


def weights_of(module: torch.nn.Module) -> Weights:
    return {
        name: value.detach().double().numpy().copy() for name, value in module.state_dict().items()
    }


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    powers = np.exp(x)
    return powers / powers.sum(axis=axis, keepdims=True)


def linear(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0)


def mlp(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    return relu(linear(relu(linear(x, w, f"{name}.0")), w, f"{name}.2"))


def lstm(x: np.ndarray, w: Weights, name: str, layers: int) -> np.ndarray:
    """[T, C] -> [T, H], from a state of zeros (Hochreiter and Schmidhuber, with forget gate)."""
    for layer in range(layers):
        kernel, recurrent = w[f"{name}.weight_ih_l{layer}"], w[f"{name}.weight_hh_l{layer}"]
        bias = w[f"{name}.bias_ih_l{layer}"] + w[f"{name}.bias_hh_l{layer}"]
        h = c = np.zeros(recurrent.shape[1])
        outputs = []
        for step in x:
            i, f, g, o = np.split(kernel @ step + recurrent @ h + bias, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        x = np.stack(outputs)
    return x


def conv(x: np.ndarray, w: Weights, name: str, *, stride: int = 1) -> np.ndarray:
    """[B, C, H, W] -> [B, C', H / stride, W / stride]; odd kernel, edges padded with zeros."""
    kernel = w[f"{name}.weight"]  # [C', C, k, k]
    edge = kernel.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    windows = sliding_window_view(padded, kernel.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    bias = w.get(f"{name}.bias", np.zeros(len(kernel)))
    return np.einsum("bchwij,ocij->bohw", windows, kernel, optimize=True) + bias[:, None, None]


def batch_norm(x: np.ndarray, w: Weights, name: str, *, training: bool = False) -> np.ndarray:
    """Over [B, C, H, W], with the running statistics or, at training, those of x."""
    mean, variance = w[f"{name}.running_mean"], w[f"{name}.running_var"]
    if training:
        mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    scale, shift = w[f"{name}.weight"], w[f"{name}.bias"]
    mean, variance, scale, shift = (v[:, None, None] for v in (mean, variance, scale, shift))
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + shift


def conv_transpose(
    x: np.ndarray, w: Weights, name: str, stride: tuple[int, int], padding: tuple[int, int]
) -> np.ndarray:
    """[B, C, H, W] -> [B, C', ...]: every pixel adds its kernel's picture; the rim is cut off."""
    kernel, bias = w[f"{name}.weight"], w[f"{name}.bias"]  # [C, C', k, m]
    (rows, columns), (k, m) = x.shape[2:], kernel.shape[2:]
    height, width = (rows - 1) * stride[0] + k, (columns - 1) * stride[1] + m
    made = np.zeros((len(x), kernel.shape[1], height, width))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride[0], j * stride[1]
            picture = np.einsum("bc,cokm->bokm", x[:, :, i, j], kernel)
            made[:, :, top : top + k, left : left + m] += picture
    made = made[:, :, padding[0] : height - padding[0], padding[1] : width - padding[1]]
    return made + bias[:, None, None]


def max_pool(x: np.ndarray, size: int | tuple[int, int], stride: tuple[int, int]) -> np.ndarray:
    size = (size, size) if isinstance(size, int) else size
    windows = sliding_window_view(x, size, axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1]].max(axis=(4, 5))


def randomise_batch_norms(module: torch.nn.Module) -> None:
    """Statistics, scales and shifts off 0 and 1, so that leaving one out shows."""
    for layer in module.modules():
        if isinstance(layer, (torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)):
            for value in (layer.running_mean, layer.running_var, layer.weight, layer.bias):
                torch.nn.init.uniform_(value, 0.5, 1.5)


def check_gradients(module: torch.nn.Module, *inputs: torch.Tensor) -> None:
    """`gradcheck` of a module's outputs by its inputs and by all its parameters, in float64."""
    parameters = dict(module.named_parameters())
    sizes = [value.numel() for value in parameters.values()]
    vector = torch.cat([value.detach().flatten() for value in parameters.values()])

    def run(vector: torch.Tensor, *inputs: torch.Tensor) -> object:
        parts = zip(parameters.items(), vector.split(sizes), strict=True)
        values = {name: part.view_as(value) for (name, value), part in parts}
        return torch.func.functional_call(module, values, inputs)

    assert torch.autograd.gradcheck(run, (vector.requires_grad_(), *inputs), fast_mode=True)
