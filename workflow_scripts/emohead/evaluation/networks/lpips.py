"""LPIPS, Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
CVPR 2018: AlexNet's features, linear weights v0.1.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

# torchmetrics' public class fetches AlexNet from the internet when it is made; this one, which the
# public class wraps, takes a network without weights. The linear weights lie in its package.
from torchmetrics.functional.image.lpips import _LPIPS as Lpips

from emohead.evaluation.networks.batches import batches
from emohead.evaluation.networks.weights import Published, load_state

ALEXNET = Published("lpips", "torchvision's AlexNet (ImageNet)", "7be5be79")


def read_lpips(weights: Path) -> Lpips:
    """LPIPS with AlexNet's weights out of torchvision's file; ValueError as `load_state`."""
    metric = Lpips(net="alex", pnet_rand=True)
    # slice2.3.weight is torchvision's features.3.weight.
    load_state(metric.net, weights, ALEXNET, lambda name: f"features.{name.partition('.')[2]}")
    return metric


@torch.inference_mode()
def lpips_distance(
    metric: Lpips, frames: Iterable[np.ndarray], truth: Iterable[np.ndarray]
) -> float:
    """Mean LPIPS of frames uint8 [S, S, 3] against as many true ones, at their own size."""
    device = metric.lin0.model[-1].weight.device
    distances = [
        metric(made.to(device) / 255, true.to(device) / 255, normalize=True).flatten()
        for made, true in zip(batches(frames), batches(truth), strict=True)
    ]  # [B] each
    return float(torch.cat(distances).double().mean())
