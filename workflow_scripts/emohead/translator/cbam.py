"""CBAM: what to look at (channel gate), then where (spatial gate).

Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018; layer choices as in
Jongchan/attention-module, MODELS/cbam.py.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

SMALLEST_HIDDEN = 4

# Gates start at sigmoid(2) = .88, not at the usual sigmoid(0) = .5. Two halves leave a quarter of
# the signal on each of the eight maps of a translator, which then learns far more slowly.
FIRST_LOGIT = 2.0


def _greatest_of_map(features: Tensor) -> Tensor:
    """The greatest value of every channel, [B, C], for features [B, C, H, W]."""
    if features.is_cuda:
        # CUDA's adaptive pool copies a map that is laid out channels last, lets one thread walk
        # over each channel, and is no part of what torch.compile fuses.
        return features.amax(dim=(2, 3))
    # amax has a gradient that is ten times slower on a CPU.
    return functional.adaptive_max_pool2d(features, 1).flatten(1)


def _greatest_of_pixel(features: Tensor) -> Tensor:
    """The greatest value of every pixel, [B, 1, H, W], for features [B, C, H, W]."""
    if features.is_cuda:
        # The gradient of max with its indices is a scatter, which CUDA sorts to be deterministic.
        return features.amax(dim=1, keepdim=True)
    return _GreatestOfPixel.apply(features)


class _GreatestOfPixel(torch.autograd.Function):
    """As `max`, whose gradient torch would always lay out channels first."""

    @staticmethod
    def forward(ctx, features: Tensor) -> Tensor:
        greatest, places = features.max(dim=1, keepdim=True)
        ctx.save_for_backward(places)
        ctx.channels = features.shape[1]
        return greatest

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (places,) = ctx.saved_tensors
        shape = (len(places), ctx.channels, *places.shape[2:])
        zeros = gradient.new_zeros(shape).contiguous(memory_format=torch.channels_last)
        return zeros.scatter_(1, places, gradient)


def _mean(features: Tensor, dims: tuple[int, ...]) -> Tensor:
    """The mean as a sum: torch writes out the gradient of a mean, channels first."""
    count = math.prod(features.shape[dim] for dim in dims)
    return features.sum(dim=dims, keepdim=True) / count


class ChannelGate(nn.Module):
    """M_c(F) = sigmoid(MLP(AvgPool(F)) + MLP(MaxPool(F))), shape [B, C, 1, 1].

    One MLP C -> C / reduction -> C serves both pools. Maps narrower than 4 x reduction keep 4
    hidden units (the paper's C = 64 at reduction 16), so that small models still have a gate.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, SMALLEST_HIDDEN)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels)
        )
        nn.init.constant_(self.mlp[-1].bias, FIRST_LOGIT / 2)  # added once for each of two pools

    def forward(self, features: Tensor) -> Tensor:
        """Gate in (0, 1), [B, C, 1, 1], for features [B, C, H, W]."""
        average = self.mlp(_mean(features, (2, 3)).flatten(1))  # [B, C]
        maximum = self.mlp(_greatest_of_map(features))
        return torch.sigmoid(average + maximum)[:, :, None, None]


class SpatialGate(nn.Module):
    """M_s(F) = sigmoid(BN(conv7x7([MaxPool(F); AvgPool(F)]))), shape [B, 1, H, W].

    The pools are over channels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size=7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)
        nn.init.constant_(self.norm.bias, FIRST_LOGIT)

    def forward(self, features: Tensor) -> Tensor:
        """Gate in (0, 1), [B, 1, H, W], for features [B, C, H, W]."""
        pooled = torch.cat(
            [_greatest_of_pixel(features), _mean(features, (1,))], dim=1
        )  # [B, 2, H, W]
        return torch.sigmoid(self.norm(self.conv(pooled)))


class CBAM(nn.Module):
    """F' = M_c(F) * F, then F'' = M_s(F') * F'. Keeps the shape [B, C, H, W].

    `attention` "channel" or "spatial" has that gate alone, "cbam" both.
    """

    def __init__(
        self,
        channels: int,
        reduction: int = 16,
        attention: str = "cbam",
    ) -> None:
        super().__init__()
        self.channel_gate = ChannelGate(channels, reduction) if attention != "spatial" else None
        self.spatial_gate = SpatialGate() if attention != "channel" else None

    def forward(self, features: Tensor) -> Tensor:
        """Re-weight features [B, C, H, W]."""
        if self.channel_gate is not None:
            features = self.channel_gate(features) * features
        if self.spatial_gate is not None:
            features = self.spatial_gate(features) * features
        return features
