"""How a model is trained: the config's `train` keys."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Recipe:
    """What decides the weights. Paper section 4.1: Adam, learning rate 1e-4, exponential decay.

    - `batch_size` is that of one step, of all devices together; `decay` multiplies the learning
      rate after every epoch.
    - `precision`: "32-true", "bf16-mixed", or "auto", bf16 where the hardware that begins the
      training does it fast.
    - `devices` share each batch. GPUs normalise it as one (SyncBatchNorm), processes on a CPU each
      its own share; the loss of each share counts the same, however many frames its clips have.
      `threads` are torch's on a CPU: the order of its sums depends on their number.
    - `adam_epsilon` keeps Adam from dividing by nothing. Gradients of its size are learnt from more
      slowly: with `loss.unit` 1 those of the landmark losses come near PyTorch's 1e-8.
    - `validation` is the fraction of the training clips held out; with `patience`, training stops
      after so many epochs without a better validation loss, and `keep` "best" takes the weights of
      the epoch that had the best.
    - `frames_per_clip` is how many frames of each clip an epoch of the translator sees (None: all);
      `augment` shows them as other faces, see `emohead.translator.data`;
      `mfcc_offset` the random shift of a clip's MFCC that the landmark models learn with, see
      `emohead.landmarks.data`.

    Raises ValueError when a batch can't be shared out, or when the best epoch is asked for without
    a validation part to tell it by.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 1e-4
    adam_epsilon: float = 1e-8
    decay: float = 0.95
    precision: Literal["auto", "32-true", "bf16-mixed"] = "32-true"
    devices: int = 1
    threads: int = 1
    validation: float = 0.0
    patience: int | None = None
    keep: Literal["last", "best"] = "last"
    frames_per_clip: int | None = None
    augment: bool = False
    mfcc_offset: float = 0.0

    def __post_init__(self) -> None:
        if self.batch_size % self.devices:
            raise ValueError(
                f"train.batch_size {self.batch_size} can't be shared out evenly to "
                f"{self.devices} devices (train.devices): take a multiple"
            )
        if self.validation == 0 and self.wants_best_epoch:
            raise ValueError(
                "train.validation is 0, and train.keep: best and train.patience go by the loss on "
                "the clips that it holds out: raise it, or set them to last and null"
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
class Runtime:
    """What decides the speed of a training, and at most the last digits of its weights.

    It may change at any time, in the middle of a training too. `device`; `compile` by torch
    ("auto": on a GPU, where that works); `workers`, processes that prepare batches ("auto": none on
    a CPU, up to 8 on a GPU); `checkpoint_minutes` between two states inside an epoch.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    compile: bool | Literal["auto"] = "auto"
    workers: int | Literal["auto"] = "auto"
    checkpoint_minutes: float = 5.0
