"""Soft masks of polygons and lines, drawn on a box of the canvas with sub-pixel corners."""

from functools import cache

import cv2
import numpy as np
from scipy.interpolate import CubicSpline

from emohead.mini.warping import Box

#: OpenCV takes corners as integers with this many fractional bits.
_SHIFT = 4
#: Points of a smooth curve.
_SAMPLES = 24


def smooth_curve(points: np.ndarray) -> np.ndarray:
    """A natural cubic spline [24, 2] through points [K, 2]."""
    return _spline_basis(len(points)) @ points


@cache
def _spline_basis(knots: int) -> np.ndarray:
    """The spline's samples are linear in its knots when these are evenly spaced: [24, K]."""
    spline = CubicSpline(np.arange(knots), np.eye(knots), bc_type="natural")
    return spline(np.linspace(0, knots - 1, _SAMPLES))


def polygon_mask(corners: np.ndarray, box: Box, blur: float) -> np.ndarray:
    """1 inside, 0 outside, float32 [H, W, 1]."""
    mask = np.zeros((box.size[1], box.size[0]), np.uint8)
    cv2.fillPoly(mask, [_fixed_point(corners, box)], 255, cv2.LINE_AA, _SHIFT)
    return _soften(mask, blur)


def line_mask(points: np.ndarray, box: Box, blur: float) -> np.ndarray:
    """1 on the line, 0 elsewhere, float32 [H, W, 1]."""
    return lines_mask([(points, 1.0)], box, blur, thickness=1)


def lines_mask(
    lines: list[tuple[np.ndarray, float]], box: Box, blur: float, *, thickness: int
) -> np.ndarray:
    """Lines [K, 2], each at its strength (0..1), then blurred together; float32 [H, W, 1]."""
    mask = np.zeros((box.size[1], box.size[0]), np.uint8)
    for points, strength in lines:
        shade = round(255 * min(max(strength, 0.0), 1.0))
        fixed = _fixed_point(np.asarray(points), box)
        cv2.polylines(mask, [fixed], False, shade, thickness, cv2.LINE_AA, _SHIFT)
    return _soften(mask, blur)


def _fixed_point(points: np.ndarray, box: Box) -> np.ndarray:
    return np.round((points - (box.left, box.top)) * 2**_SHIFT).astype(np.int32)


def _soften(mask: np.ndarray, blur: float) -> np.ndarray:
    return cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), blur)[..., None]
