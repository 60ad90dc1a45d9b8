"""Training samples: windows with their emotions, and moments in two emotions."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from emohead.data.mead import EMOTIONS, parse_clip_id
from emohead.disentangler.pairs import Sentence, steps_of
from emohead.features.mfcc_shape import WINDOW_FRAMES
from emohead.features.store import StoredClip


class EmotionSample(NamedTuple):
    """Sample of the pretraining: a window [28, 12], its emotion's index; batched [B, ...]."""

    windows: Tensor
    emotion: Tensor


class CrossSample(NamedTuple):
    """Sample of cross-reconstruction: windows [2, 28, 12], emotions' indices [2]; batched [B, ...].

    `content` are of one moment of a sentence, `emotional` of any moments of the same speaker. Where
    both emotions are the same one, `content` is twice the same window.
    """

    content: Tensor
    emotional: Tensor
    emotion: Tensor


class DisentanglerSamples(Dataset):
    """`samples` draws an epoch, each by seed, epoch and index alone, so that a training can resume.

    Windows begin at any MFCC step; EVP's at every fourth, as video frames do.

    The first `pretrain_epochs` are of EmotionSample, the others of CrossSample: the share `paired`
    of them of two emotions, the others of any take and one. EVP has pairs alone, of 13 sentences;
    of few, the decoder would know nothing else. Raises ValueError without a sentence in two
    emotions.
    """

    def __init__(
        self,
        clips: Mapping[str, StoredClip],
        sentences: Sequence[Sentence],
        *,
        samples: int,
        pretrain_epochs: int,
        paired: float,
        seed: int,
    ) -> None:
        if not sentences:
            raise ValueError(
                "no speaker says a sentence in two emotions, as far as disentangler.pairs and the "
                "sound agree: see the log of rule pair_sentences"
            )
        self._sentences = [
            (sentence.speaker, {e: steps_of(each) for e, each in sentence.windows.items()})
            for sentence in sentences
        ]
        self._takes: dict[tuple[str, str], list[np.ndarray]] = {}  # steps
        for clip_id, clip in clips.items():
            name = parse_clip_id(clip_id)
            self._takes.setdefault((name.speaker, name.emotion), []).append(steps_of(clip.mfcc))
        self._samples, self._pretrain_epochs, self._seed = samples, pretrain_epochs, seed
        self._paired = paired
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, from 0; the loader calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._samples

    def __getitem__(self, index: int) -> EmotionSample | CrossSample:
        draw = np.random.default_rng([self._seed, self._epoch, index])
        if self._epoch < self._pretrain_epochs:
            speaker, emotion = list(self._takes)[draw.integers(len(self._takes))]
            windows = self._moment(draw, speaker, emotion)
            return EmotionSample(torch.tensor(windows), torch.tensor(EMOTIONS.index(emotion)))
        if draw.random() < self._paired:
            speaker, sentence = self._sentences[draw.integers(len(self._sentences))]
            both = draw.permutation(sorted(sentence))[:2]
            start = draw.integers(len(sentence[both[0]]) - WINDOW_FRAMES + 1)
            content = [sentence[emotion][start : start + WINDOW_FRAMES] for emotion in both]
        else:
            speaker, emotion = list(self._takes)[draw.integers(len(self._takes))]
            both, content = [emotion] * 2, [self._moment(draw, speaker, emotion)] * 2
        emotional = [self._moment(draw, speaker, emotion) for emotion in both]
        return CrossSample(
            torch.tensor(np.stack(content)),
            torch.tensor(np.stack(emotional)),
            torch.tensor([EMOTIONS.index(emotion) for emotion in both]),
        )

    def _moment(self, draw: np.random.Generator, speaker: str, emotion: str) -> np.ndarray:
        """Any window [28, 12] of a speaker's takes in an emotion."""
        takes = self._takes[speaker, emotion]
        take = takes[draw.integers(len(takes))]
        start = draw.integers(len(take) - WINDOW_FRAMES + 1)
        return take[start : start + WINDOW_FRAMES]
