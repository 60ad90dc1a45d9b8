"""The crop's frames put back into the picture that the crop was cut from."""

import cv2
import numpy as np

from emohead.features.faces import crop_region, shrink
from emohead.generate.portrait import Portrait

# Along the crop's border the picture fades into the frame, over this part of the crop's side.
_SEAM = 0.12


class Paster:
    """Puts frames into a portrait's picture, with a soft seam along the border of the crop.

    Everything that is the same for every frame is made once.
    """

    def __init__(self, portrait: Portrait):
        crop_size = len(portrait.crop)
        height, width = portrait.picture.shape[:2]
        x0, y0, x1, y1 = crop_region(portrait.transform, crop_size, width, height)
        self._picture, self._place = portrait.picture, np.s_[y0:y1, x0:x1]
        self._below = np.ascontiguousarray(portrait.picture[self._place])
        to_crop = portrait.transform.astype(float)
        to_crop[:, 2] += to_crop[:, :2] @ (x0, y0)
        # A crop larger than its place is shrunk by averaging first, so that nothing aliases.
        self._size, self._to_place = shrink(
            cv2.invertAffineTransform(to_crop), crop_size, crop_size
        )
        self._weight = _fade(to_crop, crop_size, x1 - x0, y1 - y0)
        self._rest = 1 - self._weight

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The picture, uint8 [H, W, 3], with a frame uint8 [S, S, 3] in the place of the crop."""
        if self._size != frame.shape[1::-1]:
            frame = cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
        above = cv2.warpAffine(
            frame, self._to_place, self._below.shape[1::-1], flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        whole = self._picture.copy()
        whole[self._place] = cv2.blendLinear(above, self._below, self._weight, self._rest)
        return whole


def _fade(to_crop: np.ndarray, crop_size: int, width: int, height: int) -> np.ndarray:
    """The share of the crop in each pixel of its place, float32 [height, width].

    0 at the crop's border and beyond, 1 from the seam's width inwards; `to_crop` [2, 3] leads from
    the place to the crop.
    """
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    inside = np.stack([x, y], axis=-1) @ to_crop[:, :2].T + to_crop[:, 2] + 0.5
    distance = np.minimum(inside, crop_size - inside).min(axis=-1)
    share = np.clip(distance / (_SEAM * crop_size), 0, 1)
    # A smooth step: its ends can't be seen as lines.
    return (share**2 * (3 - 2 * share)).astype(np.float32)
