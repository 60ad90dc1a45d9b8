"""The perceptual loss, eq. (6): L1 between VGG-19 features of the made and the true frame.

Layers as in MakeItTalk (src/approaches/train_image_translation.py); Johnson et al., "Perceptual
Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from emohead.translator.options import MEASURED_RELUS

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def _relus() -> Iterator[tuple[str, int]]:
    """Simonyan and Zisserman's name of each ReLU, and its place in torchvision's features."""
    place, block, number = 0, 1, 1
    for layer in cfgs["E"]:
        if layer == "M":  # a pool
            place, block, number = place + 1, block + 1, 1
        else:  # a convolution and its ReLU
            yield f"relu{block}_{number}", place + 1
            place, number = place + 2, number + 1


RELUS = dict(_relus())  # relu1_1 to relu5_4


class PerceptualLoss(nn.Module):
    """Eq. (6): the mean absolute difference of features of some VGG-19 layers, over the layers.

    The equation is printed as their average (`average`); without it they are summed, as in
    MakeItTalk, which is their number times that. `measured` names these layers, `relu1_1` to
    `relu5_4`; what lies behind the last one is left out. `weights` is a file with torchvision's
    VGG-19 state dict (ImageNet), or None for fixed random weights, drawn from `seed`. Random
    features cannot tell what matters to an eye, but they do see edges and texture at several
    scales; with them `width` may scale every layer's channels, so that the loss is affordable
    without a GPU. The network is frozen, and in no checkpoint: its weights are buffers that a state
    dict leaves out.

    Raises ValueError when the file is missing or holds another network, or when `width` is not 1
    beside a file.
    """

    def __init__(
        self,
        weights: Path | None = None,
        *,
        measured: Sequence[str] = MEASURED_RELUS,
        average: bool = False,
        width: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if weights is not None and width != 1:
            raise ValueError(f"ImageNet weights fit VGG-19 at width 1, got width {width}")
        self.average = average
        self.measured = frozenset(RELUS[name] for name in measured)
        channels = [c if c == "M" else max(1, round(c * width)) for c in cfgs["E"]]
        self.layers = make_layers(channels)[: max(self.measured) + 1]
        if weights is None:
            _randomise(self.layers, torch.Generator().manual_seed(seed))
        else:
            _load(self.layers, weights)
        _freeze(self.layers)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD), persistent=False)

    def forward(self, made: Tensor, true: Tensor) -> Tensor:
        """The loss, a scalar, of frames [B, 3, S, S] in [0, 1]; no gradient reaches `true`."""
        with torch.no_grad():
            true_features = self._features(true)
        total = sum(
            mean_difference(of_made, of_true)
            for of_made, of_true in zip(self._features(made), true_features, strict=True)
        )
        return total / len(self.measured) if self.average else total

    def _normalised(self, frames: Tensor) -> Tensor:
        """As ImageNet's are; by rows, since three channels are too few for a vector unit."""
        size = frames.shape[-1]
        rows = frames.permute(0, 2, 3, 1).flatten(2)  # [B, S, S 3]
        rows = (rows - self.mean.repeat(size)) / self.std.repeat(size)
        return rows.unflatten(2, (size, 3)).permute(0, 3, 1, 2)

    def _features(self, frames: Tensor) -> list[Tensor]:
        features, measured = self._normalised(frames), []
        for i, layer in enumerate(self.layers):
            features = layer(features)
            if i in self.measured:
                measured.append(features)
        return measured


def mean_difference(made: Tensor, true: Tensor) -> Tensor:
    """The mean absolute difference of two maps [B, C, H, W], a scalar, in float32.

    As a sum, whose gradient is one number; torch writes out that of a mean or of its L1, and does
    so channels first, so that what follows computes across two layouts.
    """
    difference = made.float() - true.float()
    return difference.abs().sum() / difference.numel()


def _randomise(layers: nn.Module, generator: torch.Generator) -> None:
    """He et al.'s initialisation by fan-in, which keeps all layers' features alike in size."""
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_in), generator=generator)
            nn.init.zeros_(layer.bias)


def _load(layers: nn.Module, weights: Path) -> None:
    if not weights.is_file():
        raise ValueError(
            f"vgg_weights: there is no file '{weights}'; give one with torchvision's VGG-19 state "
            "dict (the rule fetch_vgg_weights fetches it), or random"
        )
    try:
        state = torch.load(weights, weights_only=True, map_location="cpu")
        layers.load_state_dict({name: state[f"features.{name}"] for name in layers.state_dict()})
    except (EOFError, KeyError, RuntimeError, TypeError, UnpicklingError) as error:
        raise ValueError(f"{weights}: not torchvision's VGG-19 state dict ({error})") from error


def _freeze(layers: nn.Module) -> None:
    """Turn every parameter into a buffer that is neither trained nor saved."""
    for layer in layers:
        for name, value in list(layer.named_parameters(recurse=False)):
            delattr(layer, name)
            layer.register_buffer(name, value.detach(), persistent=False)
