"""Facial action units (Ekman & Friesen's FACS) as movements of control points, and emotions.

The emotions' units follow the usual prototypes of the FACS literature; the amplitudes were set by
eye on the two portraits.
"""

from dataclasses import dataclass, field

import numpy as np

from emohead.mini.control_points import FACE_POINTS, INTEROCULAR

#: Groups of points as (image-left side, image-right side).
_GROUPS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "inner brow": ((21,), (22,)),
    "mid brow": ((20,), (23,)),
    "outer-mid brow": ((19,), (24,)),
    "outer brow": ((18, 17), (25, 26)),
    "upper lid": ((37, 38), (43, 44)),
    "lower lid": ((40, 41), (46, 47)),
    "outer eye corner": ((36,), (45,)),
    "nose wing": ((31, 32), (35, 34)),
    "lip corner": ((48, 60), (54, 64)),
    "beside corner": ((49, 59, 68, 70), (53, 55, 69, 71)),
    "upper outer lip": ((49,), (53,)),
    "lower outer lip": ((59,), (55,)),
    "lip quarter": ((50, 58, 61, 67), (52, 56, 63, 65)),
    "upper lip side": ((49, 50, 61, 68), (53, 52, 63, 69)),
    "upper lip middle": ((51, 62), (51, 62)),
    "upper lip edge": ((50, 51), (52, 51)),
    "lower lip edge": ((58, 57), (56, 57)),
    "inner upper lip": ((61, 62, 68), (63, 62, 69)),
    "inner lower lip": ((67, 66, 70), (65, 66, 71)),
    "cheek": ((72,), (73,)),
    "mouth side": ((74,), (75,)),
    "nasolabial": ((76,), (77,)),
    "jowl": ((78,), (79,)),
    "chin boss": ((80,), (80,)),
    "glabella": ((81,), (81,)),
}

#: Per unit: group, outward and downward movement in interocular distances at weight 1. Points in
#: the middle belong to both sides and take the mean of the two.
_MOVES: dict[str, tuple[tuple[str, float, float], ...]] = {
    "AU1": (("inner brow", 0, -0.105), ("mid brow", 0, -0.07), ("outer-mid brow", 0, -0.03)),
    "AU2": (
        ("outer brow", 0, -0.085), ("outer-mid brow", 0, -0.10), ("mid brow", 0, -0.065),
        ("inner brow", 0, -0.02),
    ),
    "AU4": (
        ("inner brow", -0.055, 0.085), ("mid brow", -0.035, 0.07),
        ("outer-mid brow", -0.01, 0.045), ("outer brow", 0, 0.01), ("glabella", 0, 0.05),
    ),
    "AU5": (("upper lid", 0, -0.04),),
    "AU6": (
        ("lower lid", 0, -0.022), ("cheek", 0, -0.07), ("nasolabial", 0.01, -0.03),
        ("outer eye corner", 0, 0.008),
    ),
    "AU7": (("lower lid", 0, -0.03), ("upper lid", 0, 0.018)),
    "AU9": (
        ("nose wing", 0.012, -0.055), ("inner brow", -0.02, 0.05), ("cheek", 0, -0.045),
        ("nasolabial", 0, -0.045),
    ),
    "AU10": (
        ("upper lip side", 0, -0.06), ("upper lip middle", 0, -0.06), ("nose wing", 0.008, -0.025),
    ),
    "AU12": (
        ("lip corner", 0.105, -0.085), ("beside corner", 0.06, -0.045),
        ("lip quarter", 0.02, -0.006), ("nasolabial", 0.05, -0.055), ("mouth side", 0.025, -0.05),
        ("jowl", 0.03, -0.02),
    ),
    "AU14": (
        ("lip corner", 0.07, -0.045), ("beside corner", 0.03, -0.02), ("nasolabial", 0.03, -0.02),
    ),
    "AU15": (
        ("lip corner", -0.005, 0.085), ("beside corner", 0, 0.038), ("mouth side", 0, 0.03),
        ("jowl", 0, 0.04),
    ),
    "AU17": (
        ("chin boss", 0, -0.03), ("lower lip edge", 0, -0.03), ("inner lower lip", 0, -0.02),
        ("inner upper lip", 0, -0.012),
    ),
    "AU20": (
        ("lip corner", 0.095, 0.025), ("beside corner", 0.05, 0.01), ("mouth side", 0.03, 0.01),
    ),
    "AU23": (
        ("upper lip edge", 0, 0.02), ("lower lip edge", 0, -0.03), ("upper outer lip", 0, 0.012),
        ("lower outer lip", 0, -0.016), ("lip corner", -0.02, 0), ("beside corner", -0.013, 0),
        ("lip quarter", -0.006, 0),
    ),
}  # fmt: skip

