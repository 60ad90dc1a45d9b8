"""A plain classifier of a clip's emotion by its sound: the baseline of MSEF's classifier."""

from collections.abc import Mapping

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emohead.data.mead import parse_clip_id
from emohead.evaluation.scores import Values
from emohead.features.mfcc_shape import COEFFICIENTS
from emohead.features.store import StoredClip

#: The steps of an MFCC window [28, 12] that belong to its own frame: four, in the middle.
OWN_STEPS = slice(12, 16)


def evaluate_sound(
    train: Mapping[str, StoredClip], test: Mapping[str, StoredClip]
) -> dict[str, Values]:
    """Whether a logistic regression on MFCC statistics names each test clip's emotion.

    Mean and standard deviation over time of each clip's 12 coefficients.
    """
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    logistic.fit(_statistics(train), _emotions(train))
    named = logistic.predict(_statistics(test))
    return {
        clip_id: {("emotion_accuracy", "sound"): float(name == emotion)}
        for clip_id, name, emotion in zip(test, named, _emotions(test), strict=True)
    }


def _statistics(clips: Mapping[str, StoredClip]) -> np.ndarray:
    # Without c0, so that the bar is the same wherever shards have it.
    own = [clip.mfcc[:, OWN_STEPS, -COEFFICIENTS:] for clip in clips.values()]
    steps = [each.reshape(-1, COEFFICIENTS) for each in own]
    return np.array([[*each.mean(axis=0), *each.std(axis=0)] for each in steps])


def _emotions(clips: Mapping[str, StoredClip]) -> list[int]:
    return [parse_clip_id(clip_id).emotion_index for clip_id in clips]
