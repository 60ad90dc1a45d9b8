"""Loads a translator from its checkpoint, without the trainer."""

from emohead.training.checkpoint import Checkpoint
from emohead.translator.options import TranslatorOptions
from emohead.translator.unet import UNet, build_translator


def restore_translator(checkpoint: Checkpoint) -> UNet:
    """The trained translator of a checkpoint, ready to render."""
    model = build_translator(TranslatorOptions(**checkpoint.options))
    model.load_state_dict(checkpoint.weights)
    return model.eval()
