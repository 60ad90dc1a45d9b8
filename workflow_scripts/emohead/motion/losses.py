"""The motion field's loss: perceptual at several sizes, and keypoints that follow a warp.

First Order Motion (modules/model.py; eqs. 10 to 12).
"""

import torch
from torch import Tensor, nn

from emohead.motion.grids import inverse, product, shrink
from emohead.motion.keypoints import Keypoints
from emohead.motion.options import MotionFieldLossOptions
from emohead.motion.warps import Warp
from emohead.translator.perceptual import PerceptualLoss

# Keypoints may start at means of these landmarks: brows, eyes, nose, corners of the mouth, upper
# and lower lip, chin.
_LANDMARKS = (
    (17, 18, 19, 20, 21), (22, 23, 24, 25, 26), (36, 37, 38, 39, 40, 41), (42, 43, 44, 45, 46, 47),
    (30,), (48,), (54,), (51, 62), (57, 66), (8,),
)  # fmt: skip
# The fewest pixels of a side that VGG-19 has a relu5_1 of.
_SMALLEST = 16


class Pyramid(nn.Module):
    """The perceptual loss, summed over sizes of the pictures."""

    def __init__(self, options: MotionFieldLossOptions) -> None:
        super().__init__()
        self.sizes = options.sizes
        self.perceptual = PerceptualLoss(
            options.weights_file, width=options.vgg_width, seed=options.vgg_seed
        )

    def forward(self, made: Tensor, true: Tensor) -> Tensor:
        """A scalar, of frames [B, 3, S, S] in [0, 1]."""
        sizes = [2**i for i in range(self.sizes) if made.shape[-1] >= _SMALLEST * 2**i]
        return sum(self.perceptual(shrink(made, s), shrink(true, s)) for s in sizes)


def equivariance(found: Keypoints, of_warped: Keypoints, warp: Warp) -> tuple[Tensor, Tensor]:
    """Eqs. 11 and 12 for keypoints of a picture and of its warped one: places and Jacobians."""
    places = (found.places - warp.at(of_warped.places)).abs().mean()
    moved = product(warp.jacobian(of_warped.places), of_warped.jacobians)
    identity = torch.eye(2, device=moved.device)
    return places, (identity - product(inverse(found.jacobians), moved)).abs().mean()


def landmark_places(landmarks: Tensor, size: int) -> Tensor:
    """Ten places [B, 10, 2] from -1 to 1 of landmarks [B, 68, 2] in pixels."""
    means = torch.stack([landmarks[:, list(points)].mean(1) for points in _LANDMARKS], dim=1)
    return 2 * means / (size - 1) - 1
