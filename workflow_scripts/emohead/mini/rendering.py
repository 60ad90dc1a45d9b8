"""Draw a portrait in a pose: warp the photo, fill the mouth, close the lids, shade the skin."""

import cv2
import numpy as np

from emohead.mini.control_points import (
    CANVAS,
    EYES,
    IRISES,
    LID_CREASES,
    LOWER_INNER_LIP,
    LOWER_LIP,
    UPPER_INNER_LIP,
    UPPER_LIP,
)
from emohead.mini.drawing import line_mask, polygon_mask, smooth_curve
from emohead.mini.mouth import mouth_interior
from emohead.mini.portraits import Portrait
from emohead.mini.posing import FacePose, Puppet
from emohead.mini.shading import shade_expression
from emohead.mini.warping import WHOLE_CANVAS, Box, backward_field, look_up

#: How the two sheets run into each other beside the mouth, in pixels.
_SEAM_WIDTH, _SEAM_SPREAD, _WIDEST_SEAM = 0.6, 0.35, 20.0
_SEAM_TINT = np.array([0.75, 1.0, 1.0], np.float32)
#: How far in front of the ears the teeth lie, in pixels.
_TEETH_DEPTH = 25.0


class Renderer:
    """Draws one speaker.

    The photo is warped as two sheets that part at the lips: the upper one knows nothing of the
    lower lip, the lower one nothing of the upper lip.
    """

    def __init__(self, portrait: Portrait):
        self.portrait = portrait
        self.puppet = Puppet(portrait)
        every = np.arange(len(portrait.source))
        lower_lids = [point for eye in EYES for point in eye[4:]]
        self._upper_sheet = np.setdiff1d(every, LOWER_LIP)
        self._lower_sheet = np.setdiff1d(every, UPPER_LIP)
        self._lid_sheet = np.setdiff1d(every, [*lower_lids, *IRISES, *LOWER_LIP])
        corners = portrait.rest[[48, 54]].mean(0)
        self._closed_lips = np.array([[corners[0], portrait.rest[66, 1]]])

    def render(self, pose: FacePose, size: int = CANVAS) -> np.ndarray:
        """The picture of a pose, uint8 [size, size, 3] RGB."""
        points = self.puppet.place(pose)
        upper_lip = smooth_curve(points[list(UPPER_INNER_LIP)])
        lower_lip = smooth_curve(points[list(LOWER_INNER_LIP)])
        image = self._warp(points, (upper_lip + lower_lip) / 2)
        if pose.lids > 0.03:
            self._close_lids(image, points, pose.lids)
        self._fill_mouth(image, upper_lip, lower_lip, pose)
        shade_expression(image, points, pose.units, pose.flush, self.portrait.fold_depth)
        picture = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        if self.portrait.mirrored:
            picture = np.ascontiguousarray(picture[:, ::-1])
        if size != CANVAS:
            picture = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        return picture

    def _field(self, points: np.ndarray, sheet: np.ndarray, box: Box) -> np.ndarray:
        return backward_field(points[sheet], self.portrait.source[sheet], box)

    def _warp(self, points: np.ndarray, seam: np.ndarray) -> np.ndarray:
        """Both sheets, parted at the seam [K, 2] between the lips; float32 [256, 256, 3]."""
        field = self._field(points, self._upper_sheet, WHOLE_CANVAS)
        top = int(seam[:, 1].min() - _WIDEST_SEAM) - 1
        below = Box(0, top, CANVAS, CANVAS)
        lower_field = self._field(points, self._lower_sheet, below)
        x, y = below.pixels()
        beside = np.maximum(np.maximum(seam[0, 0] - x, x - seam[-1, 0]), 0)
        width = np.minimum(_SEAM_WIDTH + _SEAM_SPREAD * beside, _WIDEST_SEAM)
        seam_y = np.interp(x[0], seam[:, 0], seam[:, 1])[None]
        share = np.clip(0.5 + (y - seam_y) / (2 * width), 0, 1).astype(np.float32)[..., None]

        # Beside the mouth the sheets nearly agree, and their fields are blended. Between the
        # corners they do not, and the pictures are.
        lips = Box.around(seam, 3)
        in_lips, lips_below = lips.window, lips.within(below)
        upper_lips = look_up(self.portrait.image, field[in_lips])
        lower_lips = look_up(self.portrait.image, lower_field[lips_below])
        field[below.window] += share * (lower_field - field[below.window])
        image = look_up(self.portrait.image, field)
        image[in_lips] = upper_lips + share[lips_below] * (lower_lips - upper_lips)
        return image

    def _close_lids(self, image: np.ndarray, points: np.ndarray, closure: float) -> None:
        """Pull the upper lids down, in place.

        On a sheet of their own: in the main one a closing eye would fold.
        """
        closing = points.copy()
        for _, upper_1, upper_2, _, lower_1, lower_2 in EYES:
            for upper, lower in ((upper_1, lower_1), (upper_2, lower_2)):
                closing[upper] += 0.95 * closure * (points[lower] - (0, 0.4) - points[upper])
        if not self.portrait.has_glasses:
            for crease, lid, _ in LID_CREASES:
                closing[crease] += 0.45 * (closing[lid] - points[lid])
        box = Box.around(points[36:48], 6)
        lids = look_up(self.portrait.image, self._field(closing, self._lid_sheet, box))
        eyes = image[box.window]
        for first, upper_1, upper_2, second, _, _ in EYES:
            lid_line = [first, upper_1, upper_2, second]
            was, now = smooth_curve(points[lid_line]), smooth_curve(closing[lid_line])
            cover = polygon_mask(np.vstack([was - (0, 2.5), now[::-1]]), box, 0.7)
            eyes += cover * (lids - eyes)
            eyes *= 1 - 0.55 * min(1.0, 1.3 * closure) * line_mask(now, box, 0.6)

    def _fill_mouth(
        self, image: np.ndarray, upper_lip: np.ndarray, lower_lip: np.ndarray, pose: FacePose
    ) -> None:
        """The inside of the mouth, or the dark line between lips that nearly touch; in place."""
        gap = (lower_lip[:, 1] - upper_lip[:, 1]).max()
        outline = np.vstack([upper_lip, lower_lip[::-1]])
        box = Box.around(outline, 5)
        mouth = image[box.window]
        # Faded in, or closed lips would show a grey band.
        visible = np.clip((gap - 0.7) / 1.3, 0, 1)
        if visible > 0:
            skull = self.puppet.move_with_head(self._closed_lips, _TEETH_DEPTH, pose.head)[0]
            interior = mouth_interior(
                box, upper_lip, lower_lip, skull, pose.mouth, self.portrait.teeth
            )
            mouth += visible * polygon_mask(outline, box, 0.55) * (interior - mouth)
        closeness = 0.45 * np.clip(1 - gap / 3, 0, 1)
        if closeness > 0:
            seam = line_mask((upper_lip + lower_lip) / 2, box, 0.7)
            mouth *= 1 - closeness * seam * _SEAM_TINT
