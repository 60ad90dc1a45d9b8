"""From what a face does to where its control points lie."""

from dataclasses import dataclass

import numpy as np

from emohead.mini.action_units import ACTION_UNITS, action_unit_basis
from emohead.mini.control_points import (
    CHIN,
    FACE_POINTS,
    INTEROCULAR,
    IRISES,
    LID_CREASES,
    LIP_PAIRS,
    LIPS,
)
from emohead.mini.portraits import Portrait
from emohead.mini.visemes import REST, MouthShape

#: Gap of the inner lips at opening 1.
_WIDEST_GAP = 0.31 * INTEROCULAR
_UPPER_INNER, _UPPER_OUTER = [61, 62, 63, 68, 69], [49, 50, 51, 52, 53]
_LOWER_INNER, _LOWER_OUTER = [65, 66, 67, 70, 71], [55, 56, 57, 58, 59]
#: Share of the jaw's drop that points of the lower face take.
_JAW_SHARE = {
    48: 0.22, 54: 0.22, 60: 0.22, 64: 0.22,
    4: 0.2, 5: 0.42, 6: 0.65, 7: 0.78, 8: 0.80, 9: 0.78, 10: 0.65, 11: 0.42, 12: 0.2,
    CHIN: 0.80, 74: 0.1, 75: 0.1, 78: 0.3, 79: 0.3,
}  # fmt: skip


@dataclass(frozen=True)
class HeadPose:
    """Turn of the head in degrees (pitch down, roll clockwise), growth, shift in pixels."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    nearer: float = 0.0
    dx: float = 0.0
    dy: float = 0.0


_STRAIGHT = HeadPose()


@dataclass(frozen=True)
class FacePose:
    """Everything that one frame shows: `units` [units, 2] are the weights of ACTION_UNITS."""

    units: np.ndarray
    mouth: MouthShape = REST
    jaw: float = 0.0
    lids: float = 0.0  # closure, 0..1
    gaze: tuple[float, float] = (0.0, 0.0)  # pixels
    head: HeadPose = _STRAIGHT
    flush: float = 0.0

    @classmethod
    def at_rest(cls) -> "FacePose":
        """A face that does nothing."""
        return cls(np.zeros((len(ACTION_UNITS), 2)))


class Puppet:
    """A portrait's control points under strings."""

    def __init__(self, portrait: Portrait):
        self.portrait = portrait
        self._basis = action_unit_basis()
        for unit, mobility in portrait.mobility.items():
            self._basis[ACTION_UNITS.index(unit)] *= mobility
        self._depth = portrait.depth()
        self._pivot = np.array([portrait.middle, 205.0])

    def place(self, pose: FacePose) -> np.ndarray:
        """The control points of a pose, [N, 2] in the order of `Portrait.source`."""
        rest = self.portrait.rest
        face = rest[:FACE_POINTS] + np.tensordot(pose.units, self._basis, 2)
        self._move_mouth(face, pose.mouth, pose.jaw)
        for upper, lower in LIP_PAIRS:
            if face[lower, 1] < face[upper, 1] + 0.3:
                seam = (face[lower, 1] + face[upper, 1]) / 2
                face[upper, 1], face[lower, 1] = seam - 0.15, seam + 0.15
        if not self.portrait.has_glasses:
            # Without this a raised brow smears the lashes over the lid.
            for crease, lid, brow in LID_CREASES:
                face[crease] += 0.85 * (face[lid] - rest[lid]) + 0.15 * (face[brow] - rest[brow])
        face[list(IRISES)] += pose.gaze
        points = rest.copy()
        points[:FACE_POINTS] = face
        head = self.portrait.head_points
        points[:head] = self.move_with_head(points[:head], self._depth, pose.head)
        return points

    def move_with_head(
        self, points: np.ndarray, depth: np.ndarray | float, head: HeadPose
    ) -> np.ndarray:
        """Points [K, 2] that lie `depth` pixels before the ears, after the turn of the head."""
        yaw, pitch, roll = np.radians((head.yaw, head.pitch, head.roll))
        turned = points + np.stack([depth * np.sin(yaw), depth * np.sin(pitch)], axis=-1)
        rotation = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        rotated = (turned - self._pivot) @ (rotation.T * (1 + head.nearer))
        return rotated + self._pivot + (head.dx, head.dy)

    def _move_mouth(self, face: np.ndarray, mouth: MouthShape, jaw: float) -> None:
        """Add the speech to face points [93, 2], in place."""
        lips = list(LIPS)
        middle = (self.portrait.rest[48, 0] + self.portrait.rest[54, 0]) / 2
        narrowing = 0.11 * mouth.wide - 0.32 * mouth.round - 0.06 * mouth.open
        face[lips, 0] = middle + (1 + narrowing) * (face[lips, 0] - middle)

        centre = (face[48, 0] + face[54, 0]) / 2
        half_width = 0.97 * (face[54, 0] - face[48, 0]) / 2

        def arch(points: list[int]) -> np.ndarray:
            return np.clip(1 - ((face[points, 0] - centre) / half_width) ** 2, 0, 1) ** 0.75

        gap = mouth.open * _WIDEST_GAP
        face[_UPPER_INNER, 1] -= 0.20 * gap * arch(_UPPER_INNER)
        face[_UPPER_OUTER, 1] -= 0.17 * gap * arch(_UPPER_OUTER)
        face[_LOWER_INNER, 1] += 0.80 * gap * arch(_LOWER_INNER)
        face[_LOWER_OUTER, 1] += 0.78 * gap * (0.85 * arch(_LOWER_OUTER) + 0.15)
        face[list(_JAW_SHARE), 1] += jaw * _WIDEST_GAP * np.array(list(_JAW_SHARE.values()))

        upper_edge, lower_edge = [50, 51, 52], [56, 57, 58]
        # Rounded lips bulge, pressed lips roll in, and for f and v the lower lip goes under the
        # upper teeth.
        face[upper_edge, 1] -= 0.02 * INTEROCULAR * mouth.round
        face[lower_edge, 1] += 0.025 * INTEROCULAR * mouth.round
        face[_UPPER_OUTER, 1] += 0.018 * INTEROCULAR * mouth.press
        face[_LOWER_OUTER, 1] -= 0.022 * INTEROCULAR * mouth.press
        face[[65, 66, 67], 1] -= 0.035 * INTEROCULAR * mouth.tuck
        face[lower_edge, 1] -= 0.05 * INTEROCULAR * mouth.tuck
        face[[61, 62, 63, *upper_edge], 1] -= 0.028 * INTEROCULAR * mouth.tuck
