"""A trained translator in integers of 8 bits, for CPUs that multiply these fastest.

The maps between convolutions are bytes; CBAM's gates are computed in float32. The scales of the
bytes are calibrated: the float net's maps of some images show how far its values reach.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from emohead.translator.calibration import Observations, observe
from emohead.translator.cbam import CBAM
from emohead.translator.inference import for_inference
from emohead.translator.int8_convolution import (
    LARGEST_BYTE,
    ByteMap,
    Int8Convolution,
    Int8Doubling,
)
from emohead.translator.render import model_images
from emohead.translator.unet import ResidualBlock, UNet

# Pixels that are seen together where the greatest of many is looked for: wide rows are faster.
_TOGETHER = 4


@torch.inference_mode()
def in_int8(
    model: UNet,
    drawings: np.ndarray,
    face: np.ndarray,
    landmarks: np.ndarray | None = None,
    face_landmarks: np.ndarray | None = None,
) -> UNet:
    """A copy of a trained model that computes in bytes, for frames alone; `model` stays as it is.

    Takes and makes float32 on a CPU, as the model does. It is calibrated with the frames of a face
    uint8 [S, S, 3] for drawings uint8 [B, S, S, C], which are best like those that follow, and with
    `warp` their landmarks, as in `render`; the same ones give the same copy.
    """
    net = for_inference(model, bf16=False)
    given = drawings, face, landmarks, face_landmarks
    seen = observe(net, _calibrated(net), *given)
    encoder_maps: list[ByteMap] = []
    means = model_images(net, *given).mean(dim=(0, 2, 3))
    source = ByteMap.of_one_scale(1 / LARGEST_BYTE, means)
    for i in range(len(net.down)):
        net.down[i], net.attend_down[i], source = _in_bytes(
            net.down[i], net.attend_down[i], source, seen
        )
        encoder_maps.append(source)
    net.down[0] = nn.Sequential(_Bytes(), net.down[0])

    source = encoder_maps.pop()  # the bottleneck
    for i in reversed(range(len(net.up))):
        net.up[i], net.attend_up[i], made = _in_bytes(net.up[i], net.attend_up[i], source, seen)
        source = encoder_maps.pop().beside(made)
    net.to_frame[0] = Int8Doubling(net.to_frame[0], source)
    return net


def _layers(step: nn.Sequential) -> tuple[nn.Module, nn.ReLU, list[ResidualBlock]]:
    """The convolution, ReLU and residual blocks of a `for_inference` step."""
    convolution, relu, *blocks = (layer for layer in step if not isinstance(layer, nn.Identity))
    return convolution, relu, blocks


def _calibrated(net: UNet) -> Iterator[nn.Module]:
    """The modules of a `for_inference` net whose maps become bytes."""
    for step in (*net.down, *net.up):
        _, relu, blocks = _layers(step)
        yield relu
        for block in blocks:
            yield from (block.body[2], block)
    yield from (each for each in (*net.attend_down, *net.attend_up) if isinstance(each, CBAM))


def _in_bytes(
    step: nn.Sequential, attend: nn.Module, source: ByteMap, seen: Observations
) -> tuple[nn.Module, nn.Module, ByteMap]:
    """A step and its attention for a map in bytes, and what the bytes that they make mean."""
    first, relu, blocks = _layers(step)
    made = seen[relu].as_bytes
    if isinstance(first, nn.ConvTranspose2d):
        layers = nn.Sequential(Int8Doubling(first, source, seen[relu].scale))
    else:
        layers = nn.Sequential(
            Int8Convolution(
                first.weight, first.bias, source, stride=first.stride[0], scale=seen[relu].scale
            )
        )
    for block in blocks:
        layers.append(_Int8ResidualBlock(block, made, seen))
        made = seen[block].as_bytes
    if not isinstance(attend, CBAM):
        return layers, attend, made
    return layers, _Int8CBAM(attend, made.scale, seen[attend].scale), seen[attend].as_bytes


class _Bytes(nn.Module):
    """Images in [0, 1] as bytes."""

    def forward(self, images: Tensor) -> Tensor:
        return (images * LARGEST_BYTE).round_().to(torch.uint8)


class _Int8ResidualBlock(nn.Module):
    """A residual block on bytes of `scale`, which it writes over."""

    def __init__(self, block: ResidualBlock, source: ByteMap, seen: Observations) -> None:
        super().__init__()
        first, _, relu, second, _ = block.body
        inner = seen[relu].as_bytes
        self.first = Int8Convolution(first.weight, first.bias, source, scale=inner.scale)
        self.second = Int8Convolution(second.weight, second.bias, inner, scale=seen[block].scale)
        self.scale = source.scale

    def forward(self, features: Tensor) -> Tensor:
        return self.second.add_to(features, self.scale, self.first(features))


class _Int8CBAM(nn.Module):
    """CBAM on bytes of `scale`, to bytes of `scale_out`; the same as CBAM but for rounding."""

    def __init__(self, cbam: CBAM, scale: float, scale_out: float) -> None:
        super().__init__()
        self.channel_gate, self.spatial_gate = cbam.channel_gate, cbam.spatial_gate
        self.scale, self.scale_out = scale, scale_out

    def forward(self, features: Tensor) -> Tensor:
        pixels = features.permute(0, 2, 3, 1)  # [B, H, W, C], as they lie in memory
        values = pixels.float()
        gate = self.scale
        if self.channel_gate is not None:
            mlp, rows = self.channel_gate.mlp, pixels.flatten(1, 2)
            rows = rows.unflatten(1, (-1, _TOGETHER)).flatten(2)  # [B, H W / 4, 4 C]
            greatest = rows.amax(dim=1).unflatten(1, (_TOGETHER, -1)).amax(dim=1)  # [B, C]
            pools = values.mean(dim=(1, 2)), greatest.float()
            average, maximum = (mlp(pool * self.scale) for pool in pools)
            gate = gate * torch.sigmoid(average + maximum)[:, None, None]  # [B, 1, 1, C]
        values *= gate
        gate = 1 / self.scale_out
        if self.spatial_gate is not None:
            pools = torch.stack([values.amax(dim=-1), values.mean(dim=-1)], dim=1)  # [B, 2, H, W]
            logits = self.spatial_gate.norm(self.spatial_gate.conv(pools))
            gate = gate * torch.sigmoid(logits).permute(0, 2, 3, 1)  # [B, H, W, 1]
        values *= gate
        return values.round_().clamp_(max=LARGEST_BYTE).to(torch.uint8).permute(0, 3, 1, 2)
