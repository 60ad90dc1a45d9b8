"""All metrics of one clip's landmarks, and of its pictures, by every convention."""

from collections.abc import Iterable

import numpy as np

from emohead.evaluation import landmark_metrics, picture_metrics
from emohead.evaluation.scores import Values
from emohead.evaluation.sharpness import cpbd
from emohead.features.points import LIPS


def landmark_values(ours: np.ndarray, truth: np.ndarray, points: str) -> Values:
    """All metrics of landmarks [T, 68, 2], in crop sizes, that are `redetected` or `predicted`."""
    values: dict[tuple[str, str], float] = {}
    for size in (128, 256):
        a, b = ours * size, truth * size
        for centring in ("centred", "raw"):
            convention, centred = f"{points}/{centring}/{size}", centring == "centred"
            for part, chosen in landmark_metrics.PARTS.items():
                x, y = a[:, chosen], b[:, chosen]
                values[f"{part}_lmd", convention] = landmark_metrics.landmark_distance(
                    x, y, centred=centred
                )
                if part != "jaw":
                    values[f"{part}_lvd", convention] = landmark_metrics.velocity_distance(
                        x, y, centred=centred
                    )
        if points == "redetected" and size == 128:
            values["m_lmd", "atvg_sum"] = landmark_metrics.summed_mouth_distance(a, b)
    values["lip_correlation", points] = landmark_metrics.lip_correlation(ours, truth)
    values["lip_lag", points] = landmark_metrics.lip_lag(ours, truth)
    return values


def boxes_of(true_landmarks: np.ndarray, size: int) -> dict[str, picture_metrics.Box]:
    """What pictures are compared in: a clip's frame, face and mouth, from its landmarks [T, 68, 2].

    The same for all of the clip's frames; landmarks in pixels of a crop of `size`.
    """
    return {
        "frame": picture_metrics.whole_frame(size),
        "face": picture_metrics.box_around(true_landmarks, size),
        "mouth": picture_metrics.box_around(true_landmarks[:, LIPS], size),
    }


def picture_values(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]], boxes: dict[str, picture_metrics.Box]
) -> Values:
    """Means over pairs of a rendered and a true frame, uint8 [S, S, 3], of all that compares them.

    One pair is held at a time. Empty without any pair.
    """
    totals: dict[tuple[str, str], float] = {}

    def add(metric: str, convention: str, value: float) -> None:
        totals[metric, convention] = totals.get((metric, convention), 0.0) + value

    count, last, grey, blur = 0, None, None, 0.0
    for image, truth in pairs:
        count += 1
        similarity = picture_metrics.ssim_map(image, truth)
        for part, box in boxes.items():
            add("ssim", part, picture_metrics.ssim_in(similarity, box))
            add("psnr", part, picture_metrics.psnr(image[box], truth[box]))
        if image is not last:  # a copied reference is one picture again and again
            grey = picture_metrics.legacy_grey(image)
            blur = cpbd(picture_metrics.grey(image))
            last = image
        legacy = picture_metrics.psnr_legacy(grey, picture_metrics.legacy_grey(truth))
        add("psnr_legacy", "grey_wrapped", legacy)
        add("sharpness", "cpbd", blur)
    return {name: total / count for name, total in totals.items()}
