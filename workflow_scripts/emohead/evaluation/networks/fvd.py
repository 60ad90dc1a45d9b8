"""FVD, Unterthiner et al., "Towards Accurate Generative Models of Video", 2018: Fréchet distance of
I3D's features of pieces of 16 frames.

The network is the TorchScript file of StyleGAN-V, which has the original's weights: a program that
torch runs in its own interpreter, without Python.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from emohead.evaluation.networks.weights import Published, read_program

I3D = Published("fvd", "StyleGAN-V's i3d_torchscript.pt", "")

#: Frames of a piece; what is left at a clip's end isn't seen.
PIECE = 16
_SIZE = 224


def read_i3d(weights: Path) -> torch.jit.ScriptModule:
    """I3D; ValueError, with the config key, when the file is missing or another one."""
    return read_program(weights, I3D)


@torch.inference_mode()
def i3d_features(network: torch.jit.ScriptModule, frames: Iterable[np.ndarray]) -> np.ndarray:
    """Features float32 [pieces, F], before the softmax, of frames uint8 [S, S, 3]."""
    device = next(network.parameters()).device
    found = [
        network(piece.to(device), rescale=False, resize=False, return_features=True).cpu()
        for piece in _pieces(frames)
    ]
    return torch.cat(found).float().numpy() if found else np.zeros((0, 0), np.float32)


def _pieces(frames: Iterable[np.ndarray]) -> Iterator[Tensor]:
    """Pieces [1, 3, 16, 224, 224] from -1 to 1, side by side."""
    frames = iter(frames)
    while len(some := list(islice(frames, PIECE))) == PIECE:
        images = torch.from_numpy(np.stack(some)).permute(0, 3, 1, 2).float() / 127.5 - 1
        images = functional.interpolate(
            images, (_SIZE, _SIZE), mode="bilinear", align_corners=False
        )
        yield images.transpose(0, 1)[None]
