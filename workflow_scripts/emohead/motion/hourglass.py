"""Convolutions as the First Order Motion Model has them (modules/util.py), and its hourglass."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def convolution(inside: int, outside: int, kernel: int = 3) -> nn.Sequential:
    """A convolution that keeps the size, batch normalisation, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, padding=kernel // 2),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
    )


class Down(nn.Module):
    """Half the size, [B, C, H, W] to [B, C', H/2, W/2]."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.convolution = convolution(inside, outside)

    def forward(self, features: Tensor) -> Tensor:
        """A convolution and the mean of every four cells."""
        return functional.avg_pool2d(self.convolution(features), 2)


class Up(nn.Module):
    """Twice the size, [B, C, H, W] to [B, C', 2H, 2W]."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.convolution = convolution(inside, outside)

    def forward(self, features: Tensor) -> Tensor:
        """Every cell four times, and a convolution."""
        return self.convolution(functional.interpolate(features, scale_factor=2))


class Hourglass(nn.Module):
    """Down `levels` times and up again, each step up beside what went down: [B, C', H, W].

    Widths double from `width` to at most `max_width`; C' = `channels` = width + C. A subclass may
    have other steps, and something on the way from what went down to what goes up beside it.
    """

    down, up, skip = Down, Up, nn.Identity

    def __init__(self, inside: int, width: int, max_width: int, levels: int) -> None:
        super().__init__()
        widths = [min(max_width, width * 2**level) for level in range(levels + 1)]
        passed = [inside, *widths[1:levels]]
        self.downs = nn.ModuleList(map(self.down, passed, widths[1:]))
        self.skips = nn.ModuleList(map(self.skip, reversed(passed)))
        self.ups = nn.ModuleList(
            self.up(widths[level + 1] * (1 if level == levels - 1 else 2), widths[level])
            for level in reversed(range(levels))
        )
        self.channels = width + inside

    def forward(self, features: Tensor) -> Tensor:
        """Of [B, C, H, W], whose sides 2^levels divides; of [B, C, T, H, W] where the steps are."""
        passed = [features]
        for down in self.downs:
            passed.append(down(passed[-1]))
        features = passed.pop()
        for up, skip in zip(self.ups, self.skips, strict=True):
            features = torch.cat([up(features), skip(passed.pop())], dim=1)
        return features
