"""The options of EVP's disentangler, with EVP's values as defaults."""

from dataclasses import dataclass

from emohead.options import Count, Fraction, Natural, Options


@dataclass(frozen=True)
class DisentanglerOptions(Options):
    """What the disentangler is made of, and the samples that it is trained on."""

    conv_width: Count = 64
    """Of both encoders' first convolution, from which the others follow."""
    content_width: Count = 256
    emotion_width: Count = 128
    decoder_width: Count = 32
    """The decoder's last."""
    pretrain_epochs: Natural = 100
    """The first ones: the emotion encoder and a classifier alone."""
    samples_per_epoch: Count = 10_000
    paired: Fraction = 1.0
    """Of the samples, in two emotions; the others are of any take. EVP: 1."""
