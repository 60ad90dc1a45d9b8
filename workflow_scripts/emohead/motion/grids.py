"""Places (x, y) in a picture, from -1 to 1 on either axis, at the outer pixels' middles."""

import torch
from torch import Tensor
from torch.nn import functional


def grid(height: int, width: int, like: Tensor) -> Tensor:
    """The place of every pixel, [H, W, 2]."""
    y, x = (
        torch.linspace(-1, 1, size, device=like.device, dtype=torch.float32)
        for size in (height, width)
    )
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1)


def sample(images: Tensor, places: Tensor, padding: str = "zeros") -> Tensor:
    """What images [B, C, H, W] show at places [B, H', W', 2]: [B, C, H', W'], in float32.

    Channels last, as convolutions want them on a CPU.
    """
    with torch.autocast(images.device.type, enabled=False):
        shown = functional.grid_sample(
            images.float(), places.float(), padding_mode=padding, align_corners=True
        )
    return shown.contiguous(memory_format=torch.channels_last)


def turned(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Vectors [..., 2] times matrices [..., 2, 2], in their precision.

    A matrix product would be in bf16 under autocast, which is a quarter of a pixel.
    """
    return (matrices * vectors[..., None, :]).sum(-1)


def product(left: Tensor, right: Tensor) -> Tensor:
    """Matrices [..., 2, 2] times matrices, likewise."""
    return (left[..., None] * right[..., None, :, :]).sum(-2)


def inverse(matrices: Tensor) -> Tensor:
    """The inverses of [..., 2, 2] in closed form, float32; a determinant near 0 is kept off it."""
    (a, b), (c, d) = (row.unbind(-1) for row in matrices.float().unbind(-2))
    determinant = a * d - b * c
    sign = torch.where(determinant < 0, -1.0, 1.0)
    determinant = sign * determinant.abs().clamp(min=1e-3)
    adjugate = torch.stack([d, -b, -c, a], dim=-1).unflatten(-1, (2, 2))
    return adjugate / determinant[..., None, None]


def shrink(images: Tensor, times: int) -> Tensor:
    """Images [B, C, S, S] so many times as small, smoothed before against aliasing.

    First Order Motion's (modules/util.py, AntiAliasInterpolation2d): a Gaussian of standard
    deviation (times - 1) / 2; one pixel in `times` is kept. Borders are repeated, not zero.
    """
    if times == 1:
        return images
    size = images.shape[-1]
    sigma = (times - 1) / 2
    reach = round(4 * sigma)
    offsets = torch.arange(-reach, reach + 1, device=images.device)
    bell = torch.exp(-(offsets / sigma).square() / 2)
    kept = torch.arange(0, size, times, device=images.device)
    columns = (kept[:, None] + offsets).clamp(0, size - 1)  # [S', reach]
    matrix = torch.zeros(len(kept), size, device=images.device)
    matrix.scatter_add_(1, columns, (bell / bell.sum()).expand(len(kept), -1))
    with torch.autocast(images.device.type, enabled=False):
        smaller = matrix @ images.float() @ matrix.T
    return smaller.contiguous(memory_format=torch.channels_last)
