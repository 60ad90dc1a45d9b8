"""Emotion-FAN, Meng et al., "Frame Attention Networks for Facial Expression Recognition in
Videos", ICIP 2019, as EAT counts emotion accuracy (evaluation_eat `code/emotionfan_basiccode`).

A ResNet-18 sees the frames; a clip is their mean, weighed by self and relation attention.
"""

from collections.abc import Iterable
from pathlib import Path

import dlib
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet18

from emohead.evaluation.networks.batches import batches
from emohead.evaluation.networks.weights import Published, load_state

EMOTION_FAN = Published(
    "emotion_fan", "the Emotion-FAN of evaluation_eat (self_relation-attention)", ""
)

#: In the order of its classes.
CLASSES = ("happy", "angry", "disgusted", "fear", "sad", "neutral", "surprised", "contempt")
_SIZE = 224
_WIDTH = 512


class EmotionFan(nn.Module):
    """The network with both kinds of attention."""

    def __init__(self) -> None:
        super().__init__()
        self.frames = resnet18(weights=None)
        self.frames.fc = nn.Identity()
        self.alpha = nn.Sequential(nn.Linear(_WIDTH, 1), nn.Sigmoid())
        self.beta = nn.Sequential(nn.Linear(2 * _WIDTH, 1), nn.Sigmoid())
        self.pred_fc2 = nn.Linear(2 * _WIDTH, len(CLASSES))

    def forward(self, features: Tensor) -> Tensor:
        """Logits [8] of a clip by the features [T, 512] of its frames."""
        alpha = self.alpha(features)
        whole = (features * alpha).sum(dim=0) / alpha.sum()
        beside = torch.cat([features, whole.expand_as(features)], dim=1)
        beta = self.beta(beside)
        # As published: the sum isn't weighed by beta, and is divided by it all the same.
        return self.pred_fc2((beside * alpha).sum(dim=0) / (alpha * beta).sum())


def read_emotion_fan(weights: Path) -> EmotionFan:
    """The network of a checkpoint, whose state dict may lie under `state_dict` and have the prefix
    `module.`; ValueError as `load_state`.
    """
    network = EmotionFan()
    load_state(network, weights, EMOTION_FAN, lambda name: name.removeprefix("frames."))
    return network.eval()


def face_chip(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """dlib's upright face, uint8 [224, 224, 3], of a frame with its landmarks [68, 2], px."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    box = dlib.rectangle(*(int(v) for v in (*low, *high)))
    points = [dlib.point(round(float(x)), round(float(y))) for x, y in landmarks]
    face = dlib.full_object_detection(box, points)
    return dlib.get_face_chip(np.ascontiguousarray(frame), face, size=_SIZE, padding=0.25)


@torch.inference_mode()
def named_emotion(network: EmotionFan, faces: Iterable[np.ndarray]) -> str:
    """The emotion that a clip shows, by the `face_chip`s of its frames."""
    device = network.pred_fc2.weight.device
    features = [network.frames(images.to(device) / 255) for images in batches(faces)]
    return CLASSES[int(functional.softmax(network(torch.cat(features)), dim=0).argmax())]
