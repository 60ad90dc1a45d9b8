"""Warps the reference face to other landmarks by a thin-plate spline, batched, differentiable.

Bookstein, "Principal Warps: Thin-Plate Splines and the Decomposition of Deformations", IEEE TPAMI
11(6), 1989; backward, so that every pixel of the frame asks where it lies on the reference face.
Beside the 68 landmarks the spline has points that no landmark model predicts: the crown, which the
head takes along, and the picture's border, of which the upper part follows the head.
"""

import torch
from torch import Tensor
from torch.nn import functional

from emohead.features.points import CALM_POINTS, JAW

# Parts of the crop, in which every face lies at the same place.
_CROWN = (
    (0.203, 0.288), (0.245, 0.175), (0.359, 0.104), (0.500, 0.076), (0.641, 0.104), (0.755, 0.175),
    (0.797, 0.288),
)  # fmt: skip
_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
_BORDER = tuple((x, y) for x in _STEPS for y in _STEPS if {x, y} & {0.0, 1.0})
# How far the border's points follow the head, at the top and at the bottom; the crown is its own.
_TOP_FOLLOWS, _BOTTOM_FOLLOWS = 1.0, 0.0
# The spline is computed at so many nodes along a side, and interpolated between: it is smooth.
_NODES = 33
# Added to the kernel's diagonal: points that meet, such as closed lips, may miss by a little, and
# those of the jaw by more, since dlib's slide along it.
_SLACK, _SLACK_OF_JAW = 6e-5, 6e-3


def with_warped(images: Tensor, target: Tensor, reference: Tensor) -> Tensor:
    """Drawing ++ reference [B, C, S, S], and behind them the warped one: [B, C + 3, S, S].

    `target` and `reference` are landmarks [B, 68, 2] in pixels: where the reference face is to be
    brought, and where it has them itself.
    """
    return torch.cat([images, warp_face(images[:, -3:], target, reference)], dim=1)


def warp_face(face: Tensor, target: Tensor, reference: Tensor) -> Tensor:
    """Faces [B, 3, S, S], their landmarks `reference` brought to `target`: [B, 68, 2] in pixels.

    Computed in float32, also under autocast: a pixel beside is seen.
    """
    size = face.shape[-1]
    face = face.float()
    with torch.autocast(face.device.type, enabled=False):
        target, reference = (points.float() / (size - 1) for points in (target, reference))
        moved, fixed = _other_points(target, reference)
        nodes = _spline(
            torch.cat([target, moved], dim=1),
            torch.cat([reference - target, fixed - moved], dim=1),
        )  # [B, 2, nodes, nodes]
        between = _interpolation(size, face.device)
        places = (between @ (2 * nodes - 1) @ between.T).permute(0, 2, 3, 1)  # [B, S, S, 2]
        made = functional.grid_sample(
            face, places, mode="bicubic", padding_mode="border", align_corners=True
        )  # linear would blur
        # Bicubic weights overshoot. By the batch's extremes, a picture would depend on the others.
        of_picture = {"dim": (1, 2, 3), "keepdim": True}
        return made.clamp(face.amin(**of_picture), face.amax(**of_picture))


def head_motion(reference: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The similarities that bring calm points to calm points: linear [B, 2, 2], shift [B, 1, 2].

    The least squares of landmarks [B, 68, 2]; a point p goes to p @ linear + shift.
    """
    before, after = (points[:, list(CALM_POINTS)] for points in (reference, target))
    middle_before, middle_after = (points.mean(1, keepdim=True) for points in (before, after))
    before, after = before - middle_before, after - middle_after
    along = (before * after).sum((1, 2))
    across = (before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]).sum(1)
    cosine, sine = torch.stack([along, across]) / before.square().sum((1, 2))
    linear = torch.stack([cosine, sine, -sine, cosine], dim=-1).unflatten(-1, (2, 2))
    return linear, middle_after - middle_before @ linear


def follow_at(y: float) -> float:
    """How far a point of the border follows the head, y from 0 (top) to 1 (bottom)."""
    return _TOP_FOLLOWS + (_BOTTOM_FOLLOWS - _TOP_FOLLOWS) * y


def _other_points(target: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """The crown and the border, in the frame and on the reference face, [B, P, 2] each."""
    points = reference.new_tensor(_CROWN + _BORDER)
    follow = reference.new_tensor([1.0] * len(_CROWN) + [follow_at(y) for _, y in _BORDER])[
        :, None
    ]  # [P, 1]
    linear, shift = head_motion(reference, target)
    return points + follow * (points @ linear + shift - points), points.expand(len(target), -1, -1)


def _interpolation(size: int, device: torch.device) -> Tensor:
    """The nodes' weights in linear interpolation at each of `size` pixels of a side: [S, nodes]."""
    pixels = torch.linspace(0, _NODES - 1, size, device=device)[:, None]
    return (1 - (pixels - torch.arange(_NODES, device=device)).abs()).clamp(min=0)


def _spline(points: Tensor, shifts: Tensor) -> Tensor:
    """The nodes' sources, [B, 2, nodes, nodes], by the spline of shifts [B, P, 2] at [B, P, 2].

    The first points are the 68 landmarks.
    """
    batch, count = points.shape[:2]
    slack = torch.full((count,), _SLACK, device=points.device)
    slack[JAW] = _SLACK_OF_JAW
    between = (points[:, :, None] - points[:, None]).square().sum(-1)
    system = points.new_zeros(batch, count + 3, count + 3)
    system[:, :count, :count] = _kernel(between) + torch.diag(slack)
    affine = torch.cat([torch.ones_like(points[..., :1]), points], dim=-1)  # [B, P, 3]
    system[:, :count, count:] = affine
    system[:, count:, :count] = affine.transpose(1, 2)
    weights = torch.linalg.solve(system, functional.pad(shifts, (0, 0, 0, 3)))  # [B, P + 3, 2]

    steps = torch.linspace(0, 1, _NODES, device=points.device)
    across, down = ((steps[:, None] - points[:, None, :, i]).square() for i in (0, 1))
    squared = down[:, :, None] + across[:, None]  # [B, nodes, nodes, P]
    curved = _kernel(squared).flatten(1, 2) @ weights[:, :count]  # [B, N, 2]
    curved = curved.transpose(1, 2).unflatten(-1, (_NODES, _NODES))
    plain, along_x, along_y = weights[:, count:, :, None, None].unbind(1)  # [B, 2, 1, 1] each
    x, y = steps.expand(_NODES, -1), steps[:, None].expand(-1, _NODES)
    return torch.stack([x, y]) + curved + plain + along_x * x + along_y * y


def _kernel(squared: Tensor) -> Tensor:
    """r^2 log r^2 of squared distances."""
    return squared * squared.clamp(min=1e-12).log()
