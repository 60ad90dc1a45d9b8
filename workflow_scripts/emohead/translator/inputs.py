"""The picture of the landmarks that a translator sees, by its option `inputs`."""

import numpy as np

from emohead.translator.drawing import draw_areas, draw_landmarks
from emohead.translator.edges import draw_edges


def draw_input(inputs: str, landmarks: np.ndarray, scene: np.ndarray) -> np.ndarray:
    """Landmarks [68, 2], in pixels of the crop, as uint8 [S, S, C], C by DRAWING_CHANNELS.

    `scene` uint8 [S, S, 3] is the frame whose edges are seen outside the face.
    """
    if inputs == "edges":
        return draw_edges(landmarks, scene)
    drawing = draw_landmarks(landmarks, len(scene))
    if inputs == "areas":
        return np.concatenate([drawing, draw_areas(landmarks, len(scene))], axis=2)
    return drawing


def draw_inputs(inputs: str, landmarks: np.ndarray, scene: np.ndarray) -> np.ndarray:
    """Every frame of landmarks [T, 68, 2] before one scene, as `draw_input`: uint8 [T, S, S, C]."""
    return np.stack([draw_input(inputs, points, scene) for points in landmarks])
