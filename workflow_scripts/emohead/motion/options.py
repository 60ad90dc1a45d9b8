"""The options of the motion field and of its loss."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from emohead.options import Count, Natural, NotNegative, Options

KEYPOINTS = 10


@dataclass(frozen=True)
class MotionFieldOptions(Options):
    """Sizes; the defaults are First Order Motion's for faces (config/vox-256.yaml)."""

    keypoint_grid: Count = 64
    """Cells of a side that keypoints are found on."""
    keypoint_width: Count = 32
    dense_grid: Count = 64
    """Cells of a side that the flow is made on."""
    dense_width: Count = 64
    max_width: Count = 1024
    levels: Count = 5
    """Of both hourglasses."""
    generator_widths: Annotated[tuple[Count, ...], ("minItems", 2)] = (64, 128, 256)
    residual_blocks: Natural = 6


@dataclass(frozen=True)
class MotionFieldLossOptions(Options):
    """Weights, and the random warps; the defaults are First Order Motion's.

    `warm_start` and `half_size` are our own, for trainings of only hundreds of steps.
    """

    perceptual: NotNegative = 10.0
    sizes: Count = 4
    """Of the pictures that are compared: whole, half, a quarter, an eighth."""
    equivariance: NotNegative = 10.0
    equivariance_jacobian: NotNegative = 10.0
    affine: NotNegative = 0.05
    """Deviation of the random warps' affine part."""
    tps: NotNegative = 0.005
    """Of their thin-plate spline."""
    warm_start: Natural = 0
    """First steps in which keypoints are drawn to means of landmarks.

    By a weight that falls to 0, so that they need not find apart by themselves.
    """
    half_size: Natural = 0
    """First steps on pictures of half the size."""
    vgg_weights: str = "random"
    vgg_width: Annotated[float, ("exclusiveMinimum", 0), ("maximum", 1)] = 1.0
    vgg_seed: Natural = 0

    @property
    def weights_file(self) -> Path | None:
        """The file of VGG-19's weights, where this loss reads one."""
        if self.perceptual == 0 or self.vgg_weights == "random":
            return None
        return Path(self.vgg_weights)
