"""Trains a translator on training clips; gives its checkpoint."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from emohead.data.split import hold_out_validation
from emohead.features.store import StoredClip
from emohead.training.checkpoint import Checkpoint
from emohead.training.loop import fit
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime
from emohead.translator.data import training_loader, validation_loader
from emohead.translator.options import TranslatorLossOptions, TranslatorOptions
from emohead.translator.samples import SamplePictures
from emohead.translator.task import TranslatorTask


def train_translator(
    clips: Mapping[str, StoredClip],
    options: TranslatorOptions,
    loss_options: TranslatorLossOptions,
    recipe: Recipe,
    runtime: Runtime,
    *,
    seed: int,
    state: Path,
    curves: Path | None = None,
    pictures: Path | None = None,
) -> Checkpoint:
    """Train a translator on `clips`, the training part, and return its checkpoint.

    `state` is the folder of the unfinished training and `curves` TensorBoard's, see
    `emohead.training.loop.fit`; `pictures` is one for the samples of every epoch.
    """
    train, held_out = hold_out_validation(clips, fraction=recipe.validation, seed=seed)
    workers = choose_machine(recipe, runtime).workers
    train_data = training_loader(
        train,
        batch_size=recipe.batch_size,
        seed=seed,
        frames_per_clip=recipe.frames_per_clip,
        augment=recipe.augment,
        inputs=options.inputs,
        points=options.warp,
        workers=workers,
    )
    validation_data = None
    if held_out:
        validation_data = validation_loader(
            held_out,
            batch_size=recipe.batch_size,
            frames_per_clip=recipe.frames_per_clip,
            inputs=options.inputs,
            points=options.warp,
            workers=workers,
        )
    task = TranslatorTask(options, loss_options, seed=seed)
    after_epoch = SamplePictures(task.model, held_out or train, pictures) if pictures else None
    history, provenance = fit(
        task, train_data, validation_data, recipe, runtime,
        seed=seed, state=state, curves=curves, after_epoch=after_epoch,
    )  # fmt: skip
    return Checkpoint(
        kind="translator",
        options=asdict(options),
        weights=task.model.state_dict(),
        arrays={},
        history=history,
        provenance=provenance,
    )
