"""Thin-plate spline warps of the canvas (Bookstein 1989), backward and on boxes."""

from dataclasses import dataclass

import cv2
import numpy as np

from emohead.mini.control_points import CANVAS

#: The spline is evaluated at every fourth pixel and interpolated between: it is smooth.
_STEP = 4
#: Nodes beyond the box on every side, for the cubic interpolation.
_MARGIN = 2
#: Added to the kernel's diagonal; lets hand-set points miss by a fraction of a pixel.
_RIDGE = 0.5


@dataclass(frozen=True)
class Box:
    """Pixels [top, bottom) x [left, right) of the canvas."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, points: np.ndarray, margin: int) -> "Box":
        """The smallest box with this margin about points [K, 2], cut at the canvas."""
        low = np.clip(np.floor(points.min(0)).astype(int) - margin, 0, CANVAS - 1)
        high = np.clip(np.ceil(points.max(0)).astype(int) + margin + 1, low + 1, CANVAS)
        return cls(int(low[0]), int(low[1]), int(high[0]), int(high[1]))

    @property
    def window(self) -> tuple[slice, slice]:
        """The index of the box in an image."""
        return np.s_[self.top : self.bottom, self.left : self.right]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, as OpenCV orders them."""
        return self.right - self.left, self.bottom - self.top

    def within(self, outer: "Box") -> tuple[slice, slice]:
        """The index of the box in an image of `outer`."""
        return np.s_[
            self.top - outer.top : self.bottom - outer.top,
            self.left - outer.left : self.right - outer.left,
        ]

    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """x float32 [1, W] and y float32 [H, 1] of the pixels."""
        x = np.arange(self.left, self.right, dtype=np.float32)[None]
        y = np.arange(self.top, self.bottom, dtype=np.float32)[:, None]
        return x, y


WHOLE_CANVAS = Box(0, 0, CANVAS, CANVAS)


def backward_field(targets: np.ndarray, sources: np.ndarray, box: Box) -> np.ndarray:
    """For every pixel of the box the place on the photo that it shows, float32 [H, W, 2].

    The spline takes each target point [N, 2] to its source point [N, 2].
    """
    n = len(targets)
    centred = targets - CANVAS / 2
    system = np.zeros((n + 3, n + 3))
    squared = np.maximum(_squared_distances(centred, centred), 1e-9)
    system[:n, :n] = squared * np.log(squared) / 2 + _RIDGE * np.eye(n)
    system[:n, n] = system[n, :n] = 1
    system[:n, n + 1 :] = centred
    system[n:, :n] = system[:n, n:].T
    shifts = np.vstack([sources - targets, np.zeros((3, 2))])
    weights = np.linalg.solve(system, shifts).astype(np.float32)

    # Nodes lie where cv2.resize expects the centres of cells that are _STEP pixels wide.
    columns = -(-box.size[0] // _STEP) + 2 * _MARGIN
    rows = -(-box.size[1] // _STEP) + 2 * _MARGIN
    offset = _STEP / 2 - 0.5 - _MARGIN * _STEP - CANVAS / 2
    x = (box.left + offset + _STEP * np.arange(columns)).astype(np.float32)
    y = (box.top + offset + _STEP * np.arange(rows)).astype(np.float32)
    nodes = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    kernel = _squared_distances(nodes, centred.astype(np.float32))
    np.maximum(kernel, 1e-4, out=kernel)
    kernel *= np.log(kernel)
    kernel *= 0.5
    field = kernel @ weights[:n] + weights[n] + nodes @ weights[n + 1 :]
    dense = cv2.resize(
        field.reshape(rows, columns, 2), None, fx=_STEP, fy=_STEP, interpolation=cv2.INTER_CUBIC
    )
    first = _MARGIN * _STEP
    field = dense[first : first + box.size[1], first : first + box.size[0]]
    x, y = box.pixels()
    # Added only now: OpenCV's cubic does not reproduce a ramp exactly.
    field[..., 0] += x
    field[..., 1] += y
    return field


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    distances = a @ (-2 * b.T)
    distances += (a * a).sum(1)[:, None]
    distances += (b * b).sum(1)
    return distances


def look_up(image: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The image float32 [256, 256, 3] at the places of a field [H, W, 2], as float32 [H, W, 3]."""
    return cv2.remap(
        image, field[..., 0].copy(), field[..., 1].copy(), cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
