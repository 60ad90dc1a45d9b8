"""Clips as training samples for the landmark models, and what is fitted on them beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from emohead.data.mead import parse_clip_id
from emohead.data.references import neutral_clips
from emohead.features.mfcc_shape import COEFFICIENTS
from emohead.features.store import StoredClip
from emohead.landmarks.basis import LandmarkBasis, face_moments, fit_basis, offset_moments
from emohead.landmarks.model import MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions


class ClipSample(NamedTuple):
    """One clip: mfcc [T, 28, 12], landmarks [T, 68, 2], reference [68, 2] in [0, 1], emotion."""

    mfcc: Tensor
    landmarks: Tensor
    reference: Tensor
    emotion: int


class LandmarkBatch(NamedTuple):
    """Clips padded with zeros to the longest: mfcc [B, T, 28, 12], landmarks [B, T, 68, 2].

    `reference` [B, 68, 2], `lengths` [B] true frames, `emotion` [B] indices into EMOTIONS.
    """

    mfcc: Tensor
    landmarks: Tensor
    reference: Tensor
    lengths: Tensor
    emotion: Tensor


class LandmarkClips(Dataset[ClipSample]):
    """Whole clips, held in memory, in the order of `clips`.

    With a `seed` (training) each epoch draws a new reference: for `reference="random"` a frame of
    the clip, so that the model sees every pose a reference may have; for `"neutral"` the first
    frame of one of the speaker's neutral clips among `reference_clips` (the training clips), which
    lies in another crop, as under the evaluation's neutral protocol. A clip's draw depends on seed,
    epoch and index only, so that a resumed training repeats it. For `"first"`, and without a seed
    (evaluation), the reference is the first frame; for `"neutral"` without a seed, that of the
    lowest-numbered neutral clip.

    `mfcc_offset` (training) is the standard deviation of a random offset of each coefficient, drawn
    for every clip and epoch, as another microphone or timbre would add.

    `coefficients` is how many MFCC samples have: 12, or 13 with c0, which then is the first;
    ValueError where the shards have fewer.
    """

    def __init__(
        self,
        clips: Mapping[str, StoredClip],
        crop_size: int,
        *,
        seed: int | None = None,
        reference: str = "random",
        reference_clips: Mapping[str, StoredClip] | None = None,
        mfcc_offset: float = 0.0,
        coefficients: int = COEFFICIENTS,
    ) -> None:
        if not clips:
            raise ValueError("no clips to learn landmarks from: the part is empty")
        self._seed = seed
        self._reference = reference
        self._mfcc_offset = mfcc_offset
        self._epoch = 0
        self._clips: list[tuple[Tensor, Tensor, int]] = []
        for clip_id, clip in clips.items():
            landmarks = torch.from_numpy(clip.landmarks) / crop_size
            mfcc = torch.from_numpy(_last(clip.mfcc, coefficients))
            if len(landmarks) < 2 or len(landmarks) != len(mfcc):
                raise ValueError(
                    f"clip {clip_id} has {len(landmarks)} landmark frames and {len(mfcc)} MFCC "
                    "windows: both must be the same and at least 2; extract its features again"
                )
            self._clips.append((mfcc, landmarks, parse_clip_id(clip_id).emotion_index))
        # The first one at evaluation.
        self._references = [
            torch.from_numpy(faces) / crop_size
            for faces in references_of(clips, reference, reference_clips)
        ]

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose references are drawn; the loader calls it."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> ClipSample:
        mfcc, landmarks, emotion = self._clips[index]
        references, drawn = self._references[index], 0
        if self._seed is not None:
            generator = np.random.default_rng([self._seed, self._epoch, index])
            if self._reference != "first":
                drawn = int(generator.integers(len(references)))
            offset = generator.normal(0, self._mfcc_offset, mfcc.shape[-1])
            mfcc = mfcc + torch.from_numpy(offset).to(mfcc.dtype)
        return ClipSample(mfcc, landmarks, references[drawn], emotion)


def _last(mfcc: np.ndarray, coefficients: int) -> np.ndarray:
    """The last `coefficients` of each window: c0 is dropped where it isn't used."""
    if mfcc.shape[-1] < coefficients:
        raise ValueError(
            f"the features have {mfcc.shape[-1]} MFCC, and the landmark option c0 wants "
            f"{coefficients}: set features.c0 to true, and extract them again"
        )
    return mfcc[..., -coefficients:]


