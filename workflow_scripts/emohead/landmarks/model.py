"""Inputs and outputs of every landmark model, and how coefficients become landmarks.

    mfcc [B, T, 28, 12] ───┐
    reference [B, 68, 2] ──┴─> coefficients [B, T, k] -> landmarks [B, T, 68, 2]

B clips, padded to T frames; k components of the PCA basis.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from emohead.features.points import POINTS
from emohead.landmarks.basis import LandmarkBasis
from emohead.landmarks.layers import mlp
from emohead.landmarks.options import LandmarkModelOptions


class LandmarkPrediction(NamedTuple):
    """A landmark model's output for a batch of clips; frames past a clip's length mean nothing.

    `landmarks` [B, T, 68, 2] in [0, 1], `coefficients` [B, T, k] in the PCA basis and in the same
    unit, `emotion_logits` [B, 8], or None where the model has no classifier.
    """

    landmarks: Tensor
    coefficients: Tensor
    emotion_logits: Tensor | None


class WindowCode(NamedTuple):
    """The encoders' output for a window of t frames of one long clip.

    `audio_features` [1, t, A] drive the LSTM. `emotion_logits` [1, t, 8] are of each frame: the
    classifier is linear, so their mean over a clip's frames is the clip's. None without classifier.
    """

    audio_features: Tensor
    emotion_logits: Tensor | None


#: The LSTM's hidden and cell state, each [layers, B, 256].
LstmState = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class MfccStatistics:
    """Mean and standard deviation [12] (13 with c0) of each MFCC over the training part.

    They are per coefficient, not per place in the window, so that every time step is scaled alike.
    """

    mean: np.ndarray
    deviation: np.ndarray

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the plain arrays that a checkpoint keeps."""
        return asdict(self)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> MfccStatistics:
        """Rebuild the statistics from `to_arrays`."""
        return cls(**{name: np.asarray(array, np.float32) for name, array in arrays.items()})


