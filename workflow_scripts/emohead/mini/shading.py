"""Lines and colour that an expression puts on the skin, which moving the photo can't."""

import numpy as np

from emohead.mini.action_units import ACTION_UNITS
from emohead.mini.drawing import lines_mask
from emohead.mini.warping import Box

#: Wrinkles darken green and blue more than red, as skin does.
_WRINKLE_TINT = np.array([0.75, 1.0, 1.05], np.float32)
_FLUSH_TINT = np.array([0.03, -0.05, -0.05], np.float32)

_Lines = list[tuple[np.ndarray, float]]


def shade_expression(
    image: np.ndarray, points: np.ndarray, units: np.ndarray, flush: float, fold_depth: float
) -> None:
    """Draw wrinkles and flush on an image float32 [256, 256, 3], in place.

    `points` are the placed control points, `units` [units, 2] the weights of ACTION_UNITS;
    `fold_depth` scales the nasolabial fold.
    """
    weight = {unit: units[u] for u, unit in enumerate(ACTION_UNITS)}
    wrinkles, folds = _middle_wrinkles(points, weight), _chin_fold(points, weight)
    for side, sign in ((0, -1), (1, 1)):
        one_side = {unit: both[side] for unit, both in weight.items()}
        wrinkles += _eye_and_nose_wrinkles(points, one_side, side, sign)
        folds += _mouth_folds(points, one_side, side, sign, fold_depth)
    wrinkles = [line for line in wrinkles if line[1] > 0.01]
    folds = [line for line in folds if line[1] > 0.01]
    box = Box.around(points[:68], 6)
    gain = np.ones((1, 1, 3), np.float32)
    if wrinkles or folds:
        darkness = lines_mask(wrinkles, box, 1.15, thickness=1)
        darkness = darkness + lines_mask(folds, box, 2.1, thickness=2)
        gain = gain - np.minimum(darkness, 0.6) * _WRINKLE_TINT
    if flush:
        x, y = box.pixels()
        centre = points[[31, 35, 36, 45, 48, 54]].mean(0).astype(np.float32)
        distance = ((x - centre[0]) / 48) ** 2 + ((y - centre[1]) / 45) ** 2
        gain = gain * (1 + np.exp(-(distance**2))[..., None] * (_FLUSH_TINT * np.float32(flush)))
    image[box.window] *= gain


def _middle_wrinkles(points: np.ndarray, weight: dict[str, np.ndarray]) -> _Lines:
    """Forehead lines over raised brows."""
    raised = 0.8 * weight["AU1"].mean() + 0.8 * weight["AU2"].mean()
    between = (points[21] + points[22]) / 2
    arch = np.array([points[18], points[20], between, points[23], points[25]])
    arch += [(4, 2), (0, 1), (0, 0), (0, 1), (-4, 2)]
    return [(arch - (0, height), 0.13 * raised) for height in (7, 11.5)]


def _chin_fold(points: np.ndarray, weight: dict[str, np.ndarray]) -> _Lines:
    strength = weight["AU17"].mean() + 0.4 * weight["AU15"].mean()
    below_lip = points[57] + np.array([(-8, 4.5), (0, 3.5), (8, 4.5)])
    return [(below_lip, 0.25 * strength)]


def _eye_and_nose_wrinkles(
    points: np.ndarray, weight: dict[str, float], side: int, sign: int
) -> _Lines:
    """Frown line, crow's feet and the wrinkles on the bridge of the nose."""
    inner_brow, outer_corner = points[(21, 22)[side]], points[(36, 45)[side]]
    bridge, upper_bridge = points[28], (points[21] + points[22]) / 2
    frown_x = upper_bridge[0] + sign * np.array([4.5, 3.8])
    frown = np.stack([frown_x, inner_brow[1] + np.array([-5, 5])], axis=1)
    return [
        (frown, 0.25 * weight["AU4"] + 0.11 * weight["AU9"]),
        (outer_corner + np.array([(2 * sign, 1), (7 * sign, -1)]), 0.15 * weight["AU6"]),
        (outer_corner + np.array([(2 * sign, 3), (7 * sign, 5)]), 0.15 * weight["AU6"]),
        (bridge + np.array([(3 * sign, -1), (7 * sign, -4)]), 0.30 * weight["AU9"]),
        (bridge + np.array([(3 * sign, 3), (8 * sign, 1)]), 0.25 * weight["AU9"]),
    ]


def _mouth_folds(
    points: np.ndarray, weight: dict[str, float], side: int, sign: int, fold_depth: float
) -> _Lines:
    """Nasolabial fold and the dimple beside the corner of the mouth."""
    wing, corner = points[(31, 35)[side]], points[(48, 54)[side]]
    depth = (
        0.55 * weight["AU12"] + 0.5 * weight["AU10"] + 0.4 * weight["AU9"]
        + 0.35 * weight["AU14"] + 0.2 * weight["AU15"]
    )  # fmt: skip
    top = wing + np.array([3 * sign, -3])
    bottom = corner + np.array([6 * sign, -1 + 4 * weight["AU15"]])
    nasolabial = np.array([top, (top + bottom) / 2 + (3.5 * sign, -1), bottom])
    dimple = corner + np.array([(3 * sign, -3), (4 * sign, 3)])
    return [
        (nasolabial, 0.30 * fold_depth * depth),
        (dimple, 0.30 * weight["AU14"] + 0.15 * weight["AU12"]),
    ]
