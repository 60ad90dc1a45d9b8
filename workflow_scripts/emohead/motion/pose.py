"""The head's pose in six numbers, from landmarks: what Audio2Head predicts from sound first."""

import cv2
import numpy as np

from emohead.features.average_head import HEAD, RIGID

#: Audio2Head's camera: its focal length in pixels of a picture of 256, the axis in the middle.
_FOCAL = 233.33 / 256


def head_poses(landmarks: np.ndarray, size: int) -> np.ndarray:
    """Rotation vectors (radians) and translations (average head's centimetres): float32 [T, 6].

    Of landmarks [T, 68, 2] in pixels of a picture of `size`; OpenCV's solvePnP on the points that
    speaking doesn't move, each frame from the one before.
    """
    middle = (size - 1) / 2
    camera = np.array([[_FOCAL * size, 0, middle], [0, _FOCAL * size, middle], [0, 0, 1]])
    # OpenCV looks along z with y down, the head looks against z with y up.
    head = (HEAD - HEAD.mean(axis=0)) * [1.0, -1.0, -1.0]
    turn, shift = np.zeros((3, 1)), np.array([[0.0], [0.0], [20.0]])
    poses = []
    for points in np.ascontiguousarray(landmarks[:, RIGID], float):
        _, turn, shift = cv2.solvePnP(
            head, points, camera, None, turn.copy(), shift.copy(), useExtrinsicGuess=True
        )
        poses.append(np.concatenate([turn, shift])[:, 0])
    return np.array(poses, np.float32)
