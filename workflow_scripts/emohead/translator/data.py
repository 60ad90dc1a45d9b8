"""Training samples of a translator: a frame, its landmark drawing, another frame of the clip.

The reference at training is a random other frame of the same clip (MakeItTalk; it shows the same
person in the same emotion); at validation it is the clip's first frame, as in the evaluation. With
`augment`, half of the references are of another clip of the speaker, half are first frames, which
show the mouth shut, and half of the pairs are of another face than the one that was filmed: see
`emohead.translator.augmentation`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from emohead.data.mead import parse_clip_id
from emohead.features.store import StoredClip
from emohead.training.batches import EpochLoader
from emohead.translator.augmentation import as_another_face
from emohead.translator.inputs import draw_input

# uint8: drawing ++ reference [B, 6, 10 or 18, S, S], frame [B, 3, S, S]. For a translator that
# warps also the landmarks of the frame and of the reference, float32 [B, 2, 68, 2], pixels
TranslatorBatch = tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Tensor]

MEMORY_LIMIT = 8 * 2**30  # bytes of decoded frames; above it, frames are decoded when asked for


class FramePair(NamedTuple):
    """A sample by name: make frame `target` of the clip from its drawing and frame `reference`.

    The reference is of `reference_clip`, if that isn't the clip itself; both frames are shown as
    another face, drawn from `face`, if that is a number.
    """

    clip_id: str
    target: int
    reference: int
    reference_clip: str | None = None
    face: int | None = None


class TranslatorSamples(Dataset):
    """Samples by FramePair: (drawing ++ reference uint8 [6, S, S], frame uint8 [3, S, S]).

    `inputs` is the translator's option: of a drawing there are 3 channels, with areas 7, with edges
    (the frame's own) 15. With `points`, the landmarks of the frame and of the reference, float32
    [2, 68, 2], are third. All frames are decoded once, here, when they fit in `memory_limit` bytes.
    Drawings are made anew each time: at 128 px that takes 0.05 ms.
    """

    def __init__(
        self,
        clips: Mapping[str, StoredClip],
        *,
        inputs: str = "drawing",
        points: bool = False,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        if not clips:
            raise ValueError("no clips to train a translator on")
        self._clips, self._inputs, self._points = dict(clips), inputs, points
        self._landmarks = {clip_id: clip.landmarks for clip_id, clip in clips.items()}
        first = next(iter(clips.values())).frame(0)
        frames = sum(len(points) for points in self._landmarks.values())
        fits = frames * first.nbytes <= memory_limit
        self._frames = {c: clip.frames() for c, clip in clips.items()} if fits else {}

    def __getitem__(self, pair: FramePair) -> tuple[Tensor, ...]:
        where = (pair.clip_id, pair.target), (pair.reference_clip or pair.clip_id, pair.reference)
        frames = [self._frame(*place) for place in where]  # [S, S, 3]
        points = [self._landmarks[clip_id][t] for clip_id, t in where]
        if pair.face is not None:
            frames, points = as_another_face(frames, points, np.random.default_rng(pair.face))
        target, reference = frames
        drawing = draw_input(self._inputs, points[0], target)
        inputs = np.concatenate([drawing, reference], axis=2)  # [S, S, 6]
        sample = _channels_first(inputs), _channels_first(target)
        return (*sample, torch.from_numpy(np.stack(points))) if self._points else sample

    def _frame(self, clip_id: str, t: int) -> np.ndarray:
        if clip_id in self._frames:
            return self._frames[clip_id][t]
        return self._clips[clip_id].frame(t)


def _channels_first(image: np.ndarray) -> Tensor:
    """[S, S, C] to [C, S, S] without moving a byte: torch's channels-last layout."""
    return torch.from_numpy(image).permute(2, 0, 1)


def collate_images(samples: Sequence[TranslatorBatch]) -> TranslatorBatch:
    """Samples of TranslatorSamples as a batch, channels last in memory: nothing is transposed."""
    inputs, frames, *points = zip(*samples, strict=True)
    pictures = (
        torch.stack([image.permute(1, 2, 0) for image in images]).permute(0, 3, 1, 2)
        for images in (inputs, frames)
    )
    return (*pictures, *map(torch.stack, points))


class RandomPairs(Sampler[FramePair]):
    """An epoch: `frames_per_clip` random frames of each clip (None: all), each with a reference.

    The reference is any other frame of the clip, all equally likely. With `augment` half of them
    are of the speaker's other clips, half are first frames, and half of the pairs have a `face`.
    Pairs depend on the seed and the epoch alone, so that a resumed training sees what an unbroken
    one would. Raises ValueError for a clip of a single frame.
    """

    def __init__(
        self,
        lengths: Mapping[str, int],
        *,
        seed: int,
        frames_per_clip: int | None = None,
        augment: bool = False,
    ) -> None:
        for clip_id, length in lengths.items():
            if length < 2:
                raise ValueError(
                    f"{clip_id}: {length} frames; training needs a second one to refer to"
                )
        self._lengths = dict(sorted(lengths.items()))
        self._seed = seed
        self._frames_per_clip, self._augment = frames_per_clip, augment
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that comes next."""
        self._epoch = epoch

    def __len__(self) -> int:
        return sum(self._used(length) for length in self._lengths.values())

    def __iter__(self) -> Iterator[FramePair]:
        random = np.random.default_rng([self._seed, self._epoch])
        pairs = []
        for clip_id, length in self._lengths.items():
            for target in random.permutation(length)[: self._used(length)]:
                other = random.integers(length - 1)  # counts past the target
                pairs.append(FramePair(clip_id, int(target), int(other + (other >= target))))
        if self._augment:
            pairs = self._augmented(pairs, random)
        return (pairs[i] for i in random.permutation(len(pairs)))

    def _augmented(
        self, pairs: Sequence[FramePair], random: np.random.Generator
    ) -> list[FramePair]:
        """Half of the pairs as another face, half of them with a reference of another clip."""
        of_speaker: dict[str, list[str]] = {}
        for clip_id in self._lengths:
            of_speaker.setdefault(parse_clip_id(clip_id).speaker, []).append(clip_id)
        augmented = []
        for pair in pairs:
            others = of_speaker[parse_clip_id(pair.clip_id).speaker]
            if len(others) > 1 and random.random() < 0.5:
                place = random.integers(len(others) - 1)  # counts past the clip itself
                other = others[place + (place >= others.index(pair.clip_id))]
                t = int(random.integers(self._lengths[other]))
                pair = pair._replace(reference_clip=other, reference=t)
            if random.random() < 0.5 and (pair.reference_clip or pair.target):
                pair = pair._replace(reference=0)
            if random.random() < 0.5:
                pair = pair._replace(face=int(random.integers(2**32)))
            augmented.append(pair)
        return augmented

    def _used(self, length: int) -> int:
        return length if self._frames_per_clip is None else min(length, self._frames_per_clip)


def first_frame_pairs(
    lengths: Mapping[str, int], frames_per_clip: int | None = None
) -> list[FramePair]:
    """Pairs whose reference is the clip's first frame, as in the evaluation.

    Targets are all later frames, or `frames_per_clip` of them, evenly spread.
    """
    pairs = []
    for clip_id, length in sorted(lengths.items()):
        targets: Sequence[int] = range(1, length)
        if frames_per_clip is not None and frames_per_clip < length - 1:
            targets = np.linspace(1, length - 1, frames_per_clip).round().astype(int).tolist()
        pairs += [FramePair(clip_id, t, 0) for t in targets]
    return pairs


def training_loader(
    clips: Mapping[str, StoredClip],
    *,
    batch_size: int,
    seed: int,
    frames_per_clip: int | None = None,
    augment: bool = False,
    inputs: str = "drawing",
    points: bool = False,
    workers: int = 0,
) -> EpochLoader:
    """Batches of RandomPairs; a last one that would be smaller is left out, for BN's sake."""
    lengths = {clip_id: clip.length for clip_id, clip in clips.items()}
    pairs = RandomPairs(lengths, seed=seed, frames_per_clip=frames_per_clip, augment=augment)
    if len(pairs) < batch_size:
        raise ValueError(
            f"an epoch has {len(pairs)} frames, fewer than the batch of {batch_size}: lower the "
            "translator's batch_size or give it more frames_per_clip"
        )
    return EpochLoader(
        TranslatorSamples(clips, inputs=inputs, points=points),
        pairs,
        batch_size,
        drop_last=True,
        workers=workers,
        collate=collate_images,
    )


def validation_loader(
    clips: Mapping[str, StoredClip],
    *,
    batch_size: int,
    frames_per_clip: int | None = None,
    inputs: str = "drawing",
    points: bool = False,
    workers: int = 0,
) -> EpochLoader:
    """Batches of first_frame_pairs, always the same, in order."""
    lengths = {clip_id: clip.length for clip_id, clip in clips.items()}
    pairs = first_frame_pairs(lengths, frames_per_clip)
    samples = TranslatorSamples(clips, inputs=inputs, points=points)
    return EpochLoader(samples, pairs, batch_size, workers=workers, collate=collate_images)
