"""FID, Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
Equilibrium", NeurIPS 2017: Fréchet distance of Inception's 2048 pooled features.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import nn
from torchmetrics.image.fid import FrechetInceptionDistance

from emohead.evaluation.networks.batches import batches
from emohead.evaluation.networks.weights import Published, read_state

INCEPTION = Published("fid", "the FID Inception of 2015-12-05, for PyTorch", "6726825d")


def read_fid(weights: Path) -> FrechetInceptionDistance:
    """FID with the weights of pytorch-fid's or torch-fidelity's file (they are the same).

    Frames are brought to 299 x 299 as TensorFlow's first FID did, by torch-fidelity. Raises
    ValueError, with the config key, when the file is missing or another one.
    """
    # torch-fidelity unpickles the file without restrictions: only after it has been read with them.
    read_state(weights, INCEPTION)
    try:
        return FrechetInceptionDistance(
            2048, feature_extractor_weights_path=str(weights), antialias=False
        )
    except RuntimeError as error:  # names or shapes, several pages of them
        raise ValueError(
            f"evaluation.weights.fid: '{weights}' holds another network than {INCEPTION.what}; "
            "docs/networks.md says where to get it"
        ) from error


@torch.inference_mode()
def inception_features(
    metric: FrechetInceptionDistance, frames: Iterable[np.ndarray]
) -> np.ndarray:
    """The pooled features, float32 [T, 2048], of frames uint8 [S, S, 3]."""
    found = [metric.inception(images.to(metric.device)).cpu() for images in batches(frames)]
    return torch.cat(found).float().numpy()


@dataclass
class FeatureSums:
    """What FID needs of features [T, F]: their number, sum [F] and sum of products [F, F].

    `+` joins the sums of several speakers.
    """

    count: int
    total: np.ndarray
    products: np.ndarray

    @classmethod
    def of(cls, features: Iterable[np.ndarray], width: int = 2048) -> Self:
        """The sums of the features [T, F] of several clips."""
        sums = cls(0, np.zeros(width), np.zeros((width, width)))
        for each in features:
            exact = each.astype(np.float64)
            sums.count += len(exact)
            sums.total += exact.sum(axis=0)
            sums.products += exact.T @ exact
        return sums

    def __add__(self, other: Self) -> Self:
        if not (self.count and other.count):  # an empty sum may not know its width
            return self if self.count else other
        return type(self)(
            self.count + other.count, self.total + other.total, self.products + other.products
        )


def fid(made: FeatureSums, true: FeatureSums) -> float:
    """The distance of two distributions of features; nan below two frames."""
    if min(made.count, true.count) < 2:
        return float("nan")
    metric = FrechetInceptionDistance(_Width(len(made.total)))
    metric.orig_dtype = torch.float64
    for side, sums in (("fake", made), ("real", true)):
        setattr(metric, f"{side}_features_num_samples", torch.tensor(sums.count))
        setattr(metric, f"{side}_features_sum", torch.from_numpy(sums.total))
        setattr(metric, f"{side}_features_cov_sum", torch.from_numpy(sums.products))
    return max(0.0, float(metric.compute()))  # rounding leaves equal sides a little below 0


class _Width(nn.Module):
    """Stands in for Inception where the features are known already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features
