"""From training clips to a landmark model's checkpoint, and back to the model."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from emohead.data.split import hold_out_validation
from emohead.features.store import StoredClip
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.data import LandmarkClips, collate_clips, fit_training_statistics
from emohead.landmarks.options import LandmarkModelOptions
from emohead.landmarks.task import LandmarkTask
from emohead.training.batches import EpochLoader, SeededShuffle
from emohead.training.checkpoint import Checkpoint
from emohead.training.loop import fit
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime


def train_landmark_model(
    clips: Mapping[str, StoredClip],
    options: LandmarkModelOptions,
    recipe: Recipe,
    runtime: Runtime,
    *,
    seed: int,
    state: Path,
    curves: Path | None = None,
) -> Checkpoint:
    """Train a landmark model on `clips`, the training part, and return its checkpoint.

    `state` is the folder of the unfinished training and `curves` TensorBoard's, see
    `emohead.training.fit`.
    """
    train_ids, validation_ids = hold_out_validation(
        list(clips), fraction=recipe.validation, seed=seed
    )
    crop_size = next(iter(clips.values())).crop_size
    train_clips = {clip_id: clips[clip_id] for clip_id in train_ids}
    basis, statistics = fit_training_statistics(
        train_clips, crop_size, options.components, options.coefficients
    )
    print(
        f"{basis.size} PCA components explain {basis.explained_face[-1]:.1%} of the variance of "
        f"the face, {basis.explained_mouth[-1]:.1%} of the mouth's",
        flush=True,
    )
    torch.manual_seed(seed)
    model = build_landmark_model(options, basis, statistics)
    train_set = LandmarkClips(
        train_clips,
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
    validation_data = None
    if validation_ids:
        validation_clips = {clip_id: clips[clip_id] for clip_id in validation_ids}
        validation_data = EpochLoader(
            LandmarkClips(
                validation_clips,
                crop_size,
                reference=options.reference,
                reference_clips=train_clips,
                coefficients=options.coefficients,
            ),
            range(len(validation_ids)),
            recipe.batch_size,
            workers=workers,
            collate=collate_clips,
        )
    history, provenance = fit(
        LandmarkTask(model), train_data, validation_data, recipe, runtime,
        seed=seed, state=state, curves=curves,
    )  # fmt: skip
    return Checkpoint(
        kind="landmarks",
        options=asdict(options),
        weights=model.state_dict(),
        arrays={f"basis/{name}": value for name, value in basis.to_arrays().items()}
        | {f"mfcc/{name}": value for name, value in statistics.to_arrays().items()},
        history=history,
        provenance=provenance,
    )
