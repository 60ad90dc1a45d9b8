"""FID, Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
Equilibrium", NeurIPS 2017: Fréchet distance of Inception's 2048 pooled features.
"""

from pathlib import Path

import numpy as np
import torch
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
def add_frames(metric: FrechetInceptionDistance, frames: np.ndarray, truth: np.ndarray) -> None:
    """Count frames uint8 [T, S, S, 3], rendered and true, into the two distributions."""
    for side, real in ((frames, False), (truth, True)):
        for images in batches(side):
            metric.update(images.to(metric.device), real=real)


@torch.inference_mode()
def fid(metric: FrechetInceptionDistance) -> float:
    """The distance of what has been added so far; nan below two frames."""
    if metric.fake_features_num_samples < 2:
        return float("nan")
    return max(0.0, float(metric.compute()))  # rounding leaves equal sides a little below 0
