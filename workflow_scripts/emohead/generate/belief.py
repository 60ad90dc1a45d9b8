"""MSEF's probabilities of the emotions in a voice, second by second."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from emohead.data.mead import EMOTIONS, FPS
from emohead.landmarks.model import LandmarkModel
from emohead.landmarks.predict import emotion_probabilities


class BeliefPerSecond:
    """Gathers every frame's logits; the classifier judges the frames of each second together."""

    def __init__(self, model: LandmarkModel):
        self._model = model
        self._sums: list[np.ndarray] = []
        self._frames = 0

    def add(self, logits: np.ndarray) -> None:
        """The logits [t, 8] of the next frames."""
        for row in logits.astype(np.float64):
            if self._frames % FPS == 0:
                self._sums.append(np.zeros(len(EMOTIONS)))
            self._sums[-1] += row
            self._frames += 1

    def probabilities(self) -> np.ndarray | None:
        """float32 [seconds, 8] in the order of EMOTIONS; the last second may be a part of one.

        None where nothing was added: the model has no classifier.
        """
        if not self._sums:
            return None
        sums = np.stack(self._sums)
        frames = np.full(len(sums), FPS)
        frames[-1] = self._frames - FPS * (len(sums) - 1)
        logits = torch.from_numpy(sums / frames[:, None])
        return emotion_probabilities(self._model, logits).numpy()


def write_belief(path: Path, probabilities: np.ndarray) -> None:
    """Write [seconds, 8] as a table: the second at which a row begins, and the eight emotions."""
    table = pd.DataFrame(probabilities, columns=list(EMOTIONS))
    table.insert(0, "second", range(len(table)))
    table.to_csv(path, index=False, float_format="%.4f")
