"""MSEF, the memory-sharing emotion feature extractor (paper section 3.1, eq. (1)).

    mfcc -> MLP -> f [T, 128] -> f_e = f + g(softmax(g(f) M_1) M_2) -> time mean -> 8 emotions

L_ec, eq. (2), which trains the classifier, is in `losses.py`.

M_1 and M_2 are the memory: two linear layers without bias that all clips share. The paper builds on
external attention (MenghaoGuo/EANet, `model_torch.py`) and leaves open what its tokens are:

- The tokens are the T frames of the clip. With one vector per clip the softmax over tokens would
  be 1 everywhere and the memory would pass on a constant.
- `memory="double"`: external attention's double normalisation, a softmax over frames, then each
  frame's weights divided by their sum over slots. f_e of a frame then depends on the whole clip:
  predict clips whole, or in windows of which a first pass has taken the softmax's denominators
  (`survey_window`). The L1 cancels the clip's length: what counts is which slots a frame answers
  more strongly than the clip's other frames do. `"slots"`: the one softmax of eq. (1) as printed,
  over slots; each frame stands alone. `"none"`: f_e = f.
- The two g of eq. (1) are two 1x1 convolutions with their own weights, as in external attention:
  the first forms queries, the second returns from the memory's space to that of f.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emohead.data.mead import EMOTIONS
from emohead.landmarks.layers import mlp


def double_normalise(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over frames, then L1 over slots: scores [B, T, S], mask [B, T] -> [B, T, S].

    Padded frames take no part and get zero.
    """
    attention = scores.masked_fill(~mask[..., None], -torch.inf).softmax(dim=1)
    return attention / (1e-9 + attention.sum(dim=2, keepdim=True))


def masked_time_mean(features: Tensor, mask: Tensor) -> Tensor:
    """Mean of [B, T, C] over each clip's true frames -> [B, C]."""
    weights = mask[..., None].to(features.dtype)
    return (features * weights).sum(dim=1) / weights.sum(dim=1)


class ExternalMemory(nn.Module):
    """Eq. (1): f -> f_e = f + g(softmax(g(f) M_1) M_2), for f [B, T, C] and mask [B, T].

    With a single slot every frame would read the same: `slots` starts at 2.
    """

    def __init__(self, width: int, slots: int, normalisation: str) -> None:
        super().__init__()
        self.normalisation = normalisation
        self.g_in = nn.Conv1d(width, width, kernel_size=1)
        self.M_1 = nn.Linear(width, slots, bias=False)
        self.M_2 = nn.Linear(slots, width, bias=False)
        self.g_out = nn.Conv1d(width, width, kernel_size=1, bias=False)
        with torch.no_grad():  # as external attention starts
            self.M_2.weight.copy_(self.M_1.weight.T)

    def forward(self, f: Tensor, mask: Tensor) -> Tensor:
        """Return f_e [B, T, C]; raise ValueError for a single frame, but with "slots"."""
        scores = self.scores(f)
        if self.normalisation != "slots" and (mask.sum(dim=1) < 2).any():
            raise ValueError(
                f"a clip of one frame cannot use memory='{self.normalisation}': its softmax over "
                "frames is constant; give at least two frames or choose memory='slots'"
            )
        if self.normalisation == "double":
            attention = double_normalise(scores, mask)
        else:
            attention = scores.softmax(dim=2)
        return self.read(f, attention)

    def forward_window(self, f: Tensor, log_sums: Tensor | None) -> Tensor:
        """f_e [1, t, C] of a window of a clip whose `log_sums` [1, S] are known ("double")."""
        scores = self.scores(f)
        if self.normalisation == "double":
            # Softmax over all frames of the clip, then L1 over slots, as `double_normalise`.
            attention = (scores - log_sums[:, None]).exp()
            return self.read(f, attention / (1e-9 + attention.sum(dim=2, keepdim=True)))
        return self.read(f, scores.softmax(dim=2))

    def log_sums(self, f: Tensor) -> Tensor:
        """The logarithm of each slot's softmax denominator over the frames: [1, t, C] -> [1, S]."""
        return self.scores(f).logsumexp(dim=1)

    def scores(self, f: Tensor) -> Tensor:
        """g(f) M_1, [B, T, C] -> [B, T, S]."""
        return self.M_1(self.g_in(f.mT).mT)  # convolutions want [B, C, T]

    def read(self, f: Tensor, attention: Tensor) -> Tensor:
        """f + g(attention M_2), for f [B, T, C] and attention [B, T, S]."""
        return f + self.g_out(self.M_2(attention).mT).mT


class MSEF(nn.Module):
    """Normalised windows [B, T, 28, 12] -> f_e [B, T, C] and emotion logits [B, 8] or None."""

    def __init__(
        self,
        width: int,
        slots: int,
        memory: str,
        classifier: bool,
        mfcc_window: int,
        hidden_width: int,
    ) -> None:
        super().__init__()
        self.mlp = mlp(mfcc_window, hidden_width, width)
        self.memory = ExternalMemory(width, slots, memory) if memory != "none" else None
        self.classifier = nn.Linear(width, len(EMOTIONS)) if classifier else None

    def forward(self, mfcc: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Mask [B, T] is true for frames of the clip, false for padding."""
        f = self.mlp(mfcc.flatten(2))  # [B, T, 336] -> [B, T, 128]
        f_e = self.memory(f, mask) if self.memory is not None else f
        if self.classifier is None:
            return f_e, None
        return f_e, self.classifier(masked_time_mean(f_e, mask))  # [B, T, 128], [B, 8]

    def survey_window(self, mfcc: Tensor) -> Tensor | None:
        """First pass over a long clip: the memory's `log_sums` [1, S] of a window [1, t, 28, 12].

        None where no frame depends on another. Windows are joined by `torch.logaddexp`.
        """
        if self.memory is None or self.memory.normalisation == "slots":
            return None
        return self.memory.log_sums(self.mlp(mfcc.flatten(2)))

    def encode_window(self, mfcc: Tensor, log_sums: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Second pass: f_e [1, t, C] and every frame's emotion logits [1, t, 8] or None."""
        f = self.mlp(mfcc.flatten(2))  # [1, t, 336] -> [1, t, 128]
        f_e = self.memory.forward_window(f, log_sums) if self.memory is not None else f
        return f_e, None if self.classifier is None else self.classifier(f_e)
