"""Trains a landmark model on training clips; gives its checkpoint."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from emohead.data.split import hold_out_validation
from emohead.features.store import StoredClip
from emohead.files import whole_file
from emohead.landmarks.basis import LandmarkBasis, principal_axes, residuals
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.data import (
    LandmarkClips,
    collate_clips,
    fit_training_statistics,
    target_moments,
)
from emohead.landmarks.model import MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions
from emohead.landmarks.task import LandmarkTask
from emohead.training.batches import EpochLoader, SeededShuffle
from emohead.training.checkpoint import Checkpoint
from emohead.training.loop import fit
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime

#: Sizes of the PCA basis whose residuals are shown beside the model's own: ATVG's, EVP's and more.
COMPARED_SIZES = (6, 16, 32, 64)


def train_landmark_model(
    clips: Mapping[str, StoredClip],
    options: LandmarkModelOptions,
    recipe: Recipe,
    runtime: Runtime,
    *,
    seed: int,
    state: Path,
    basis_table: Path | None = None,
    curves: Path | None = None,
    disentangler: Checkpoint | None = None,
) -> Checkpoint:
    """Train a landmark model on `clips`, the training part, and return its checkpoint.

    An EVP's encoders start from those of a `disentangler`, whose MFCC statistics the model takes
    over. `state` is the folder of the unfinished training and `curves` TensorBoard's, see
    `emohead.training.loop.fit`. The `residuals` of several PCA bases on the validation clips
    (without any, on the training clips) go to `basis_table`, .csv; the model's own is marked
    `used`.
    """
    train, held_out = hold_out_validation(clips, fraction=recipe.validation, seed=seed)
    crop_size = next(iter(clips.values())).crop_size
    basis, statistics = fit_training_statistics(train, crop_size, options)
    if disentangler is not None:
        statistics = MfccStatistics.from_arrays(disentangler.arrays)
    torch.manual_seed(seed)
    model = build_landmark_model(options, basis, statistics)
    if disentangler is not None:
        model.go_on_from(disentangler.weights)
    train_set = LandmarkClips(
        train,
        crop_size,
        seed=seed,
        reference=options.reference,
        mfcc_offset=recipe.mfcc_offset,
        coefficients=options.coefficients,
    )
    workers = choose_machine(recipe, runtime).workers
    train_data = EpochLoader(
        train_set,
        SeededShuffle(len(train_set), seed),
        recipe.batch_size,
        workers=workers,
        collate=collate_clips,
    )
    validation_set = validation_data = None
    if held_out:
        validation_set = LandmarkClips(
            held_out,
            crop_size,
            reference=options.reference,
            reference_clips=train,
            coefficients=options.coefficients,
        )
        validation_data = EpochLoader(
            validation_set,
            range(len(validation_set)),
            recipe.batch_size,
            workers=workers,
            collate=collate_clips,
        )
    left = residuals(
        principal_axes(target_moments(train, crop_size, options))[1],
        _targets(validation_set or train_set, options, basis),
        sorted({*COMPARED_SIZES, basis.size}),
    )
    left["used"] = left["components"] == basis.size
    print("What PCA components leave, px of 128:", left.round(3).to_string(index=False), sep="\n")
    if basis_table:
        with whole_file(basis_table) as unfinished:
            left.to_csv(unfinished, index=False, float_format="%.4f")
    history, provenance = fit(
        LandmarkTask(model), train_data, validation_data, recipe, runtime,
        seed=seed, state=state, curves=curves,
    )  # fmt: skip
    if disentangler is not None:
        known = LandmarkClips(train, crop_size, reference="first")
        model.keep_mean_codes(known[i] for i in range(len(known)))
    return Checkpoint(
        kind="landmarks",
        options=asdict(options),
        weights=model.state_dict(),
        arrays={f"basis/{name}": value for name, value in basis.to_arrays().items()}
        | {f"mfcc/{name}": value for name, value in statistics.to_arrays().items()},
        history=history,
        provenance=provenance,
    )


def _targets(
    clips: LandmarkClips, options: LandmarkModelOptions, basis: LandmarkBasis
) -> Iterator[np.ndarray]:
    """The model's targets for each clip, [T, 68, 2] in parts of the crop."""
    for index in range(len(clips)):
        sample = clips[index]
        mean = basis.mean.reshape(sample.reference.shape)
        origin = sample.reference.numpy() if options.target == "offset" else mean
        yield sample.landmarks.numpy() - origin
