"""Keypoints with Jacobians: where ten places of a face are, and how it turns and stretches there.

First Order Motion (modules/keypoint_detector.py).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from emohead.motion.grids import grid, shrink
from emohead.motion.hourglass import Hourglass

_KERNEL = 7
_TEMPERATURE = 0.1


class Keypoints(NamedTuple):
    """`places` [B, K, 2], (x, y) from -1 to 1, and `jacobians` [B, K, 2, 2], both float32."""

    places: Tensor
    jacobians: Tensor


class KeypointDetector(nn.Module):
    """An hourglass on the smaller picture, a heatmap and a map of Jacobians of every keypoint.

    The maps are of a 7 x 7 convolution without padding, so that three cells along the border have
    none. Jacobians begin as the identity.
    """

    def __init__(
        self, keypoints: int, *, grid_size: int, width: int, max_width: int, levels: int
    ) -> None:
        super().__init__()
        self.keypoints, self.grid_size = keypoints, grid_size
        self.hourglass = Hourglass(3, width, max_width, levels)
        self.heatmaps = nn.Conv2d(self.hourglass.channels, keypoints, _KERNEL)
        self.jacobians = nn.Conv2d(self.hourglass.channels, 4 * keypoints, _KERNEL)
        nn.init.zeros_(self.jacobians.weight)
        with torch.no_grad():
            self.jacobians.bias.copy_(torch.tensor([1.0, 0, 0, 1]).repeat(keypoints))

    def forward(self, images: Tensor) -> Keypoints:
        """The keypoints of images [B, 3, S, S] in [0, 1]."""
        size = self.grid_size
        small = shrink(images, images.shape[-1] // size)
        features = self.hourglass(small)
        logits, maps = self.heatmaps(features), self.jacobians(features)
        with torch.autocast(images.device.type, enabled=False):
            weights = (logits.float().flatten(2) / _TEMPERATURE).softmax(dim=-1)  # [B, K, N]
            border = _KERNEL // 2
            places = grid(size, size, small)[border : size - border, border : size - border]
            jacobians = torch.einsum(
                "bkn,bkcn->bkc", weights, maps.float().flatten(2).unflatten(1, (-1, 4))
            )
            return Keypoints(weights @ places.flatten(0, 1), jacobians.unflatten(-1, (2, 2)))
