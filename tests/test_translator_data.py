from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from emohead.features.store import ShardWriter, open_clips
from emohead.training.batches import EpochLoader
from emohead.translator.data import (
    FramePair,
    RandomPairs,
    TranslatorSamples,
    collate_images,
    first_frame_pairs,
    training_loader,
    validation_loader,
)
from emohead.translator.drawing import draw_landmarks

SIZE = 32


@dataclass
class FakeClip:
    """A clip whose frame t is all grey of value 10 t, and which counts what is decoded."""

    length: int
    decoded: list[int] = field(default_factory=list)

    @property
    def landmarks(self) -> np.ndarray:
        t = np.arange(self.length, dtype=np.float32)[:, None, None]
        return np.random.default_rng(self.length).uniform(5, 20, (68, 2)).astype(np.float32) + t

    def frame(self, t: int) -> np.ndarray:
        self.decoded.append(t)
        return np.full((SIZE, SIZE, 3), 10 * t, np.uint8)

    def frames(self) -> np.ndarray:
        return np.stack([self.frame(t) for t in range(self.length)])


def clips() -> dict[str, FakeClip]:
    return {"b": FakeClip(5), "a": FakeClip(8)}


LENGTHS = {"b": 5, "a": 8}


def test_every_frame_is_a_target_once_and_never_its_own_reference() -> None:
    pairs = list(RandomPairs(LENGTHS, seed=0))
    assert len(pairs) == 13
    assert {(p.clip_id, p.target) for p in pairs} == {
        (clip_id, t) for clip_id, length in LENGTHS.items() for t in range(length)
    }
    for epoch in range(50):
        sampler = RandomPairs({"a": 3}, seed=1)
        sampler.set_epoch(epoch)
        assert all(p.reference != p.target and 0 <= p.reference < 3 for p in sampler)


def test_every_other_frame_is_a_reference_equally_often() -> None:
    counts = np.zeros((4, 4))
    sampler = RandomPairs({"a": 4}, seed=0)
    for epoch in range(1200):
        sampler.set_epoch(epoch)
        for pair in sampler:
            counts[pair.target, pair.reference] += 1
    off_diagonal = counts[~np.eye(4, dtype=bool)]
    assert np.abs(off_diagonal - 400).max() < 5 * np.sqrt(400)


def test_same_seed_and_epoch_same_pairs_whatever_came_before() -> None:
    unbroken = RandomPairs(LENGTHS, seed=3, frames_per_clip=4)
    epochs = []
    for epoch in range(3):
        unbroken.set_epoch(epoch)
        epochs.append(list(unbroken))
    resumed = RandomPairs(dict(reversed(LENGTHS.items())), seed=3, frames_per_clip=4)
    resumed.set_epoch(2)
    assert list(resumed) == epochs[2]
    assert epochs[0] != epochs[1]
    assert list(RandomPairs(LENGTHS, seed=4, frames_per_clip=4)) != epochs[0]


def test_frames_per_clip_bounds_an_epoch() -> None:
    sampler = RandomPairs(LENGTHS, seed=0, frames_per_clip=6)
    pairs = list(sampler)
    assert len(pairs) == len(sampler) == 5 + 6
    assert len({(p.clip_id, p.target) for p in pairs}) == 11


def test_validation_refers_to_the_first_frame() -> None:
    assert first_frame_pairs({"a": 4}) == [FramePair("a", t, 0) for t in (1, 2, 3)]
    assert [p.target for p in first_frame_pairs({"a": 11}, frames_per_clip=4)] == [1, 4, 7, 10]


@pytest.mark.parametrize("memory_limit", [0, 2**20])
def test_a_sample_is_drawing_reference_and_frame(memory_limit: int) -> None:
    given = clips()
    samples = TranslatorSamples(given, memory_limit=memory_limit)
    pair = next(iter(RandomPairs({"a": 8}, seed=0)))
    inputs, frame = samples[pair]
    assert inputs.dtype == frame.dtype == torch.uint8
    drawing = draw_landmarks(given["a"].landmarks[pair.target], SIZE)
    np.testing.assert_array_equal(inputs[:3].permute(1, 2, 0), drawing)
    assert (inputs[3:] == 10 * pair.reference).all()
    assert (frame == 10 * pair.target).all()
    assert frame.shape == (3, SIZE, SIZE)


def test_frames_that_fit_in_memory_are_decoded_once() -> None:
    given = {"a": FakeClip(8)}
    samples = TranslatorSamples(given)
    given["a"].decoded.clear()
    for pair in RandomPairs({"a": 8}, seed=0):
        samples[pair]
    assert given["a"].decoded == []


def test_loaders_make_batches() -> None:
    inputs, frames = next(iter(training_loader(clips(), batch_size=4, seed=0)))
    assert inputs.shape == (4, 6, SIZE, SIZE)
    assert frames.shape == (4, 3, SIZE, SIZE)
    sizes = [len(inputs) for inputs, _ in training_loader(clips(), batch_size=4, seed=0)]
    assert sizes == [4, 4, 4]  # the thirteenth is left out
    sizes = [len(inputs) for inputs, _ in islice(validation_loader(clips(), batch_size=4), 9)]
    assert sum(sizes) == 11


def test_batches_are_channels_last_without_being_transposed() -> None:
    for images in next(iter(training_loader(clips(), batch_size=4, seed=0))):
        assert images.is_contiguous(memory_format=torch.channels_last)


def test_workers_decode_what_one_process_would(tmp_path: Path) -> None:
    """Frames that don't fit in memory: the workers have the shards' open files from here."""
    draw = np.random.default_rng(0)
    for name in "ab":
        with ShardWriter(tmp_path / f"{name}.h5") as writer:
            frames = draw.integers(0, 255, (30, SIZE, SIZE, 3)).astype(np.uint8)
            writer.add(name, landmarks=draw.uniform(0, SIZE, (30, 68, 2)), frames=frames)
    stored = open_clips([tmp_path / "a.h5", tmp_path / "b.h5"])
    stored["a"].frame(0)
    loaders = [
        EpochLoader(
            TranslatorSamples(stored, memory_limit=0), RandomPairs({"a": 30, "b": 30}, seed=0), 4,
            workers=workers, collate=collate_images,
        )
        for workers in (0, 2)
    ]  # fmt: skip
    for epoch in (0, 1):
        for loader in loaders:
            loader.go_to(epoch, batch=3)
        here, there = map(list, loaders)
        assert len(here) == 12
        torch.testing.assert_close(there, here, rtol=0, atol=0)


def test_too_little_data_is_refused() -> None:
    with pytest.raises(ValueError, match="x: 1 frames"):
        RandomPairs({"x": 1}, seed=0)
    with pytest.raises(ValueError, match="batch of 64"):
        training_loader(clips(), batch_size=64, seed=0)
    with pytest.raises(ValueError, match="no clips"):
        TranslatorSamples({})
