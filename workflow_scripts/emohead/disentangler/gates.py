"""Whether a disentangler disentangles, on sentences that were held back from its training.

    swapped     D(content of one emotion, emotion code of another) is nearer to the other's take
                than the aligned takes are to each other (mean absolute difference of MFCC)
    emotion     a linear probe on the mean emotion code names at least as many clips' emotions as
                one on MFCC statistics does
    content     one on the mean content code names clearly fewer than that on emotion codes
    partner     content codes find their moment in another emotion's take more often than emotion
                codes do

Table 1 says in its row where the first isn't passed.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from emohead.data.mead import parse_clip_id
from emohead.disentangler.nets import Disentangler
from emohead.disentangler.pairs import STEPS_PER_FRAME, Sentence, steps_of
from emohead.features.mfcc_shape import COEFFICIENTS, WINDOW_FRAMES
from emohead.features.store import StoredClip
from emohead.training.gates import Gate

#: "Clearly fewer": the share of clips by which the content probe stays below the emotion probe.
MARGIN = 0.1
#: Windows that share most of their sound count as the same moment: one video frame apart.
SAME_MOMENT = 1


@torch.inference_mode()
def try_gates(
    model: Disentangler,
    train_clips: Mapping[str, StoredClip],
    held_clips: Mapping[str, StoredClip],
    held_sentences: Sequence[Sentence],
) -> list[Gate]:
    """All gates of a trained model; probes are fitted on `train_clips`, the rest is held back."""
    model.eval()
    swapped, aligned = _reconstruction(model, held_sentences)
    content_of, emotion_of = (
        partial(_codes, model, encode) for encode in (model.content, model.emotion)
    )
    emotion, content, sound = (
        _probe(describe, train_clips, held_clips)
        for describe in (
            lambda windows: emotion_of(windows).mean(axis=0),
            lambda windows: content_of(windows).mean(axis=0),
            _sound_statistics,
        )
    )
    by_content, by_emotion = (
        _partners_found(encode, held_sentences) for encode in (content_of, emotion_of)
    )
    return [
        Gate("swapped", swapped, aligned, swapped < aligned),
        Gate("emotion", emotion, sound, emotion >= sound),
        Gate("content", content, emotion - MARGIN, content <= emotion - MARGIN),
        Gate("partner", by_content, by_emotion, by_content > by_emotion),
    ]


def _codes(
    model: Disentangler, encode: Callable[[Tensor], Tensor], windows: np.ndarray
) -> np.ndarray:
    return encode(_there(model, windows)).cpu().numpy()


def _there(model: Disentangler, windows: np.ndarray) -> Tensor:
    """Windows [N, 28, 12 or 13] as the model hears them, where it is: on a GPU after training."""
    return torch.tensor(windows[..., -COEFFICIENTS:], device=model.mfcc_mean.device)


def _reconstruction(model: Disentangler, sentences: Sequence[Sentence]) -> tuple[float, float]:
    """Mean absolute difference of swapped windows, and of the aligned takes, to the true ones.

    The emotion code is of the moment half the sentence away.
    """
    swapped, aligned = [], []
    for sentence in sentences:
        for one, other in permutations(sentence.windows, 2):
            spoken, true = sentence.windows[one], sentence.windows[other]
            away = np.roll(true, len(true) // 2, axis=0)
            made = model.rebuild(
                model.content(_there(model, spoken)), model.emotion(_there(model, away))
            )
            swapped.append(np.abs(made.cpu().numpy() - true).mean())
            aligned.append(np.abs(spoken - true).mean())
    return float(np.mean(swapped)), float(np.mean(aligned))


def _probe(
    describe: Callable[[np.ndarray], np.ndarray],
    train: Mapping[str, StoredClip],
    held: Mapping[str, StoredClip],
) -> float:
    """The share of held clips whose emotion a logistic regression names by their description."""
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    (x, y), (x_held, y_held) = (
        (
            np.stack([describe(clip.mfcc) for clip in clips.values()]),
            [parse_clip_id(clip_id).emotion_index for clip_id in clips],
        )
        for clips in (train, held)
    )
    return float(probe.fit(x, y).score(x_held, y_held))


def _sound_statistics(windows: np.ndarray) -> np.ndarray:
    """Mean and deviation of each MFCC over the frames' own steps, as `emohead.evaluation.sound`."""
    edge = (WINDOW_FRAMES - STEPS_PER_FRAME) // 2
    steps = steps_of(windows)[edge:-edge]
    return np.concatenate([steps.mean(axis=0), steps.std(axis=0)])


def _partners_found(
    encode: Callable[[np.ndarray], np.ndarray], sentences: Sequence[Sentence]
) -> float:
    """The share of windows whose nearest code in another emotion's take is of the same moment."""
    found = []
    for sentence in sentences:
        codes = {emotion: encode(each) for emotion, each in sentence.windows.items()}
        for one, other in permutations(codes, 2):
            distances = np.linalg.norm(codes[one][:, None] - codes[other], axis=-1)
            moments = np.arange(len(distances))
            found.append(np.abs(distances.argmin(axis=1) - moments) <= SAME_MOMENT)
    return float(np.concatenate(found).mean())
