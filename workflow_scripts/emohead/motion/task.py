"""Training of the motion field, for `emohead.training.loop.fit`."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from emohead.motion.field import build_field
from emohead.motion.keypoints import Keypoints
from emohead.motion.losses import Pyramid, equivariance, landmark_places
from emohead.motion.options import MotionFieldLossOptions, MotionFieldOptions
from emohead.motion.warps import Warp
from emohead.training.task import TrainingTask

_WARM_WEIGHT = 10.0


class MotionFieldTask(TrainingTask):
    """A field and its loss: `loss`, `perceptual`, `equivariance`, `equivariance_jacobian`."""

    unit = "images"

    def __init__(
        self, options: MotionFieldOptions, loss_options: MotionFieldLossOptions, *, seed: int
    ) -> None:
        super().__init__()
        self.model = build_field(options, seed=seed)
        self.options = loss_options
        self.pyramid = Pyramid(loss_options).to(memory_format=torch.channels_last)
        self.register_buffer("steps", torch.tensor(0))
        self.set_step(0)

    def set_step(self, step: int) -> None:
        """See `TrainingTask.set_step`."""
        # A branch on a GPU's number would wait for it; compiled, one on a new integer each step
        # would be compiled as often. So the number is for sums alone.
        self.halved = step < self.options.half_size
        self.warm = step < self.options.warm_start
        self.steps.fill_(step)

    def forward(self, batch: tuple[Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        """Batches are `emohead.translator.data`'s with points; the drawing isn't looked at."""
        inputs, frames, points = batch
        source, driving = (
            each.to(torch.float32, memory_format=torch.channels_last) / 255
            for each in (inputs[:, -3:], frames)
        )
        if self.training and self.halved:
            source, driving = (avg_pool2d(each, 2) for each in (source, driving))
        # Validation draws the same warps each time; training's are seeded by the step.
        generator = None if self.training else torch.Generator().manual_seed(0)
        options = self.options
        warp = Warp.draw(
            len(driving), affine=options.affine, tps=options.tps, generator=generator
        ).to(driving.device)
        places, jacobians = self.model.detector(torch.cat([source, driving, warp.of(driving)]))
        of_source, of_driving, of_warped = (
            Keypoints(*both) for both in zip(places.chunk(3), jacobians.chunk(3), strict=True)
        )
        made = self.model.move(source, of_source, of_driving)
        terms = {"perceptual": self.pyramid(made, driving)}
        terms["equivariance"], terms["equivariance_jacobian"] = equivariance(
            of_driving, of_warped, warp
        )
        loss = sum(getattr(options, name) * value for name, value in terms.items())
        terms["l1"] = (made - driving).abs().mean()
        if self.training and self.warm:
            left = 1 - self.steps / options.warm_start
            size = frames.shape[-1]
            target = torch.cat([landmark_places(points[:, i], size) for i in (1, 0)])
            found = torch.cat([of_source.places, of_driving.places])
            loss = loss + _WARM_WEIGHT * left * (found - target).abs().mean()
        return {"loss": loss} | terms
