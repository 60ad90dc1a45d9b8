"""EVP's input of the translator, after vid2vid's for faces: lines, and distances from them.

    0      curves through the landmarks, and Canny's edges of a frame outside the face: of the
           frame to be made at training, of the target video at test
    1-14   L1 distance to each curve

EVP's has the same 15 channels for 106 points. The face is the jaw and its mirror image above the
line between its ends, two thirds as high.
"""

from functools import cache

import cv2
import numpy as np

from emohead.translator.drawing import FRACTION_BITS

#: Points of each curve: jaw, brows, bridge and both sides of the nose's base, lids, outer and inner
#: lips.
CURVES = (
    tuple(range(17)),
    tuple(range(17, 22)), tuple(range(22, 27)),
    tuple(range(27, 31)), (31, 32, 33), (33, 34, 35),
    (36, 37, 38, 39), (39, 40, 41, 36), (42, 43, 44, 45), (45, 46, 47, 42),
    tuple(range(48, 55)), (*range(54, 60), 48),
    tuple(range(60, 65)), (*range(64, 68), 60),
)  # fmt: skip
_JAW = slice(0, 17)
_ABOVE = 2 / 3
# In a frame of 512 pixels one grey level is three pixels of distance.
_GREY_LEVELS = 512 / 3
# Canny's thresholds, and by how much of the picture the face's own outline is kept out.
_LOW, _HIGH, _RIM = 100, 200, 1 / 32
# Lines from one landmark to the next.
_PIECES = 4


def draw_edges(landmarks: np.ndarray, scene: np.ndarray) -> np.ndarray:
    """The 15 channels, uint8 [S, S, 15]; landmarks [68, 2] in pixels, scene uint8 [S, S, 3] RGB."""
    size = len(scene)
    drawn = np.empty((size, size, 1 + len(CURVES)), np.uint8)
    edges = cv2.Canny(cv2.cvtColor(scene, cv2.COLOR_RGB2GRAY), _LOW, _HIGH)
    face = np.rint(face_outline(landmarks)).astype(np.int32)
    cv2.fillPoly(edges, [face], 0)
    cv2.polylines(edges, [face], True, 0, thickness=max(1, round(2 * _RIM * size)))
    for channel, points in enumerate(CURVES, start=1):
        curve = np.rint(_curve_weights(len(points)) @ landmarks[list(points)] * 2**FRACTION_BITS)
        line = np.full((size, size), 255, np.uint8)
        cv2.polylines(line, [curve.astype(np.int32)], False, 0, shift=FRACTION_BITS)
        edges[line == 0] = 255
        if line.all():  # outside the picture
            drawn[..., channel] = 255
            continue
        distance = cv2.distanceTransform(line, cv2.DIST_L1, 3)
        drawn[..., channel] = np.minimum(distance * _GREY_LEVELS / size, 255)
    drawn[..., 0] = edges
    return drawn


def face_outline(landmarks: np.ndarray) -> np.ndarray:
    """The face as a polygon [34, 2]: the jaw, and its mirror image above, two thirds as high."""
    jaw = landmarks[_JAW]
    along = (jaw[-1] - jaw[0]) / np.linalg.norm(jaw[-1] - jaw[0])
    foot = jaw[0] + ((jaw - jaw[0]) @ along)[:, None] * along
    return np.concatenate([jaw, (foot - _ABOVE * (jaw - foot))[::-1]])


@cache
def _curve_weights(points: int) -> np.ndarray:
    """Weights [M, points] of the points of a curve: parabolas through three of them at a time."""
    weights = np.zeros(((points - 1) * _PIECES + 1, points))
    for place, u in enumerate(np.linspace(0, points - 1, len(weights))):
        first = min(int(u) - int(u) % 2, points - 3)
        t = u - first
        weights[place, first : first + 3] = (t - 1) * (t - 2) / 2, t * (2 - t), t * (t - 1) / 2
    return weights
