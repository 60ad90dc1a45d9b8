"""The part that E_A, E_Lm and MSEF's first step have in common."""

from __future__ import annotations

from torch import nn


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """The paper's "MLP": two layers with ReLU, as ATVG's for landmarks (`code/models.py`)."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs), nn.ReLU()
    )
