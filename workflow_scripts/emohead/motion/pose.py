"""The head's pose in six numbers, from landmarks: what Audio2Head predicts from sound first."""

import cv2
import numpy as np

from emohead.features.average_head import HEAD, RIGID

#: Audio2Head's camera: its focal length in pixels of a picture of 256, the axis in the middle.
_FOCAL = 233.33 / 256
#: Its box: half the sides of two squares, and how far behind the head's middle they are, in cm.
_SQUARES = ((7.5, 0.0), (10.0, 10.0))
_CORNERS = ((-1, -1), (-1, 1), (1, 1), (1, -1))
#: Its lines' width, as a part of a picture's side; and the nearest depth that is drawn, in cm.
_LINE, _NEAREST = 2 / 256, 1.0


def head_poses(landmarks: np.ndarray, size: int) -> np.ndarray:
    """Rotation vectors (radians) and translations (average head's centimetres): float32 [T, 6].

    The pose of landmarks [T, 68, 2] in pixels of a picture of `size`, by OpenCV's solvePnP on the
    points that speaking doesn't move, each frame from the one before.
    """
    # OpenCV looks along z with y down, the head looks against z with y up.
    head = (HEAD - HEAD.mean(axis=0)) * [1.0, -1.0, -1.0]
    turn, shift = np.zeros((3, 1)), np.array([[0.0], [0.0], [20.0]])
    poses = []
    for points in np.ascontiguousarray(landmarks[:, RIGID], float):
        _, turn, shift = cv2.solvePnP(
            head, points, _camera(size), None, turn.copy(), shift.copy(), useExtrinsicGuess=True
        )
        poses.append(np.concatenate([turn, shift])[:, 0])
    return np.array(poses, np.float32)


def pose_picture(pose: np.ndarray, size: int) -> np.ndarray:
    """Audio2Head's picture of a pose [6], as `head_poses` gives it: uint8 [size, size].

    A white box of wire on black, whose squares are before and behind each other.
    """
    box = np.array([(half * x, half * y, z) for half, z in _SQUARES for x, y in _CORNERS])
    placed = box @ cv2.Rodrigues(np.asarray(pose[:3], float))[0].T + pose[3:]
    placed[:, 2] = placed[:, 2].clip(min=_NEAREST)
    seen = placed @ _camera(size).T
    corners = (seen[:, :2] / seen[:, 2:]).clip(-size, 2 * size).reshape(2, 4, 2)
    lines = [*corners, *corners.swapaxes(0, 1)]  # both squares, and from one to the other
    picture = np.zeros((size, size), np.uint8)
    shift = 4  # binary places of a pixel
    cv2.polylines(
        picture, [np.round(line * 2**shift).astype(np.int32) for line in lines], isClosed=True,
        color=255, thickness=max(1, round(_LINE * size)), lineType=cv2.LINE_AA, shift=shift,
    )  # fmt: skip
    return picture


def _camera(size: int) -> np.ndarray:
    """Audio2Head's, for pictures of `size`."""
    middle = (size - 1) / 2
    return np.array([[_FOCAL * size, 0, middle], [0, _FOCAL * size, middle], [0, 0, 1]])
