"""From training clips to a motion field's checkpoint."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from emohead.data.split import hold_out_validation
from emohead.features.store import StoredClip
from emohead.motion.options import MotionFieldLossOptions, MotionFieldOptions
from emohead.motion.task import MotionFieldTask
from emohead.training.checkpoint import Checkpoint
from emohead.training.loop import fit
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime
from emohead.translator.data import training_loader, validation_loader


def train_motion_field(
    clips: Mapping[str, StoredClip],
    options: MotionFieldOptions,
    loss_options: MotionFieldLossOptions,
    recipe: Recipe,
    runtime: Runtime,
    *,
    seed: int,
    state: Path,
    curves: Path | None = None,
) -> Checkpoint:
    """Train a motion field on `clips`, the training part, and return its checkpoint.

    `state` is the folder of the unfinished training and `curves` TensorBoard's, see
    `emohead.training.loop.fit`.
    """
    train, held_out = hold_out_validation(clips, fraction=recipe.validation, seed=seed)
    how = {
        "batch_size": recipe.batch_size,
        "frames_per_clip": recipe.frames_per_clip,
        "points": True,
        "workers": choose_machine(recipe, runtime).workers,
    }
    task = MotionFieldTask(options, loss_options, seed=seed)
    history, provenance = fit(
        task,
        training_loader(train, seed=seed, **how),
        validation_loader(held_out, **how) if held_out else None,
        recipe, runtime, seed=seed, state=state, curves=curves,
    )  # fmt: skip
    return Checkpoint(
        kind="motion_field",
        options=asdict(options),
        weights=task.model.state_dict(),
        arrays={},
        history=history,
        provenance=provenance,
    )
