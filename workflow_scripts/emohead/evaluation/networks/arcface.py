"""CSIM: cosine of ArcFace's embeddings, Deng et al., CVPR 2019, rendered against true.

The network is InsightFace's IResNet (`arcface_torch/backbones/iresnet.py`); modules have its names,
so that its published weights fit, whatever their depth.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from skimage.transform import SimilarityTransform
from torch import Tensor, nn
from torch.nn import functional

from emohead.evaluation.networks.weights import Published, load_state, read_state

ARCFACE = Published("arcface", "a backbone of InsightFace's arcface_torch (IResNet)", "")

_SIZE = 112
_WIDTHS = (64, 128, 256, 512)
_WIDTH = 512
# Where the middles of the eyes, the tip of the nose and the mouth's corners are in the picture.
_TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655),
     (70.7299, 92.2041)]
)  # fmt: skip


class IResNet(nn.Module):
    """ArcFace's backbone with so many blocks in each of its four layers."""

    def __init__(self, blocks: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, _WIDTHS[0], 3, padding=1, bias=False)
        self.bn1, self.prelu = nn.BatchNorm2d(_WIDTHS[0]), nn.PReLU(_WIDTHS[0])
        inputs = (_WIDTHS[0], *_WIDTHS)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(
                *(_Block(inputs[k] if i == 0 else width, width, 2 if i == 0 else 1)
                  for i in range(blocks[k]))
            )
            for k, width in enumerate(_WIDTHS)
        )  # fmt: skip
        self.bn2 = nn.BatchNorm2d(_WIDTHS[-1])
        self.fc = nn.Linear(_WIDTHS[-1] * (_SIZE // 16) ** 2, _WIDTH)
        self.features = nn.BatchNorm1d(_WIDTH)

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings [N, 512] of faces [N, 3, 112, 112], RGB, -1 to 1."""
        maps = self.prelu(self.bn1(self.conv1(faces)))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            maps = layer(maps)
        return self.features(self.fc(self.bn2(maps).flatten(1)))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2, self.prelu = nn.BatchNorm2d(outputs), nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, maps: Tensor) -> Tensor:
        made = self.prelu(self.bn2(self.conv1(self.bn1(maps))))
        kept = maps if self.downsample is None else self.downsample(maps)
        return self.bn3(self.conv2(made)) + kept


def read_arcface(weights: Path) -> IResNet:
    """The backbone in a file, of the depth that it has there; ValueError as `load_state`."""
    names = read_state(weights, ARCFACE)
    layers = [re.match(r"layer(\d)\.(\d+)\.", name) for name in names]
    counts = [1 + max((int(m[2]) for m in layers if m and m[1] == k), default=0) for k in "1234"]
    network = IResNet(tuple(counts))
    load_state(network, weights, ARCFACE)
    return network.eval()


def face_picture(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The face, uint8 [112, 112, 3], of a frame uint8 [S, S, 3] with its landmarks [68, 2], px."""
    eyes = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    points = np.stack([*eyes, *landmarks[[30, 48, 54]]])
    way = SimilarityTransform.from_estimate(points, _TEMPLATE).params[:2]
    return cv2.warpAffine(frame, way, (_SIZE, _SIZE))


@torch.inference_mode()
def csim(network: IResNet, faces: Iterable[np.ndarray], truth: Iterable[np.ndarray]) -> float:
    """Mean cosine of the embeddings of `face_picture`s, rendered against true, frame by frame.

    As many of both, one at least.
    """
    device = network.conv1.weight.device
    made, true = (
        network(torch.from_numpy(np.stack(list(side))).permute(0, 3, 1, 2).to(device) / 127.5 - 1)
        for side in (faces, truth)
    )
    return float(functional.cosine_similarity(made, true).mean())
