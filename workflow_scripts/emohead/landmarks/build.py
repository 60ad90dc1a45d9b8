"""Builds the landmark model that options describe."""

from __future__ import annotations

from emohead.landmarks.at_net import ATNet
from emohead.landmarks.audio2lm import Audio2Lm
from emohead.landmarks.basis import LandmarkBasis
from emohead.landmarks.evp import EVP
from emohead.landmarks.model import LandmarkModel, MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions


def build_landmark_model(
    options: LandmarkModelOptions, basis: LandmarkBasis, mfcc_statistics: MfccStatistics
) -> LandmarkModel:
    """Return the model that `options` describe, with fresh weights.

    Basis and statistics come from the training part (`data.fit_training_statistics`) or from the
    checkpoint. Weights are drawn from torch's global generator: seed it first.
    """
    architectures = {"audio2lm": Audio2Lm, "at_net": ATNet, "evp": EVP}
    return architectures[options.architecture](options, basis, mfcc_statistics)
