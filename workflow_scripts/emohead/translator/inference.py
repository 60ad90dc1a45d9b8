"""A trained translator in the form that computes fastest; the same function, but for rounding.

- A batch normalisation of a trained net is a scale and a shift: they go into the convolution.
- Nearest-neighbour upsampling and a 3x3 convolution together are one transposed convolution.
- Weights in bf16 where the hardware multiplies it, laid out channels last.
"""

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from emohead.training.hardware import bf16_is_fast
from emohead.translator.unet import ResidualBlock, UNet, doubling_kernels


def for_inference(model: UNet, *, bf16: bool | None = None) -> UNet:
    """A faster copy of a trained model, for frames alone; `model` stays as it is.

    `bf16` None: where the model's device is fast at it.
    """
    fast = copy.deepcopy(model).eval().requires_grad_(False)
    for steps in (fast.down, fast.up):
        for i, step in enumerate(steps):
            steps[i] = _simplified(step)
    fast.to_frame = _simplified(fast.to_frame)
    if bf16 is None:
        bf16 = bf16_is_fast(next(model.parameters()).device.type)
    dtype = torch.bfloat16 if bf16 else torch.float32
    return fast.to(dtype=dtype, memory_format=torch.channels_last)


def _simplified(step: nn.Sequential) -> nn.Sequential:
    """A step whose normalisations and upsampling are in its convolutions."""
    layers = list(step)
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.BatchNorm2d):
            layers[i - 1 : i + 1] = [fuse_conv_bn_eval(layers[i - 1], layer), nn.Identity()]
        elif isinstance(layer, ResidualBlock):
            layer.body = _simplified(layer.body)
    if isinstance(layers[0], nn.Upsample):
        layers[:2] = [_upsampling_convolution(layers[1]), nn.Identity()]
    return nn.Sequential(*layers)


def _upsampling_convolution(convolution: nn.Conv2d) -> nn.ConvTranspose2d:
    """The transposed convolution that doubles the map as nearest neighbours, and convolves it."""
    joined = nn.ConvTranspose2d(
        convolution.in_channels,
        convolution.out_channels,
        kernel_size=4,
        stride=2,
        padding=1,
        bias=convolution.bias is not None,
    )
    weight = doubling_kernels(convolution.weight)
    joined.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    if convolution.bias is not None:
        joined.bias = nn.Parameter(convolution.bias.detach(), requires_grad=False)
    return joined
