"""SSIM and PSNR of rendered frames against the true ones, of whole frames and of boxes in them.

Pictures are uint8 [S, S, 3] RGB.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from emohead.evaluation.scores import Values
from emohead.evaluation.sharpness import cpbd
from emohead.features.points import LIPS

#: Rows and columns of a part of the frame.
Box = tuple[slice, slice]

#: SSIM's window is so many pixels wide; a box is at least as large.
WINDOW = 7
# Of the crop, on each side of the box around a clip's points.
_MARGIN = 0.05
# ATVG's script compares frames of this size.
_LEGACY_SIZE = 256


def picture_values(pairs: Iterable[tuple[np.ndarray, np.ndarray]], boxes: dict[str, Box]) -> Values:
    """Means of all picture metrics over pairs of a rendered and a true frame, uint8 [S, S, 3].

    One pair is held at a time. Empty without any pair.
    """
    totals: dict[tuple[str, str], float] = {}

    def add(metric: str, convention: str, value: float) -> None:
        totals[metric, convention] = totals.get((metric, convention), 0.0) + value

    count, last, wrapped, blur = 0, None, None, 0.0
    for image, truth in pairs:
        count += 1
        similarity = ssim_map(image, truth)
        for part, box in boxes.items():
            add("ssim", part, ssim_in(similarity, box))
            add("psnr", part, psnr(image[box], truth[box]))
        if image is not last:  # a copied reference is one picture again and again
            wrapped = legacy_grey(image)
            blur = cpbd(grey(image))
            last = image
        legacy = psnr_legacy(wrapped, legacy_grey(truth))
        add("psnr_legacy", "grey_wrapped", legacy)
        add("sharpness", "cpbd", blur)
    return {name: total / count for name, total in totals.items()}


def boxes_of(true_landmarks: np.ndarray, size: int) -> dict[str, Box]:
    """Boxes of a clip's frame, face and mouth, from its landmarks [T, 68, 2].

    The same for all of the clip's frames; landmarks in pixels of a crop of `size`.
    """
    return {
        "frame": whole_frame(size),
        "face": box_around(true_landmarks, size),
        "mouth": box_around(true_landmarks[:, LIPS], size),
    }


def box_around(points: np.ndarray, size: int) -> Box:
    """The box around points [T, N, 2] (x, y) of a clip, in a crop of `size` pixels.

    5 % of the crop wider on each side.
    """
    low = np.floor(points.min((0, 1)) - _MARGIN * size).astype(int).clip(0, size - WINDOW)
    high = np.ceil(points.max((0, 1)) + _MARGIN * size).astype(int).clip(low + WINDOW, size)
    return slice(low[1], high[1]), slice(low[0], high[0])


def whole_frame(size: int) -> Box:
    """All of a frame."""
    return slice(0, size), slice(0, size)


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB, RGB, data range 255; infinite for equal pictures.

    As scikit-image's `peak_signal_noise_ratio`, from the exact whole-number sum of squares: 15
    times as fast.
    """
    return _decibels(cv2.norm(image, truth, cv2.NORM_L2SQR) / image.size)


def psnr_legacy(image: np.ndarray, truth: np.ndarray) -> float:
    """ATVG's PSNR in dB (`code/evaluation_matrix.py`), of grey pictures uint8 [S, S].

    The difference and its square wrap round in 8 bits, so that a difference of 16 counts as none,
    and pictures that have nothing in common get about 27.9 dB. Infinite where the mean is zero
    (ATVG: 100).
    """
    difference = image - truth
    return _decibels((difference * difference).mean())


def legacy_grey(image: np.ndarray) -> np.ndarray:
    """A frame as `psnr_legacy` wants it: grey, uint8 [256, 256], resized by area."""
    size = (_LEGACY_SIZE, _LEGACY_SIZE)
    if image.shape[:2] != size:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return grey(image)


def grey(image: np.ndarray) -> np.ndarray:
    """Luma (ITU-R 601) of a frame, uint8 [S, S]."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def ssim_map(image: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Structural similarity (Wang et al. 2004) around every pixel, float64 [S, S, 3].

    As scikit-image's `structural_similarity(channel_axis=2, data_range=255, full=True)`, within
    1e-10, ten times as fast: 7x7 uniform window, sample covariance. Sums over a window of whole
    numbers are exact in floating point, and means and covariances share the factors that cancel:
    with n = 49, n^2 mean_x mean_y = sum_x sum_y and n (n - 1) cov_xy = n sum_xy - sum_x sum_y.
    The outermost 3 pixels of the map mean little; `ssim_in` leaves them out.
    """
    n = WINDOW**2
    # K_1 = .01 and K_2 = .03 of the range, times those factors.
    c_1, c_2 = (0.01 * 255) ** 2 * n**2, (0.03 * 255) ** 2 * n * (n - 1)
    sum_x, sum_y = _window_sums(image), _window_sums(truth)
    sum_xy = _window_sums(cv2.multiply(image, truth, dtype=cv2.CV_64F))
    sum_squares = _window_sums_of_squares(image)
    sum_squares += _window_sums_of_squares(truth)
    # In place: half of the time goes into moving memory.
    means = sum_x * sum_y
    means *= 2
    sum_x *= sum_x
    sum_y *= sum_y
    squared_means = np.add(sum_x, sum_y, out=sum_x)
    sum_xy *= 2 * n
    covariance = np.subtract(sum_xy, means, out=sum_xy)
    sum_squares *= n
    variances = np.subtract(sum_squares, squared_means, out=sum_squares)
    means += c_1
    covariance += c_2
    squared_means += c_1
    variances += c_2
    means *= covariance
    squared_means *= variances
    return np.divide(means, squared_means, out=means)


def ssim_in(similarity: np.ndarray, box: Box) -> float:
    """Mean of an `ssim_map` over a box, where the window lies inside the picture."""
    edge = WINDOW // 2
    rows, columns = (
        slice(max(side.start, edge), min(side.stop, length - edge))
        for side, length in zip(box, similarity.shape, strict=False)
    )
    return float(similarity[rows, columns].mean())


def _window_sums(image: np.ndarray) -> np.ndarray:
    return cv2.boxFilter(image, cv2.CV_64F, (WINDOW, WINDOW), normalize=False)


def _window_sums_of_squares(image: np.ndarray) -> np.ndarray:
    return cv2.sqrBoxFilter(image, cv2.CV_64F, (WINDOW, WINDOW), normalize=False)


def _decibels(mean_square: float) -> float:
    return float("inf") if mean_square == 0 else float(10 * np.log10(255**2 / mean_square))