def references_of(
    clips: Mapping[str, StoredClip],
    reference: str,
    reference_clips: Mapping[str, StoredClip] | None = None,
) -> list[np.ndarray]:
    """The possible reference faces of each clip, [K, 68, 2] in pixels; see `LandmarkClips`."""
    if reference == "neutral":
        neutral = _neutral_references(clips if reference_clips is None else reference_clips)
        return [_of_speaker(neutral, clip_id) for clip_id in clips]
    frames = 1 if reference == "first" else None
    return [clip.landmarks[:frames] for clip in clips.values()]


def _neutral_references(clips: Mapping[str, StoredClip]) -> dict[str, np.ndarray]:
    """The first frames' landmarks [K, 68, 2] of each speaker's neutral clips, by number."""
    return {
        speaker: np.stack([clips[clip_id].landmarks[0] for clip_id in clip_ids])
        for speaker, clip_ids in neutral_clips(clips).items()
    }


def _of_speaker(references: Mapping[str, np.ndarray], clip_id: str) -> np.ndarray:
    speaker = parse_clip_id(clip_id).speaker
    if speaker not in references:
        raise ValueError(
            f"speaker {speaker} has no neutral training clip for the landmark option "
            "reference: neutral: add neutral to data.emotions, lower landmarks.train.validation if "
            "that holds the only one out, or choose first or random"
        )
    return references[speaker]


def collate_clips(samples: Sequence[ClipSample]) -> LandmarkBatch:
    """Pad clips of different lengths into one batch."""
    return LandmarkBatch(
        mfcc=pad_sequence([sample.mfcc for sample in samples], batch_first=True),
        landmarks=pad_sequence([sample.landmarks for sample in samples], batch_first=True),
        reference=torch.stack([sample.reference for sample in samples]),
        lengths=torch.tensor([len(sample.mfcc) for sample in samples]),
        emotion=torch.tensor([sample.emotion for sample in samples]),
    )


def target_moments(
    clips: Mapping[str, StoredClip], crop_size: int, options: LandmarkModelOptions
) -> np.ndarray:
    """Second moments [136, 136] of the training targets: faces or offsets, by `options.target`.

    Offsets are taken from every reference face that `options.reference` allows.
    """
    if options.target == "absolute":
        return face_moments(np.concatenate([clip.landmarks for clip in clips.values()]) / crop_size)
    references = references_of(clips, options.reference)
    return offset_moments(
        (clip.landmarks / crop_size, faces / crop_size)
        for clip, faces in zip(clips.values(), references, strict=True)
    )


def fit_training_statistics(
    clips: Mapping[str, StoredClip], crop_size: int, options: LandmarkModelOptions
) -> tuple[LandmarkBasis, MfccStatistics]:
    """Fit the PCA basis and the MFCC statistics; give it the training clips only.

    With `target: offset` the components are those of the offsets from the reference faces that
    `options.reference` gives at training.
    """
    landmarks = np.concatenate([clip.landmarks for clip in clips.values()]) / crop_size
    basis = fit_basis(landmarks, options.components, target_moments(clips, crop_size, options))
    return basis, fit_mfcc_statistics(clips, options.coefficients)


def fit_mfcc_statistics(
    clips: Mapping[str, StoredClip], coefficients: int = COEFFICIENTS
) -> MfccStatistics:
    """Mean and deviation of each MFCC; give it the training clips only."""
    count, total, squares = 0, np.zeros(coefficients), np.zeros(coefficients)
    for clip in clips.values():
        steps = _last(clip.mfcc, coefficients).reshape(-1, coefficients)  # [T * 28, 12]
        steps = steps.astype(np.float64)
        count += len(steps)
        total += steps.sum(axis=0)
        squares += np.square(steps).sum(axis=0)
    mean = total / count
    deviation = np.sqrt(squares / count - mean**2)
    return MfccStatistics.from_arrays({"mean": mean, "deviation": deviation})
