"""How a model is trained: the config's `train` keys."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from emohead.options import Count, Natural, NotNegative, Options, Positive


@dataclass(frozen=True)
class Recipe(Options):
    """The options that decide the weights.

    Paper section 4.1: Adam, learning rate 1e-4, exponential decay.
    """

    epochs: Count
    batch_size: Count
    """Of a step, of all devices together."""
    learning_rate: Positive = 1e-4
    adam_epsilon: Positive = 1e-8
    """PyTorch's; with unit 1 the landmark losses' gradients come near it.

    It keeps Adam from dividing by nothing, and gradients of its size are learnt from more slowly.
    """
    decay: Annotated[float, ("exclusiveMinimum", 0), ("maximum", 1)] = 0.95
    """Of the learning rate, an epoch."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "32-true"
    """Or bf16-mixed, or auto: bf16 where the hardware does it fast.

    The hardware is that which begins the training.
    """
    devices: Count = 1
    """Part of the result; more: GPUs that share one training.

    Allow as many by --resources gpu=4. They share each batch. GPUs normalise it as one
    (SyncBatchNorm), processes on a CPU each its own share; the loss of each share counts the same,
    however many frames its clips have.
    """
    threads: Count = 1
    """Part of the result: the order of a CPU's sums depends on it."""
    validation: Annotated[float, ("minimum", 0), ("exclusiveMaximum", 1)] = 0.0
    """Fraction of the training clips kept for the validation curve."""
    patience: Count | None = None
    """Stop after so many epochs without a better validation loss."""
    keep: Literal["last", "best"] = "last"
    """The weights of the last epoch, or of the best by validation loss."""
    frames_per_clip: Count | None = None
    """An epoch sees so many frames of every clip; null: all."""
    augment: bool = False
    """Frames in other tones and shapes, and references of the speaker's other clips.

    See `emohead.translator.data`.
    """
    mfcc_offset: NotNegative = 0.0
    """Deviation of a random shift of every clip's MFCC.

    It keeps small data from being learnt by heart; more hides the mean spectrum (its tilt), by
    which MSEF tells emotions (docs/ablations.md). See `emohead.landmarks.data`.
    """

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """A batch that can't be shared out, and a best epoch with nothing to tell it by."""
        if self.batch_size % self.devices:
            yield (
                "batch_size",
                f"is {self.batch_size}, which can't be shared out evenly to {self.devices} devices "
                "(train.devices): take a multiple",
            )
        if self.validation == 0 and self.wants_best_epoch:
            yield (
                "validation",
                "is 0, and keep: best and patience go by the loss on the clips that it holds out: "
                "raise it, or set them to last and null",
            )

    @property
    def wants_best_epoch(self) -> bool:
        """Whether the validation loss decides something."""
        return self.keep == "best" or self.patience is not None

    def without_end(self) -> dict[str, Any]:
        """All that decides an epoch's weights: not `epochs` and `patience`, which say when to end.

        Trainings that differ in these alone are the same as far as both go.
        """
        return {k: v for k, v in asdict(self).items() if k not in ("epochs", "patience")}


@dataclass(frozen=True)
class Runtime(Options):
    """The options that decide a training's speed, and at most the last digits of its weights.

    It may change at any time, in the middle of a training too.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """cpu, cuda or auto."""
    compile: Literal["auto", True, False] = "auto"
    """By torch; auto: on a GPU, where that works. Every length of a clip would be compiled anew."""
    workers: Natural | Literal["auto"] = "auto"
    """Processes that prepare batches; auto: on a GPU up to 8, else none."""
    checkpoint_minutes: NotNegative = 5.0
    """A killed training goes on from its last checkpoint, inside an epoch too."""
    checkpoint_storage: str | None = None
    """A folder's URL, as s3://bucket/folder: checkpoints go there, too.

    A machine without a state of its own goes on from them. With object storage the rules name a
    folder there.
    """
