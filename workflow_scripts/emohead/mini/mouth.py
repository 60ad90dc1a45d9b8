"""What is seen between open lips: darkness, tongue and teeth."""

import cv2
import numpy as np

from emohead.mini.control_points import INTEROCULAR
from emohead.mini.visemes import MouthShape
from emohead.mini.warping import Box

_DARK = np.array([58, 22, 20], np.float32)
_TONGUE = np.array([142, 70, 66], np.float32)
#: The photo's teeth are lit by a flash; those of an open mouth lie in the shade.
_TEETH_TINT = np.array([1.08, 1.0, 0.88], np.float32)
#: Exponents of the light per colour: shadows inside a mouth are reddish.
_SHADOW_TINT = np.array([0.75, 1.1, 1.2], np.float32)
_TEETH_WIDTH = 0.66 * INTEROCULAR
_UPPER_TEETH_HEIGHT, _LOWER_TEETH_HEIGHT = 0.165 * INTEROCULAR, 0.09 * INTEROCULAR


def mouth_interior(
    box: Box,
    upper_lip: np.ndarray,
    lower_lip: np.ndarray,
    skull: np.ndarray,
    mouth: MouthShape,
    teeth: np.ndarray,
) -> np.ndarray:
    """The inside of the mouth, float32 [H, W, 3] on the box.

    `upper_lip` and `lower_lip` are the inner edges [K, 2]; `skull` (x, y) is where the middle of
    the closed lips would be: upper teeth keep to it, lower teeth and tongue ride on the lower lip.
    """
    x, y = box.pixels()
    lower_y, upper_y = lower_lip[:, 1].max(), upper_lip[:, 1].min()
    interior = np.broadcast_to(_DARK, (box.size[1], box.size[0], 3))

    tongue_half_height = 0.13 * INTEROCULAR + 3 * mouth.tongue
    distance = ((x - skull[0]) / (0.26 * INTEROCULAR)) ** 2 + (
        (y - (lower_y + 2 - 1.5 * mouth.tongue)) / tongue_half_height
    ) ** 2
    tongue = 0.85 * np.clip(1.3 - distance, 0, 1)[..., None]
    interior = interior * (1 - tongue) + _TONGUE * tongue

    lower_top = lower_y - 0.5 - 0.8 * min(mouth.open, 1)
    image, cover = _row_of_teeth(
        0.62 * teeth[::-1], box, skull[0], lower_top, 0.8 * _TEETH_WIDTH, _LOWER_TEETH_HEIGHT
    )
    interior = interior * (1 - 0.8 * cover) + image * 0.8 * cover
    upper_top = skull[1] - 0.125 * INTEROCULAR
    image, cover = _row_of_teeth(teeth, box, skull[0], upper_top, _TEETH_WIDTH, _UPPER_TEETH_HEIGHT)
    interior = interior * (1 - cover) + image * cover

    # Darker under the upper lip, in the corners, and when little light gets in.
    below_lip = y - np.interp(x[0], upper_lip[:, 0], upper_lip[:, 1])[None]
    light = 0.62 + 0.38 * np.clip(below_lip / (0.08 * INTEROCULAR), 0, 1)
    light = light * np.clip(0.65 + 0.35 * (lower_y - upper_y) / 5, 0.65, 1)
    centre, half_width = (upper_lip[0, 0] + upper_lip[-1, 0]) / 2, np.ptp(upper_lip[:, 0]) / 2
    light = light * np.clip(1.15 - np.abs((x - centre) / half_width) ** 2.5, 0.15, 1)
    return (interior * light[..., None] ** _SHADOW_TINT).astype(np.float32)


def _row_of_teeth(
    texture: np.ndarray, box: Box, middle: float, top: float, width: float, height: float
) -> tuple[np.ndarray, np.ndarray]:
    """Teeth [H, W, 3] and where they cover the rest [H, W, 1], fading towards the sides."""
    rows, columns = texture.shape[:2]
    placement = np.float32([
        [width / columns, 0, middle - width / 2 - box.left],
        [0, height / rows, top - box.top],
    ])  # fmt: skip
    image = cv2.warpAffine(
        texture * _TEETH_TINT, placement, box.size, borderMode=cv2.BORDER_REPLICATE
    )
    cover = cv2.warpAffine(np.ones((rows, columns), np.float32), placement, box.size)
    cover = cv2.GaussianBlur(cover, (0, 0), 0.5)
    x, _ = box.pixels()
    cover = cover * np.clip(1 - np.abs((x - middle) / (width / 2)) ** 4, 0, 1)
    return image, cover[..., None]
