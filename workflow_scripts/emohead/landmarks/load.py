"""Loads a landmark model from its checkpoint, without the trainer."""

from emohead.landmarks.basis import LandmarkBasis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.model import LandmarkModel, MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions
from emohead.training.checkpoint import Checkpoint


def restore_landmark_model(checkpoint: Checkpoint) -> LandmarkModel:
    """The trained model of a checkpoint, ready to predict."""
    arrays = {
        room: {k.removeprefix(room): v for k, v in checkpoint.arrays.items() if k.startswith(room)}
        for room in ("basis/", "mfcc/")
    }
    model = build_landmark_model(
        LandmarkModelOptions(**checkpoint.options),
        LandmarkBasis.from_arrays(arrays["basis/"]),
        MfccStatistics.from_arrays(arrays["mfcc/"]),
    )
    model.load_state_dict(checkpoint.weights)
    return model.eval()
