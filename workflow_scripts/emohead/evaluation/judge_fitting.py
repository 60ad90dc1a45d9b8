"""Fits the judges of emotion on the real clips of the training part."""

from collections.abc import Mapping

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from emohead.data.mead import EMOTIONS, parse_clip_id
from emohead.evaluation.emotion_judges import (
    PICTURE_EVERY,
    EmotionJudges,
    Judge,
    landmark_features,
    picture_features,
    small_grey,
)
from emohead.features.store import StoredClip

# A longer clip is as many examples as it has pieces of this length (2 s).
_PIECE_FRAMES = 50
# Shrinkage of the covariance towards a sphere: rendered clips have other noise than the real ones
# that the judges are fitted on.
_SHRINKAGE = 0.1


def fit_judges(clips: Mapping[str, StoredClip]) -> EmotionJudges:
    """Judges by the landmarks and pictures of real clips, every emotion weighing the same."""
    emotions, landmarks, pictures = [], [], []
    for clip_id, clip in clips.items():
        size, points = clip.crop_size, clip.landmarks
        for piece in np.array_split(np.arange(clip.length), max(1, clip.length // _PIECE_FRAMES)):
            emotions.append(parse_clip_id(clip_id).emotion)
            landmarks.append(landmark_features(points[piece], size))
            judged = [small_grey(clip.frame(int(t))) for t in piece[::PICTURE_EVERY]]
            pictures.append(picture_features(judged))
    return EmotionJudges(
        landmarks=fit_judge(np.stack(landmarks), emotions),
        pixels=fit_judge(np.stack(pictures), emotions),
    )


def fit_judge(features: np.ndarray, emotions: list[str]) -> Judge:
    """Linear discriminant analysis of examples [N, F]: one that judges nothing of few examples.

    The covariance within emotions, which holds the speakers' differences, is shrunk.
    """
    known = [emotion for emotion in EMOTIONS if emotion in emotions]
    if len(known) < 2 or len(features) <= len(known):
        return Judge((), np.zeros((0, features.shape[1])), np.zeros(0))
    model = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=_SHRINKAGE, priors=np.full(len(known), 1 / len(known))
    )
    model.fit(features, [known.index(emotion) for emotion in emotions])
    weights, bias = model.coef_, model.intercept_
    if len(known) == 2:  # scikit-learn gives the second one's lead alone
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
    return Judge(tuple(known), weights, bias)
