"""CPBD: how much of a picture's edges look sharp, without a picture to compare it with.

Narvekar and Karam 2011, "A No-Reference Image Blur Metric Based on the Cumulative Probability of
Blur Detection (CPBD)", with the edges, widths and constants of their program `CPBD_compute.m`
(release 1.0). One deviation: a block has edges by the Sobel edges, which are there anyway, and not
by Canny's, as in the Python port of it (python-cpbd 1.0.7) too.
"""

import cv2
import numpy as np

_BLOCK = 64
# A block with at most this share of edge pixels is smooth, and left out.
_EDGE_SHARE = 0.002
# The edge width that is just noticed as blur, in blocks of contrast up to 50 and above.
_LOW_CONTRAST = 50
_WIDTH_JNB_LOW, _WIDTH_JNB_HIGH = 5, 3
# Sobel's answer (in eighths of a grey level a pixel) up to which there is no edge.
_NO_EDGE = 2 * 8
# An edge is followed this far.
_MAX_REACH = 100


def cpbd(grey: np.ndarray) -> float:
    """CPBD of a grey picture, uint8 [H, W]: 0 (blurred) to 1 (sharp); 0 for one without edges.

    Blur is detected at an edge of width w with P_BLUR = 1 - exp(-|w / w_JNB|^beta) (eq. 2); CPBD
    is the share of edges with P_BLUR <= P_JNB = 63 % (eq. 5). That is 1 - 1/e, and so the share of
    edges with w <= w_JNB, whatever beta.
    """
    edges = vertical_edges(grey)
    rows, columns = grey.shape[0] // _BLOCK, grey.shape[1] // _BLOCK
    inside = np.s_[: rows * _BLOCK, : columns * _BLOCK]

    def blocks(picture: np.ndarray) -> np.ndarray:
        return picture[inside].reshape(rows, _BLOCK, columns, _BLOCK)

    has_edges = blocks(edges).sum((1, 3)) > _EDGE_SHARE * _BLOCK**2
    contrast = blocks(grey).max((1, 3)) - blocks(grey).min((1, 3))
    width_jnb = np.where(contrast <= _LOW_CONTRAST, _WIDTH_JNB_LOW, _WIDTH_JNB_HIGH)
    y, x, width = edge_widths(grey, edges)
    counted = (y < rows * _BLOCK) & (x < columns * _BLOCK)
    y, x, width = y[counted] // _BLOCK, x[counted] // _BLOCK, width[counted]
    width = width[has_edges[y, x]]
    sharp = width <= width_jnb[y, x][has_edges[y, x]]
    return float(sharp.mean()) if len(sharp) else 0.0


def vertical_edges(grey: np.ndarray) -> np.ndarray:
    """Edges across which the picture changes from left to right, bool [H, W], of uint8 [H, W].

    As MATLAB's `edge(picture, 'sobel', 2, 'vertical')`: Sobel's answer to columns, where it is a
    ridge along its row, unless rows answer more, or along its column. None at the border.
    """
    border = cv2.BORDER_REPLICATE
    strength = np.abs(cv2.Sobel(grey, cv2.CV_16S, 1, 0, borderType=border))
    across = np.abs(cv2.Sobel(grey, cv2.CV_16S, 0, 1, borderType=border))[1:-1, 1:-1]
    here = strength[1:-1, 1:-1]
    ridge = (strength[1:-1, :-2] <= here) & (here > strength[1:-1, 2:]) & (here >= across)
    ridge |= (strength[:-2, 1:-1] <= here) & (here > strength[2:, 1:-1])
    edges = np.zeros(grey.shape, bool)
    edges[1:-1, 1:-1] = ridge & (here > _NO_EDGE)
    return edges


def edge_widths(grey: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and widths in pixels, [N] each, of the edges whose gradient is level.

    The width reaches from the local minimum on one side to the maximum on the other (Marziliano et
    al. 2002); level is an angle of at most 22.5 degrees.
    """
    picture = grey.astype(np.int16)
    y, x = np.nonzero(edges)
    slope = picture[y, x + 1] - picture[y, x - 1]
    across = np.abs(picture[y + 1, x] - picture[y - 1, x])
    # No slope along the row counts as level in the original.
    level = (across < np.tan(np.pi / 8) * np.abs(slope)) | (slope == 0)
    y, x, rising = y[level], x[level], np.where(slope[level] < 0, -1, 1)
    # steps[:, x + 1] leads from x to x + 1; beyond the picture nothing rises or falls.
    steps = np.pad(np.sign(np.diff(picture, axis=1)).astype(np.int8), ((0, 0), (1, 1)))
    return y, x, _reach(steps, y, x + 2, rising, 1) + _reach(steps, y, x - 1, rising, -1)


def _reach(
    steps: np.ndarray, rows: np.ndarray, columns: np.ndarray, rising: np.ndarray, way: int
) -> np.ndarray:
    """One and the number of steps with the edge's sign, from those columns on, [N]."""
    reach = np.ones(len(rows), np.int64)
    going = np.arange(len(rows))
    for far in range(_MAX_REACH):
        same = steps[rows[going], columns[going] + way * far] == rising[going]
        going = going[same]
        if not len(going):
            break
        reach[going] += 1
    return reach
