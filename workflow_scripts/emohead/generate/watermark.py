"""A small visible mark on made frames: this is synthetic."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# Fractions of the shorter side; below the smallest size (px) the letters can't be read.
_HEIGHT, _SMALLEST, _MARGIN = 0.04, 14, 0.02
# The long text where it takes at most this part of the width, else the short one.
_TEXTS, _WIDEST = ("AI-generated", "AI"), 0.3
# White on a dark plate: the plate keeps the letters readable on light, the letters on dark.
_PLATE, _PLATE_OPACITY = (20, 20, 20), 0.75


class Watermark:
    """Marks frames of one size, (width, height) in pixels, in the lower right corner."""

    def __init__(self, size: tuple[int, int]):
        width, height = size
        tall = max(_SMALLEST, round(_HEIGHT * min(size)))
        margin = max(2, round(_MARGIN * min(size)))
        plate = next(
            (plate for text in _TEXTS if (plate := _draw(text, tall)).width <= _WIDEST * width),
            _draw(_TEXTS[-1], tall),
        )
        rgba = np.asarray(plate, np.float32)[: height - margin, : width - margin]
        rows, columns = rgba.shape[:2]
        self._place = np.s_[
            height - margin - rows : height - margin, width - margin - columns : width - margin
        ]
        opacity = rgba[..., 3:] / 255
        self._added, self._kept = rgba[..., :3] * opacity, 1 - opacity

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The marked frame, uint8 [H, W, 3]; `frame` stays as it is."""
        marked = frame.copy()
        marked[self._place] = np.round(marked[self._place] * self._kept + self._added)
        return marked


def _draw(text: str, height: int) -> Image.Image:
    """The mark, RGBA, `height` pixels high."""
    font = ImageFont.load_default(height * 0.72)
    left, _, right, _ = font.getbbox(text)
    side = height * 0.35
    plate = Image.new("RGBA", (round(right - left + 2 * side), height))
    draw = ImageDraw.Draw(plate)
    opacity = round(255 * _PLATE_OPACITY)
    draw.rounded_rectangle(
        (0, 0, plate.width - 1, height - 1), height * 0.25, fill=(*_PLATE, opacity)
    )
    draw.text((plate.width / 2, height / 2), text, font=font, fill="white", anchor="mm")
    return plate
