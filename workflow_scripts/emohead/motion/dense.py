"""Dense motion: from the keypoints of two frames to a flow and an occlusion.

First Order Motion (modules/dense_motion.py), its equations 4 to 9.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from emohead.motion.grids import grid, inverse, product, sample, shrink, turned
from emohead.motion.hourglass import Hourglass
from emohead.motion.keypoints import Keypoints

_KERNEL = 7
_VARIANCE = 0.01


class Motion(NamedTuple):
    """`flow` [B, H, W, 2]: where each place of the driving frame lies in the source, -1 to 1; and
    `occlusion` [B, 1, H, W]: 0 where the source doesn't show it. Both float32.
    """

    flow: Tensor
    occlusion: Tensor


class DenseMotion(nn.Module):
    """Weighs the local motions of all keypoints, and the background's, which is none."""

    def __init__(
        self, keypoints: int, *, grid_size: int, width: int, max_width: int, levels: int
    ) -> None:
        super().__init__()
        self.grid_size = grid_size
        self.hourglass = Hourglass((keypoints + 1) * 4, width, max_width, levels)
        channels = self.hourglass.channels
        self.mask = nn.Conv2d(channels, keypoints + 1, _KERNEL, padding=_KERNEL // 2)
        self.occlusion = nn.Conv2d(channels, 1, _KERNEL, padding=_KERNEL // 2)

    def forward(self, images: Tensor, source: Keypoints, driving: Keypoints) -> Motion:
        """Takes source images [B, 3, S, S] and the keypoints of both frames."""
        batch, size = len(images), self.grid_size
        small = shrink(images, images.shape[-1] // size)
        places = grid(size, size, small)
        flows = local_flows(places, source, driving)  # [B, K + 1, H, W, 2]
        count = flows.shape[1]
        warped = sample(
            small[:, None].expand(-1, count, -1, -1, -1).flatten(0, 1), flows.flatten(0, 1)
        ).unflatten(0, (batch, count))
        bells = _bells(places, driving) - _bells(places, source)
        bells = torch.cat([torch.zeros_like(bells[:, :1]), bells], dim=1)
        seen = torch.cat([bells[:, :, None], warped], dim=2).flatten(1, 2)
        features = self.hourglass(seen.contiguous(memory_format=torch.channels_last))
        mask, occlusion = self.mask(features), self.occlusion(features)
        with torch.autocast(images.device.type, enabled=False):
            weights = mask.float().softmax(dim=1)
            flow = (weights[..., None] * flows).sum(dim=1)
            return Motion(flow, occlusion.float().sigmoid())


def local_flows(places: Tensor, source: Keypoints, driving: Keypoints) -> Tensor:
    """Eq. 4 near each keypoint, s + J_s J_d^-1 (z - d), before them the background's, z.

    Of places z [H, W, 2]: [B, K + 1, H, W, 2].
    """
    jacobians = product(source.jacobians.float(), inverse(driving.jacobians))  # [B, K, 2, 2]
    away = places - driving.places[:, :, None, None]  # [B, K, H, W, 2]
    moved = turned(jacobians[:, :, None, None], away) + source.places[:, :, None, None]
    still = places.expand(len(moved), 1, *places.shape)
    return torch.cat([still, moved], dim=1)


def _bells(places: Tensor, keypoints: Keypoints) -> Tensor:
    """A Gaussian about every keypoint, [B, K, H, W]."""
    squared = (places - keypoints.places[:, :, None, None]).square().sum(-1)
    return torch.exp(-squared / (2 * _VARIANCE))
