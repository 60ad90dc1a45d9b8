"""EVP's emotion encoder (Ji et al. 2021; sizes of its public code).

The disentangler trains it (`emohead.disentangler`), and the landmark model `evp` begins with it.
"""

from __future__ import annotations

from torch import Tensor, nn

from emohead.features.mfcc_shape import COEFFICIENTS
from emohead.landmarks.at_net import convolution


class EmotionEncoder(nn.Module):
    """Windows [N, 28, 12] -> [N, 128]; widths 1, 2, 4, 8 times c, then 48, 32 times c."""

    def __init__(self, conv_width: int, emotion_width: int) -> None:
        super().__init__()
        c = conv_width
        self.convolutions = nn.Sequential(  # on 12 x 28: coefficients, then time
            convolution(1, c),
            nn.MaxPool2d((1, 3), stride=(1, 2)),  # 12 x 13
            convolution(c, 2 * c),
            convolution(2 * c, 4 * c),
            nn.MaxPool2d((COEFFICIENTS, 1)),  # 1 x 13
            convolution(4 * c, 8 * c),
            nn.MaxPool2d((1, 2)),  # 1 x 6
        )
        self.fc = nn.Sequential(
            nn.Linear(48 * c, 32 * c), nn.ReLU(), nn.Linear(32 * c, emotion_width), nn.ReLU()
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Return [N, emotion_width] for windows [N, 28, 12]."""
        return self.fc(self.convolutions(windows.transpose(1, 2)[:, None]).flatten(1))
