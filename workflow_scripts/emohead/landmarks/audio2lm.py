"""Audio2Lm, the paper's landmark model (section 3.1, figure 1).

    mfcc  -> E_A  [T, 128] ──┐
    mfcc  -> MSEF [T, 128] ──┼─> LSTM 768 -> 256, 3 layers -> FC -> k coefficients per frame
    reference -> E_Lm [512] ─┘

E_A takes the flattened window: 336-256-128. E_Lm, the LSTM and FC are shared with AT-net and are in
`model.py`.
"""

from __future__ import annotations

from torch import Tensor, cat

from emohead.landmarks.basis import LandmarkBasis
from emohead.landmarks.layers import mlp
from emohead.landmarks.model import (
    LandmarkModel,
    LandmarkPrediction,
    MfccStatistics,
    WindowCode,
    frame_mask,
)
from emohead.landmarks.msef import MSEF
from emohead.landmarks.options import LandmarkModelOptions


class Audio2Lm(LandmarkModel):
    """E_A, E_Lm and, with `emotion="msef"`, the emotion feature drive one LSTM."""

    def __init__(
        self,
        options: LandmarkModelOptions,
        basis: LandmarkBasis,
        mfcc_statistics: MfccStatistics,
    ) -> None:
        has_emotion = options.emotion == "msef"
        audio_width = options.audio_width + (options.emotion_width if has_emotion else 0)
        super().__init__(options, basis, mfcc_statistics, audio_width)
        self.E_A = mlp(options.mfcc_window, options.hidden_width, options.audio_width)
        self.msef = None
        if has_emotion:
            self.msef = MSEF(
                options.emotion_width,
                options.memory_slots,
                options.memory,
                options.classifier,
                options.mfcc_window,
                options.hidden_width,
            )

    def forward(self, mfcc: Tensor, reference: Tensor, lengths: Tensor) -> LandmarkPrediction:
        """See `LandmarkModel.forward`."""
        mask = frame_mask(lengths, mfcc.shape[1])
        mfcc = self.normalise_mfcc(mfcc)

        audio_features = self.E_A(mfcc.flatten(2))  # [B, T, 336] -> [B, T, 128]
        emotion_logits = None
        if self.msef is not None:
            f_e, emotion_logits = self.msef(mfcc, mask)  # [B, T, 128], [B, 8]
            audio_features = cat([audio_features, f_e], dim=-1)  # [B, T, 256]

        coefficients, _ = self.regress(self.encode_reference(reference), audio_features)
        landmarks = self.reconstruct(coefficients, reference)
        return LandmarkPrediction(landmarks, coefficients, emotion_logits)

    def survey_window(self, mfcc: Tensor) -> Tensor | None:
        """See `LandmarkModel.survey_window`: MSEF's memory looks at all frames at once."""
        return None if self.msef is None else self.msef.survey_window(self.normalise_mfcc(mfcc))

    def encode_window(self, mfcc: Tensor, survey: Tensor | None) -> WindowCode:
        """See `LandmarkModel.encode_window`."""
        mfcc = self.normalise_mfcc(mfcc)
        audio_features = self.E_A(mfcc.flatten(2))  # [1, t, 128]
        if self.msef is None:
            return WindowCode(audio_features, None)
        f_e, emotion_logits = self.msef.encode_window(mfcc, survey)  # [1, t, 128], [1, t, 8]
        return WindowCode(cat([audio_features, f_e], dim=-1), emotion_logits)
