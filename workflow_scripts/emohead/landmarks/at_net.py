"""AT-net, the landmark model of the paper's baseline (Chen et al. 2019, ATVG `code/models.py`).

    mfcc -> five convolutions, two FC -> [T, 256] ─┐
    reference -> E_Lm [512] ───────────────────────┴─> LSTM 768 -> 256, 3 layers -> FC -> k

It has no emotion feature and is trained with L_pca alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emohead.landmarks.basis import LandmarkBasis
from emohead.landmarks.model import (
    LandmarkModel,
    LandmarkPrediction,
    MfccStatistics,
    WindowCode,
    frame_mask,
)
from emohead.landmarks.options import LandmarkModelOptions


def convolution(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 3x3 convolution of the map's size, BN, ReLU; channels last, for speed."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ).to(memory_format=torch.channels_last)


class AudioEncoder(nn.Module):
    """ATVG's audio encoder: windows [N, 28, 12] -> [N, 256]; widths 1, 2, 4, 4, 8 times c."""

    def __init__(self, conv_width: int, audio_width: int) -> None:
        super().__init__()
        c = conv_width
        self.convolutions = nn.Sequential(
            convolution(1, c),
            convolution(c, 2 * c),
            nn.MaxPool2d(3, stride=(1, 2)),  # 28 x 12 -> 26 x 5
            convolution(2 * c, 4 * c),
            convolution(4 * c, 4 * c),
            convolution(4 * c, 8 * c),
            nn.MaxPool2d(3, stride=2),  # 26 x 5 -> 12 x 2, also with c0 (28 x 13, 26 x 6)
        )
        self.fc = nn.Sequential(
            nn.Linear(8 * c * 12 * 2, 32 * c),  # 12288 -> 2048
            nn.ReLU(),
            nn.Linear(32 * c, audio_width),
            nn.ReLU(),
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Return [N, audio_width] for windows [N, 28, 12]."""
        return self.fc(self.convolutions(windows[:, None]).flatten(1))


class ATNet(LandmarkModel):
    """ATVG's audio encoder and E_Lm drive one LSTM; `emotion_logits` is None.

    With `audio_width=256` it has the width of the original, and is it with `components=6`,
    `target="absolute"` and `reference_input="components"`. E_Lm on all points and an offset as
    target, the defaults, make a stronger baseline. A subclass whose encoder has an emotion code,
    too, says how wide that is.
    """

    def __init__(
        self,
        options: LandmarkModelOptions,
        basis: LandmarkBasis,
        mfcc_statistics: MfccStatistics,
        *,
        emotion_width: int = 0,
    ) -> None:
        super().__init__(options, basis, mfcc_statistics, options.audio_width + emotion_width)
        self.audio_encoder = AudioEncoder(options.conv_width, options.audio_width)

    def forward(self, mfcc: Tensor, reference: Tensor, lengths: Tensor) -> LandmarkPrediction:
        """See `LandmarkModel.forward`."""
        mask = frame_mask(lengths, mfcc.shape[1])
        mfcc = self.normalise_mfcc(mfcc)

        # Only true frames: padding would enter the statistics of the batch normalisation.
        encoded = self.audio_encoder(mfcc[mask])  # [true frames, 28, 12] -> [true frames, 256]
        audio_features = torch.zeros(
            *mask.shape, encoded.shape[-1], dtype=encoded.dtype, device=encoded.device
        )
        audio_features[mask] = encoded  # [B, T, 256]

        coefficients, _ = self.regress(self.encode_reference(reference), audio_features)
        return LandmarkPrediction(self.reconstruct(coefficients, reference), coefficients, None)

    def encode_window(self, mfcc: Tensor, survey: Tensor | None) -> WindowCode:
        """See `LandmarkModel.encode_window`."""
        encoded = self.audio_encoder(self.normalise_mfcc(mfcc)[0])  # [t, 28, 12] -> [t, 256]
        return WindowCode(encoded[None], None)
