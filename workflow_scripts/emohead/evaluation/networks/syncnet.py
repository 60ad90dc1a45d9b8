"""SyncNet, Chung and Zisserman, "Out of Time: Automated Lip Sync in the Wild", ACCVW 2016.

The network of joonson/syncnet_python's `SyncNetModel.py`; modules have its names, and their layers
its places, so that its published weights fit.
"""

from pathlib import Path

from torch import Tensor, nn

from emohead.evaluation.networks.weights import Published, load_state

SYNCNET = Published("syncnet", "SyncNet's syncnet_v2.model", "961e8696")

FACE_SIZE = 224
#: Frames that one embedding of the mouth sees.
WINDOW = 5
_WIDTH = 1024


class SyncNet(nn.Module):
    """Mouths and sounds in one space, where they lie near each other when they belong together."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_layer(nn.Conv2d, 1, 64, 3, padding=1), nn.Identity(),  # a pool over single values
            *_layer(nn.Conv2d, 64, 192, 3, padding=1), nn.MaxPool2d(3, stride=(1, 2)),
            *_layer(nn.Conv2d, 192, 384, 3, padding=1),
            *_layer(nn.Conv2d, 384, 256, 3, padding=1),
            *_layer(nn.Conv2d, 256, 256, 3, padding=1), nn.MaxPool2d(3, stride=2),
            *_layer(nn.Conv2d, 256, 512, (5, 4)),
        )  # fmt: skip
        self.netcnnlip = nn.Sequential(
            *_layer(nn.Conv3d, 3, 96, (WINDOW, 7, 7), stride=(1, 2, 2)), _pool(),
            *_layer(nn.Conv3d, 96, 256, (1, 5, 5), stride=(1, 2, 2), padding=(0, 1, 1)),
            _pool(padding=(0, 1, 1)),
            *_layer(nn.Conv3d, 256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_layer(nn.Conv3d, 256, 256, (1, 3, 3), padding=(0, 1, 1)),
            *_layer(nn.Conv3d, 256, 256, (1, 3, 3), padding=(0, 1, 1)), _pool(),
            *_layer(nn.Conv3d, 256, 512, (1, 6, 6)),
        )  # fmt: skip
        self.netfcaud, self.netfclip = _head(), _head()

    def sounds(self, mfcc: Tensor) -> Tensor:
        """Embeddings [N, 1024] of windows of 0.2 s, MFCC [N, 13, 20]."""
        features = self.netcnnaud(mfcc.unsqueeze(1))  # [N, 1, 13, 20] -> [N, 512, 1, 1]
        return self.netfcaud(features.flatten(1))

    def mouths(self, faces: Tensor) -> Tensor:
        """Embeddings [T - 4, 1024] of all windows of 5 frames in a film [T, 3, 224, 224].

        Faces as `emohead.evaluation.networks.sync.face_pictures` cuts them, BGR, 0 to 255.
        Only the first layer spans time, so the whole piece of film passes at once.
        """
        features = self.netcnnlip(faces.transpose(0, 1).unsqueeze(0))  # [1, 512, T - 4, 1, 1]
        return self.netfclip(features.flatten(2)[0].T)


def read_syncnet(weights: Path) -> SyncNet:
    """SyncNet with the weights of `syncnet_v2.model`; ValueError as `load_state`."""
    network = SyncNet()
    load_state(network, weights, SYNCNET)
    return network.eval()


def _layer(convolution: type[nn.Module], inputs: int, outputs: int, *shape, **options) -> list:
    norm = nn.BatchNorm2d if convolution is nn.Conv2d else nn.BatchNorm3d
    return [convolution(inputs, outputs, *shape, **options), norm(outputs), nn.ReLU()]


def _pool(padding: tuple[int, int, int] | int = 0) -> nn.Module:
    return nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=padding)


def _head() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, _WIDTH)
    )
