"""The generator: the source's features, warped by the flow and dimmed by the occlusion, painted.

First Order Motion (modules/generator.py). Nothing passes beside the warp.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from emohead.motion.dense import Motion
from emohead.motion.grids import sample
from emohead.motion.hourglass import Down, Up, convolution


class Residual(nn.Module):
    """Normalisation and ReLU before each of two convolutions, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(
                layer
                for _ in range(2)
                for layer in (
                    nn.BatchNorm2d(channels),
                    nn.ReLU(),
                    nn.Conv2d(channels, channels, 3, padding=1),
                )
            )
        )

    def forward(self, features: Tensor) -> Tensor:
        """Takes and returns [B, C, H, W]."""
        return features + self.layers(features)


class Generator(nn.Module):
    """`widths` at full size, half, quarter ...; the smallest one is warped."""

    def __init__(self, widths: Sequence[int], residual_blocks: int) -> None:
        super().__init__()
        steps = list(pairwise(widths))
        self.encoder = nn.Sequential(convolution(3, widths[0], 7), *(Down(a, b) for a, b in steps))
        self.decoder = nn.Sequential(
            *(Residual(widths[-1]) for _ in range(residual_blocks)),
            *(Up(b, a) for a, b in reversed(steps)),
        )
        self.last = nn.Conv2d(widths[0], 3, 7, padding=3)

    def forward(self, images: Tensor, motion: Motion) -> Tensor:
        """Frames [B, 3, S, S] in [0, 1], float32."""
        features = self.encoder(images)
        size = features.shape[-2:]
        flow = _resize(motion.flow.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1)
        features = sample(features, flow) * _resize(motion.occlusion, size)
        painted = self.last(self.decoder(features))
        with torch.autocast(images.device.type, enabled=False):
            return painted.float().sigmoid()


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    if maps.shape[-2:] == size:
        return maps
    return functional.interpolate(maps, size, mode="bilinear", align_corners=True)
