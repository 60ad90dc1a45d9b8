"""Cross-reconstruction: EVP's loss on two emotions' takes of one moment.

    A = (emotion 1, moment w), B = (emotion 2, moment w): their content codes c_A, c_B
    emotion codes e_A, e_B of other moments of the two emotions
    L_self  = |D(c_A, e_A) - A| + |D(c_B, e_B) - B|
    L_cross = |D(c_B, e_A) - A| + |D(c_A, e_B) - B|
    L_con   = |c_A - c_B|
    L_cla   = CE(e_A) + CE(e_B)

Distances are mean absolute differences, of windows in MFCC as they are, and all weights 1, as in
EVP's code (the paper has squares and weights). In standard deviations, a twentieth, L_con would
outweigh them at first and empty the content code.

Its loader and its model don't agree on which window is which: this is the one assignment under
which all seven terms can vanish together. The emotion codes come from other moments, so that they
can't carry the content.
"""

import torch.nn.functional as F
from torch import Tensor


def cross_losses(
    *, rebuilt: Tensor, true: Tensor, content: Tensor, logits: Tensor, emotion: Tensor
) -> dict[str, Tensor]:
    """Return the four losses and their sum, `loss`.

    `rebuilt[:, i, j]` [B, 2, 2, 28, 12] is D(c_i, e_j), `true` [B, 2, 28, 12] A and B, `content`
    [B, 2, C] their codes, `logits` [B, 2, 8] of the emotion codes, `emotion` [B, 2] the true ones.
    """
    error = (rebuilt - true[:, None]).abs().mean(dim=(0, 3, 4))  # the emotion code decides: [i, j]
    losses = {
        "L_self": error[0, 0] + error[1, 1],
        "L_cross": error[0, 1] + error[1, 0],
        "L_con": F.l1_loss(content[:, 0], content[:, 1]),
        "L_cla": 2 * F.cross_entropy(logits.flatten(0, 1), emotion.flatten()),
    }
    return losses | {"loss": sum(losses.values())}
