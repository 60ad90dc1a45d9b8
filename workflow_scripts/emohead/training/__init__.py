"""One trainer for both stages: Adam with exponential decay, on Lightning Fabric, resumable.

Fabric brings devices, precisions and processes; the loop is our own (`loop.py`), since a training
that is killed inside an epoch must go on as if nothing had happened. Lightning's Trainer resumes
there without the epoch's running means, and its loader workers begin before it says which epoch.
"""

from emohead.training.batches import EpochLoader, SeededShuffle
from emohead.training.checks import Diverged
from emohead.training.loop import Fitted, fit
from emohead.training.machine import Machine, choose_machine
from emohead.training.options import Recipe, Runtime
from emohead.training.state import save_training, training_state
from emohead.training.task import TrainingTask

__all__ = [
    "Diverged",
    "EpochLoader",
    "Fitted",
    "Machine",
    "Recipe",
    "Runtime",
    "SeededShuffle",
    "TrainingTask",
    "choose_machine",
    "fit",
    "save_training",
    "training_state",
]