def frame_mask(lengths: Tensor, frames: int) -> Tensor:
    """Return [B, T], true where a frame belongs to its clip and is not padding."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


class LandmarkModel(nn.Module, ABC):
    """The part that Audio2Lm and AT-net share: units, the reference encoder, LSTM and output layer.

    The statistics and the basis are buffers: they move with the model and are in its state dict.
    The paper gives E_Lm (an MLP to 512), the LSTM and its fully connected layer. The sizes that it
    leaves open are ATVG's (`code/models.py`): the LSTM's 256 x 3 and the MLP's 256 are those of its
    generator AT_net, whose MLP takes 6 PCA components of the reference (6-256-512); one of all 136
    coordinates (136-256-512) is that of its discriminator. `reference_input` chooses.
    """

    def __init__(
        self,
        options: LandmarkModelOptions,
        basis: LandmarkBasis,
        mfcc_statistics: MfccStatistics,
        audio_width: int,
    ) -> None:
        super().__init__()
        if basis.size != options.components:
            raise ValueError(
                f"the PCA basis has {basis.size} components, the options ask for "
                f"{options.components}: fit the basis with the model's `components`"
            )
        self.options = options
        self.register_buffer("mfcc_mean", torch.tensor(mfcc_statistics.mean))
        self.register_buffer("mfcc_deviation", torch.tensor(mfcc_statistics.deviation))
        self.register_buffer("mean_face", torch.tensor(basis.mean).reshape(POINTS, 2))
        self.register_buffer("components", torch.tensor(basis.components))
        self.register_buffer("deviations", torch.tensor(basis.deviations))
        self.register_buffer("spread", torch.tensor(basis.spread))

        given = {"points": 2 * POINTS, "components": options.components}[options.reference_input]
        self.E_Lm = mlp(given, options.hidden_width, options.reference_width)
        self.dropout = nn.Dropout(options.dropout)
        self.lstm = nn.LSTM(
            options.reference_width + audio_width,
            options.lstm_width,
            options.lstm_layers,
            batch_first=True,
            dropout=options.dropout if options.lstm_layers > 1 else 0.0,
        )
        self.fc = nn.Linear(options.lstm_width, options.components)
        # Training starts from "copy the reference" (or from the mean face): no frame is far off.
        nn.init.zeros_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)

    @abstractmethod
    def forward(self, mfcc: Tensor, reference: Tensor, lengths: Tensor) -> LandmarkPrediction:
        """Predict the landmarks of clips.

        mfcc [B, T, 28, 12], reference [B, 68, 2] in [0, 1], lengths [B] true frames of each clip;
        a clip's prediction does not depend on the padding.
        """

    def survey_window(self, mfcc: Tensor) -> Tensor | None:
        """What all frames of a clip need from its window [1, t, 28, 12]; None for nothing.

        The values of a clip's windows are joined by `torch.logaddexp`.
        """
        return None

    @abstractmethod
    def encode_window(self, mfcc: Tensor, survey: Tensor | None) -> WindowCode:
        """Encode a window [1, t, 28, 12]; `survey` is the whole clip's, by `survey_window`.

        With `regress` and its state, the windows of a clip give what `forward` gives for the whole.
        """

    def encode_reference(self, reference: Tensor) -> Tensor:
        """E_Lm on the reference landmarks [B, 68, 2], centred and scaled -> [B, 512]."""
        if self.options.reference_input == "components":
            with torch.autocast(reference.device.type, enabled=False):
                code = (reference - self.mean_face).flatten(1) @ self.components.T  # [B, k]
            return self.E_Lm(code / self.deviations)
        return self.E_Lm(((reference - self.mean_face) / self.spread).flatten(1))

    def normalise_mfcc(self, mfcc: Tensor) -> Tensor:
        """Give each coefficient zero mean and unit variance over the training part.

        A model without the option c0 drops it from windows that have it [..., 13].
        """
        mfcc = mfcc[..., -self.options.coefficients :]
        return (mfcc - self.mfcc_mean) / self.mfcc_deviation

    def regress(
        self, reference_code: Tensor, audio_features: Tensor, state: LstmState | None = None
    ) -> tuple[Tensor, LstmState]:
        """Codes [B, 512] and features [B, T, A] -> coefficients [B, T, k] by LSTM and FC.

        FC predicts each component in units of its standard deviation, so that a weak component is
        learned as fast as a strong one. The LSTM starts from `state`, None at a clip's beginning,
        and its last one is returned too.
        """
        frames = audio_features.shape[1]
        reference_code = reference_code[:, None].expand(-1, frames, -1)  # [B, T, 512]
        x = torch.cat([reference_code, audio_features], dim=-1)  # [B, T, 768]
        # On a GPU autocast hands float16 to an LSTM, whatever it is asked for: gradients below
        # 6e-8 would be none.
        with torch.autocast(x.device.type, enabled=False):
            h, state = self.lstm(self.dropout(x.to(self.deviations)), state)  # [B, T, 256]
            return self.fc(h) * self.deviations, state

    def project(self, landmarks: Tensor, reference: Tensor) -> Tensor:
        """Landmarks [B, T, 68, 2] -> the coefficients [B, T, k] that the model should predict."""
        # Mixed precision would round the target itself.
        with torch.autocast(landmarks.device.type, enabled=False):
            return (landmarks - self._origin(reference)).flatten(2) @ self.components.T

    def reconstruct(self, coefficients: Tensor, reference: Tensor) -> Tensor:
        """Coefficients [B, T, k] -> landmarks [B, T, 68, 2]; zero is the reference or the mean."""
        with torch.autocast(coefficients.device.type, enabled=False):
            difference = (coefficients @ self.components).unflatten(-1, (POINTS, 2))
            return self._origin(reference) + difference

    def _origin(self, reference: Tensor) -> Tensor:
        if self.options.target == "offset":
            return reference[:, None]  # [B, 1, 68, 2]
        return self.mean_face.expand(len(reference), 1, -1, -1)
