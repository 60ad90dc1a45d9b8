"""What a translator is given of the landmarks, by its option `inputs`."""

import numpy as np

from emohead.translator.drawing import draw_landmarks
from emohead.translator.edges import draw_edges


def draw_input(inputs: str, landmarks: np.ndarray, scene: np.ndarray) -> np.ndarray:
    """Landmarks [68, 2], in pixels of the crop, as uint8 [S, S, 3], or with "edges" [S, S, 15].

    `scene` uint8 [S, S, 3] is the frame whose edges are seen outside the face.
    """
    if inputs == "edges":
        return draw_edges(landmarks, scene)
    return draw_landmarks(landmarks, len(scene))
