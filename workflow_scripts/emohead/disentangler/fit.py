"""Trains a disentangler on training clips and their sentence pairs; gives its checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from emohead.disentangler.data import DisentanglerSamples
from emohead.disentangler.gates import try_gates
from emohead.disentangler.nets import Disentangler
from emohead.disentangler.numbers import SentenceNumbers
from emohead.disentangler.options import DisentanglerOptions
from emohead.disentangler.pairs import Pair, align_sentences
from emohead.disentangler.task import DisentanglerTask
from emohead.features.store import StoredClip
from emohead.landmarks.data import fit_mfcc_statistics
from emohead.training.batches import EpochLoader
from emohead.training.checkpoint import Checkpoint
from emohead.training.gates import Gate
from emohead.training.loop import fit
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime

#: Samples of held-back sentences that every epoch is validated on.
VALIDATION_SAMPLES = 256


def train_disentangler(
    clips: Mapping[str, StoredClip],
    pairs: Sequence[Pair],
    numbers: SentenceNumbers,
    options: DisentanglerOptions,
    recipe: Recipe,
    runtime: Runtime,
    *,
    seed: int,
    state: Path,
    curves: Path | None = None,
) -> tuple[Checkpoint, list[Gate]]:
    """Train a disentangler on `clips`, the training part, and run the gates on held-back sentences.

    `pairs` are those of `find_pairs`; `state` is the folder of the unfinished training and `curves`
    TensorBoard's, see `emohead.training.loop.fit`.
    """
    held = {clip_id: clip for clip_id, clip in clips.items() if numbers.is_held_back(clip_id)}
    train = {clip_id: clip for clip_id, clip in clips.items() if clip_id not in held}
    sentences = align_sentences(clips, pairs)
    held_sentences = [each for each in sentences if each.number in numbers.held_back]
    train_sentences = [each for each in sentences if each.number not in numbers.held_back]
    statistics = fit_mfcc_statistics(train)
    torch.manual_seed(seed)
    model = Disentangler(options, statistics)
    samples = options.samples_per_epoch
    train_set = DisentanglerSamples(
        train, train_sentences,
        samples=samples, pretrain_epochs=options.pretrain_epochs, paired=options.paired, seed=seed,
    )  # fmt: skip
    validation_set = DisentanglerSamples(
        held, held_sentences, samples=VALIDATION_SAMPLES, pretrain_epochs=0, paired=1, seed=seed
    )
    workers = choose_machine(recipe, runtime).workers
    history, provenance = fit(
        DisentanglerTask(model),
        # A smaller last batch would be a worse one to normalise by.
        EpochLoader(train_set, range(samples), recipe.batch_size, drop_last=True, workers=workers),
        EpochLoader(validation_set, range(VALIDATION_SAMPLES), recipe.batch_size, workers=workers),
        recipe, runtime, seed=seed, state=state, curves=curves,
    )  # fmt: skip
    checkpoint = Checkpoint(
        kind="disentangler",
        options=asdict(options),
        weights=model.state_dict(),
        arrays=statistics.to_arrays(),
        history=history,
        provenance=provenance,
    )
    return checkpoint, try_gates(model, train, held, held_sentences)
