"""Training of the networks of sound on the keypoints that a motion field finds."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from emohead.data.split import hold_out_validation
from emohead.features.store import StoredClip
from emohead.landmarks.data import fit_mfcc_statistics
from emohead.landmarks.model import frame_mask
from emohead.motion.audio import Face, MotionAudio, Scale
from emohead.motion.audio_data import MotionBatch, MotionClips, collate_motion
from emohead.motion.audio_options import MotionAudioLossOptions, MotionAudioOptions
from emohead.motion.field import MotionField
from emohead.motion.load import build_motion_audio
from emohead.motion.options import KEYPOINTS
from emohead.training.batches import EpochLoader, SeededShuffle
from emohead.training.checkpoint import Checkpoint
from emohead.training.loop import fit
from emohead.training.machine import choose_machine
from emohead.training.options import Recipe, Runtime
from emohead.training.task import TrainingTask


class MotionAudioTask(TrainingTask):
    """`loss` and its terms, each a mean over true frames; keypoints' over those that were made."""

    unit = "clips"

    def __init__(self, model: MotionAudio, options: MotionAudioLossOptions) -> None:
        super().__init__()
        self.model, self.options = model, options

    def forward(self, batch: MotionBatch) -> dict[str, Tensor]:
        """The keypoint network is given the true poses, as its target is the true face's."""
        each = torch.arange(len(batch.face), device=batch.face.device)
        poses = self.model.normalise_pose(batch.poses)
        face = Face(
            batch.keypoints[each, batch.face],
            poses[each, batch.face],
            batch.pictures.movedim(-1, 1) / 255 if batch.pictures.numel() else None,
        )
        starts = batch.starts if self.training else None
        made = self.model(batch.sound, face, batch.lengths, poses, starts)
        mask = frame_mask(batch.lengths, batch.sound.shape[1])
        places = 2 * KEYPOINTS
        off = (made.keypoints - batch.keypoints).abs()[made.made]
        terms = {
            "place": off[:, :places].mean(),
            "jacobian": off[:, places:].mean(),
            "pose": (made.poses - poses).abs()[mask].mean(),
            "pose_velocity": functional.l1_loss(
                made.poses.diff(dim=1)[mask[:, 1:]], poses.diff(dim=1)[mask[:, 1:]]
            ),
        }
        loss = sum(getattr(self.options, name) * value for name, value in terms.items())
        return {"loss": loss} | terms

    def count(self, figure: str, batch: MotionBatch) -> int:
        """See `TrainingTask.count`."""
        return int(batch.lengths.sum())


def train_motion_audio(
    clips: Mapping[str, StoredClip],
    field: MotionField,
    options: MotionAudioOptions,
    loss_options: MotionAudioLossOptions,
    recipe: Recipe,
    runtime: Runtime,
    *,
    seed: int,
    state: Path,
    curves: Path | None = None,
) -> Checkpoint:
    """Train the networks of sound on `clips`, the training part; the field stays as it is.

    `state` is the folder of the unfinished training and `curves` TensorBoard's, see
    `emohead.training.loop.fit`.
    """
    train, held_out = hold_out_validation(clips, fraction=recipe.validation, seed=seed)
    samples = MotionClips(train, options, seed=seed, mfcc_offset=recipe.mfcc_offset)
    parts = [samples]
    if options.sound == "mfcc":
        statistics = fit_mfcc_statistics(train)
        scale = Scale(*map(torch.from_numpy, (statistics.mean, statistics.deviation)))
    else:
        scale = samples.sound_scale
    torch.manual_seed(seed)
    model = build_motion_audio(options, scale, samples.pose_scale)
    how = {"workers": choose_machine(recipe, runtime).workers, "collate": collate_motion}
    validation = None
    if held_out:
        known = MotionClips(held_out, options)
        parts.append(known)
        validation = EpochLoader(known, range(len(known)), recipe.batch_size, **how)

    def find_keypoints(device: torch.device) -> None:
        field.to(device)
        for part in parts:
            part.find_keypoints(field)
        field.cpu()  # a GPU's memory is the training's

    history, provenance = fit(
        MotionAudioTask(model, loss_options),
        EpochLoader(samples, SeededShuffle(len(samples), seed), recipe.batch_size, **how),
        validation, recipe, runtime, seed=seed, state=state, curves=curves, prepare=find_keypoints,
    )  # fmt: skip
    return Checkpoint(
        kind="motion_audio",
        options=asdict(options),
        weights=model.state_dict(),
        arrays={},
        history=history,
        provenance=provenance,
    )
