"""From a checkpoint back to a landmark model; needs no trainer."""

from typing import Any

from emohead.landmarks.basis import LandmarkBasis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.model import LandmarkModel, MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions, LossWeights
from emohead.training.checkpoint import Checkpoint


def landmark_options(values: dict[str, Any]) -> LandmarkModelOptions:
    """Options from plain values, as in the config or a checkpoint."""
    loss = LossWeights(**values.get("loss", {}))
    return LandmarkModelOptions(**{**values, "loss": loss})


def restore_landmark_model(checkpoint: Checkpoint) -> LandmarkModel:
    """The trained model of a checkpoint, ready to predict."""
    arrays = {
        room: {k.removeprefix(room): v for k, v in checkpoint.arrays.items() if k.startswith(room)}
        for room in ("basis/", "mfcc/")
    }
    model = build_landmark_model(
        landmark_options(checkpoint.options),
        LandmarkBasis.from_arrays(arrays["basis/"]),
        MfccStatistics.from_arrays(arrays["mfcc/"]),
    )
    model.load_state_dict(checkpoint.weights)
    return model.eval()
