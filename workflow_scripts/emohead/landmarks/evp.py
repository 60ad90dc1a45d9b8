"""EVP's landmark model (Ji et al. 2021): AT-net with an emotion code beside the content code.

    mfcc -> content encoder [T, 256] ─┐
    mfcc -> emotion encoder [T, 128] ─┼─> LSTM 896 -> 256, 3 layers -> FC -> k
    reference -> E_Lm [512] ──────────┘

Its encoders begin with the disentangler's weights and go on learning, with L_pca + alpha L_landmark
alone. EVP is a model of one actor, whose E_Lm is always given the mean face; here it sees real
landmarks, so that one model can know several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from emohead.data.mead import EMOTIONS
from emohead.landmarks.at_net import ATNet, AudioEncoder
from emohead.landmarks.basis import LandmarkBasis
from emohead.landmarks.emotion_encoder import EmotionEncoder
from emohead.landmarks.model import MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions

if TYPE_CHECKING:
    from emohead.landmarks.data import ClipSample


class ContentAndEmotion(nn.Module):
    """Windows [N, 28, 12] -> both codes, [N, 256 + 128].

    While `told` is an emotion's index, all windows get that emotion's mean training code.
    """

    def __init__(
        self, content_encoder: AudioEncoder, emotion_encoder: EmotionEncoder, emotion_width: int
    ) -> None:
        super().__init__()
        self.content_encoder, self.emotion_encoder = content_encoder, emotion_encoder
        self.register_buffer("mean_codes", torch.zeros(len(EMOTIONS), emotion_width))
        self.told: int | None = None

    def forward(self, windows: Tensor) -> Tensor:
        """See the class."""
        if self.told is None:
            emotion = self.emotion_encoder(windows)
        else:
            emotion = self.mean_codes[self.told].expand(len(windows), -1)
        return torch.cat([self.content_encoder(windows), emotion], dim=1)


class EVP(ATNet):
    """Content, emotion and reference drive one LSTM; `emotion_logits` is None."""

    def __init__(
        self,
        options: LandmarkModelOptions,
        basis: LandmarkBasis,
        mfcc_statistics: MfccStatistics,
    ) -> None:
        super().__init__(options, basis, mfcc_statistics, emotion_width=options.emotion_width)
        self.audio_encoder = ContentAndEmotion(
            self.audio_encoder,
            EmotionEncoder(options.conv_width, options.emotion_width),
            options.emotion_width,
        )

    def go_on_from(self, disentangler: Mapping[str, Tensor]) -> None:
        """Begin with the encoders among a disentangler's weights.

        The model must have the disentangler's MFCC statistics.
        """
        for name in ("content_encoder", "emotion_encoder"):
            prefix = f"{name}."
            weights = {
                key.removeprefix(prefix): value
                for key, value in disentangler.items()
                if key.startswith(prefix)
            }
            getattr(self.audio_encoder, name).load_state_dict(weights)

    @torch.no_grad()
    def keep_mean_codes(self, clips: Iterable[ClipSample]) -> None:
        """Keep each emotion's mean code over the windows of the training clips, for `telling`."""
        encoder = self.audio_encoder.emotion_encoder.eval()
        codes: dict[int, list[Tensor]] = {}
        for clip in clips:
            windows = self.normalise_mfcc(clip.mfcc.to(self.mfcc_mean))
            codes.setdefault(clip.emotion, []).append(encoder(windows))
        for emotion, found in codes.items():
            self.audio_encoder.mean_codes[emotion] = torch.cat(found).mean(dim=0)

    @contextmanager
    def telling(self, emotion: int) -> Iterator[None]:
        """Use this emotion's mean code (by its index) instead of the code of the sound."""
        self.audio_encoder.told = emotion
        try:
            yield
        finally:
            self.audio_encoder.told = None
