"""A trained model in one file: weights, options, arrays and training history; no pickled code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from emohead.files import whole_file
from emohead.provenance import Provenance


@dataclass(frozen=True)
class Checkpoint:
    """What a trained model is made of.

    `kind` is the stage, one of `emohead.config.STAGES`; `options` are plain values, as in the
    config; `arrays` are what was fitted rather than trained (PCA basis, MFCC statistics); `history`
    has one row an epoch. `provenance` is None where the file is older than that.
    """

    kind: str
    options: dict[str, Any]
    weights: dict[str, torch.Tensor]
    arrays: dict[str, np.ndarray]
    history: pd.DataFrame
    provenance: Provenance | None = None


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint, whole or not at all."""
    with whole_file(path) as unfinished:
        torch.save(
            {
                "kind": checkpoint.kind,
                "options": checkpoint.options,
                "weights": {name: value.cpu() for name, value in checkpoint.weights.items()},
                "arrays": {k: torch.from_numpy(np.array(v)) for k, v in checkpoint.arrays.items()},
                "history": checkpoint.history.to_dict("list"),
                "provenance": checkpoint.provenance and checkpoint.provenance.to_json(),
            },
            unfinished,
        )


def load_checkpoint(path: Path, kind: str) -> Checkpoint:
    """Read a checkpoint; ValueError when the file is none, or one of another kind."""
    try:
        stored = torch.load(path, weights_only=True, map_location="cpu")
        found = stored["kind"]
    except Exception as error:
        raise ValueError(f"{path}: not a checkpoint of emohead ({error})") from error
    if found != kind:
        raise ValueError(f"{path}: a checkpoint of kind {found!r}, expected {kind!r}")
    told = stored.get("provenance")
    return Checkpoint(
        kind=found,
        options=stored["options"],
        weights=stored["weights"],
        arrays={name: value.numpy() for name, value in stored["arrays"].items()},
        history=pd.DataFrame(stored["history"]),
        provenance=told and Provenance.from_json(told),
    )
