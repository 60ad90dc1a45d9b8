"""The nets of EVP's disentangler (Ji et al. 2021; sizes of its public code).

    window [28, 12] -> content encoder -> [256] ─┬─> decoder -> window [28, 12]
    window [28, 12] -> emotion encoder -> [128] ─┴─> classifier -> 8 emotions

The content encoder is ATVG's audio encoder, as in AT-net. The decoder is given the content code of
one window and the emotion code of another one.
"""

import torch
from torch import Tensor, nn

from emohead.data.mead import EMOTIONS
from emohead.disentangler.options import DisentanglerOptions
from emohead.landmarks.at_net import AudioEncoder
from emohead.landmarks.emotion_encoder import EmotionEncoder
from emohead.landmarks.model import MfccStatistics

Shape = int | tuple[int, int]

#: The decoder reaches so many standard deviations of each MFCC; EVP's tanh ends at 90.
REACH = 6.0
#: Of the weights that EVP's trainings start from.
EVPS_DEVIATION = 0.02


class Decoder(nn.Sequential):
    """Codes [N, C] -> windows [N, 28, 12] in (-1, 1)."""

    def __init__(self, code_width: int, decoder_width: int) -> None:
        w = decoder_width

        def up(
            inputs: int, outputs: int, kernel: Shape, stride: Shape, padding: Shape
        ) -> list[nn.Module]:
            grown = nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding)
            return [grown, nn.BatchNorm2d(outputs), nn.ReLU()]

        super().__init__(
            nn.Unflatten(1, (code_width, 1, 1)),
            *up(code_width, 8 * w, 6, 2, 1),  # 4 x 4
            *up(8 * w, 4 * w, (4, 2), 2, 1),  # 8 x 6
            *up(4 * w, 2 * w, 4, 2, 1),  # 16 x 12
            *up(2 * w, w, (4, 3), (2, 1), (3, 1)),  # 28 x 12
            nn.ConvTranspose2d(w, 1, 3, 1, 1),
            nn.Flatten(1, 2),
            nn.Tanh(),
        )
        # A training starts near the mean window. From zeros no gradient would reach the encoders at
        # first but that of L_con, under which the content code's units die within ten steps.
        nn.init.normal_(self[-3].weight, std=EVPS_DEVIATION)
        nn.init.zeros_(self[-3].bias)


class Disentangler(nn.Module):
    """Both encoders, the classifier and the decoder; all windows are MFCC as they are stored."""

    def __init__(self, options: DisentanglerOptions, mfcc_statistics: MfccStatistics) -> None:
        super().__init__()
        self.options, self.mfcc_statistics = options, mfcc_statistics
        self.register_buffer("mfcc_mean", torch.tensor(mfcc_statistics.mean))
        self.register_buffer("mfcc_deviation", torch.tensor(mfcc_statistics.deviation))
        content, emotion = options.content_width, options.emotion_width
        self.content_encoder = AudioEncoder(options.conv_width, content)
        self.emotion_encoder = EmotionEncoder(options.conv_width, emotion)
        self.classifier = nn.Linear(emotion, len(EMOTIONS))
        self.decoder = Decoder(content + emotion, options.decoder_width)

    def normalise(self, windows: Tensor) -> Tensor:
        """Zero mean and unit variance for each coefficient, as in `LandmarkModel`."""
        return (windows - self.mfcc_mean) / self.mfcc_deviation

    def content(self, windows: Tensor) -> Tensor:
        """Content codes [N, 256] of windows [N, 28, 12]."""
        return self.content_encoder(self.normalise(windows))

    def emotion(self, windows: Tensor) -> Tensor:
        """Emotion codes [N, 128] of windows [N, 28, 12]."""
        return self.emotion_encoder(self.normalise(windows))

    def rebuild(self, content: Tensor, emotion: Tensor) -> Tensor:
        """The windows [N, 28, 12] with the content of one code and the emotion of another."""
        made = self.decoder(torch.cat([content, emotion], dim=1)).float()
        return self.mfcc_mean + REACH * self.mfcc_deviation * made