ACTION_UNITS = tuple(_MOVES)


def action_unit_basis() -> np.ndarray:
    """Movement of the face's points in pixels per unit weight, [units, 2 sides, 93, 2].

    Side 0 is the left of the image. Both sides at the same weight are the symmetrical movement.
    """
    basis = np.zeros((len(_MOVES), 2, FACE_POINTS, 2))
    for u, moves in enumerate(_MOVES.values()):
        for group, outward, down in moves:
            left, right = _GROUPS[group]
            for side, sign, points in ((0, -1, left), (1, 1, right)):
                for point in points:
                    shared = point in left and point in right
                    basis[u, side, point] += (0, down / 2) if shared else (sign * outward, down)
    return basis * INTEROCULAR


@dataclass(frozen=True)
class Expression:
    """An emotion's face at level 3, at the apex.

    `units` are weights of action units, one number or (left, right). Angles in degrees (pitch
    down, roll clockwise), `nearer` a relative growth, `mouth_open` and `lids` (closure) in 0..1,
    `flush` the reddening (negative: pallor).
    """

    units: dict[str, float | tuple[float, float]] = field(default_factory=dict)
    mouth_open: float = 0.0
    lids: float = 0.0
    flush: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    nearer: float = 0.0

    def unit_weights(self) -> np.ndarray:
        """The weights of ACTION_UNITS, [units, 2 sides]."""
        weights = np.zeros((len(ACTION_UNITS), 2))
        for unit, weight in self.units.items():
            weights[ACTION_UNITS.index(unit)] = weight
        return weights


EXPRESSIONS: dict[str, Expression] = {
    "angry": Expression(
        {"AU4": 1.0, "AU5": 0.25, "AU7": 0.9, "AU9": 0.3, "AU23": 0.9, "AU15": 0.45, "AU17": 0.3},
        flush=0.5, pitch=1.5, nearer=0.012,
    ),
    "contempt": Expression(
        {"AU12": (0, 0.5), "AU14": (0, 1.0), "AU2": (0, 0.4), "AU4": (0.3, 0), "AU17": 0.35},
        lids=0.28, pitch=-2.2, roll=2.2,
    ),
    "disgusted": Expression(
        {"AU9": 1.0, "AU10": 0.95, "AU4": 0.45, "AU7": 0.65, "AU15": 0.35, "AU17": 0.5},
        lids=0.1, pitch=-1.2, yaw=1.5,
    ),
    "fear": Expression(
        {"AU1": 1.0, "AU2": 0.45, "AU4": 0.55, "AU5": 1.0, "AU20": 0.9},
        mouth_open=0.10, flush=-0.5, pitch=-0.8, nearer=-0.012,
    ),
    "happy": Expression(
        {"AU6": 0.9, "AU12": 1.0, "AU10": 0.12}, mouth_open=0.20, flush=0.3, pitch=-0.6
    ),
    "neutral": Expression(),
    "sad": Expression(
        {"AU1": 1.0, "AU4": 0.45, "AU15": 1.0, "AU17": 0.55},
        lids=0.25, flush=-0.25, pitch=2.0, roll=-1.2,
    ),
    "surprised": Expression({"AU1": 1.0, "AU2": 1.0, "AU5": 1.0}, mouth_open=0.32, pitch=-1.4),
}  # fmt: skip
