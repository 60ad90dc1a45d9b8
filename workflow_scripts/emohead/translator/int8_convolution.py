"""Convolutions of bytes: uint8 maps, int8 weights and sums of 32 bits, as oneDNN computes them.

    value = scale * byte            of a map: what follows a ReLU isn't negative
    value = scale[o] * integer      of the weights of output channel o; -127 to 127

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

LARGEST_BYTE, LARGEST_WEIGHT = 255, 127


@dataclass(frozen=True)
class ByteMap:
    """The scales of a map of bytes [B, C, H, W]: a step in channel c is worth `scales`[c].

    `means` [C] are the means of the values, as calibrated.
    """

    scales: Tensor
    means: Tensor

    @classmethod
    def of_one_scale(cls, scale: float, means: Tensor) -> "ByteMap":
        """A map whose channels have the same scale."""
        return cls(torch.full_like(means, scale), means)

    @property
    def scale(self) -> float:
        """The scale of a map whose channels have the same."""
        return float(self.scales[0])

    def beside(self, other: "ByteMap") -> "ByteMap":
        """This map's channels, then the other's."""
        return ByteMap(torch.cat([self.scales, other.scales]), torch.cat([self.means, other.means]))


class Int8Convolution(nn.Module):
    """A convolution of bytes, its edges padded with a pixel of zeros; ReLU; bytes of `scale`.

    Without a `scale`, it gives float32 without a ReLU. `weight` [O, C, k, k] and `bias` [O] are
    those of the float convolution, `source` is what the bytes that come in mean; their scales go
    into the weights, so that channels may have different ones.

    Rounded weights shift the mean of what comes out; the bias takes that back (Nagel et al.,
    "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019).
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        source: ByteMap,
        *,
        stride: int = 1,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        exact = weight * source.scales[:, None, None]
        scales = exact.abs().amax(dim=(1, 2, 3)).clamp(min=1e-12) / LARGEST_WEIGHT  # [O]
        rounded = (exact / scales[:, None, None, None]).round_()
        shift = (rounded * scales[:, None, None, None] - exact).sum(dim=(2, 3))  # [O, C], a byte's
        shift = shift @ (source.means / source.scales)  # [O]
        self.scale = scale
        self.weight_scales = nn.Parameter(scales, requires_grad=False)
        self.bias = nn.Parameter(bias - shift, requires_grad=False)
        self._zeros = torch.zeros(len(scales), dtype=torch.int64)
        self._window = ([stride, stride], [1, 1], [1, 1], 1)  # stride, padding, dilation, groups
        # The scale of what comes in is 1: it is in the weights.
        self._packed = torch.ops.onednn.qconv_prepack(
            rounded.to(torch.int8), scales, 1.0, 0, *self._window, None
        )

    def forward(self, features: Tensor) -> Tensor:
        """uint8 [B, C, H, W], channels last, to uint8 or float32 [B, O, H', W']."""
        what = (1.0, 0, torch.float32, "none")
        if self.scale is not None:
            what = (self.scale, 0, torch.uint8, "relu")
        return torch.ops.onednn.qconv_pointwise.default(
            *self._operands(features), self.bias, *self._window, *what, [], ""
        )

    def add_to(self, residual: Tensor, residual_scale: float, features: Tensor) -> Tensor:
        """relu(residual + convolution) in bytes of `scale`, written over the residual's bytes."""
        torch.ops.onednn.qconv2d_pointwise.binary(
            *self._operands(features), residual, self.bias, *self._window, self.scale, 0,
            torch.uint8, residual_scale, 0, "sum", 1.0, "relu", [], "",
        )  # fmt: skip
        return residual  # what is returned there is a copy of it

    def _operands(self, features: Tensor) -> tuple[Any, ...]:
        return features, 1.0, 0, self._packed, self.weight_scales, self._zeros


class Int8Doubling(nn.Sequential):
    """A transposed convolution of bytes that doubles the map, as `for_inference` makes it.

    4x4 with stride 2: every pixel of the map becomes 2x2, and each of these reads 2x2 of the map.
    So it is a convolution, 2x2, to four times the channels, whose pixels are then put in place.
    """

    def __init__(
        self, transposed: nn.ConvTranspose2d, source: ByteMap, scale: float | None = None
    ) -> None:
        kernels = transposed.weight.transpose(0, 1)  # [O, C, 4, 4]
        taps = ((3, 1), (2, 0))  # what the upper (left) pixel of the four reads with; the lower
        weight = torch.cat([kernels[:, :, rows][..., columns] for rows in taps for columns in taps])
        bias = transposed.bias.repeat(4)
        super().__init__(Int8Convolution(weight, bias, source, scale=scale), Interleave())


class Interleave(nn.Module):
    """[B, 4 O, H + 1, W + 1] to [B, O, 2 H, 2 W]; see `Int8Doubling`."""

    def forward(self, pixels: Tensor) -> Tensor:
        """The four channels of every pixel as 2x2 pixels."""
        batch, _, height, width = pixels.shape
        height, width = height - 1, width - 1
        made = pixels.permute(0, 2, 3, 1).unflatten(-1, (2, 2, -1))  # [B, H + 1, W + 1, 2, 2, O]
        doubled = pixels.new_empty(batch, height, 2, width, 2, made.shape[-1])
        for lower in (0, 1):
            for right in (0, 1):
                # The upper left pixel reads what is above and left: padding makes it the first.
                place = made[:, lower : lower + height, right : right + width, lower, right]
                doubled[:, :, lower, :, right] = place
        return doubled.flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)
