"""The motion field: a source frame moved as the keypoints of another one say."""

import torch
from torch import Tensor, nn

from emohead.motion.dense import DenseMotion
from emohead.motion.generator import Generator
from emohead.motion.keypoints import KeypointDetector, Keypoints
from emohead.motion.options import KEYPOINTS, MotionFieldOptions


class MotionField(nn.Module):
    """`detector` finds keypoints; `dense` and `generator` move a frame from some to others."""

    def __init__(self, options: MotionFieldOptions) -> None:
        super().__init__()
        self.options = options
        shape = {"max_width": options.max_width, "levels": options.levels}
        self.detector = KeypointDetector(
            KEYPOINTS,
            grid_size=options.keypoint_grid,
            width=options.keypoint_width,
            **shape,
        )
        self.dense = DenseMotion(
            KEYPOINTS, grid_size=options.dense_grid, width=options.dense_width, **shape
        )
        self.generator = Generator(options.generator_widths, options.residual_blocks)

    def move(self, source: Tensor, at: Keypoints, to: Keypoints) -> Tensor:
        """Frames [B, 3, S, S] of sources whose keypoints are `at`, moved `to` others."""
        return self.generator(source, self.dense(source, at, to))


def build_field(options: MotionFieldOptions, *, seed: int = 0) -> MotionField:
    """A field with the first weights of a seed, channels last."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        field = MotionField(options)
    return field.to(memory_format=torch.channels_last)
