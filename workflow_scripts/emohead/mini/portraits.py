"""The mini speakers' portraits: photo, crop, identity (shape and tone), control points."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import matplotlib
import numpy as np
import skimage.data
from PIL import Image

from emohead.mini.control_points import (
    ASTRONAUT,
    CANVAS,
    CHEEKS,
    EYES,
    FACE_POINTS,
    GLABELLA,
    HOPPER,
    IDENTITY_POINTS,
    INTEROCULAR,
    IRISES,
    JAW,
    LID_CREASES,
    LIP_PAIRS,
    LIPS,
    NASOLABIAL_FOLDS,
    PortraitPoints,
    astronaut_at_rest,
)

#: Similarity transforms [2, 3] from the photo to the canvas.
_ASTRONAUT_CROP = np.array([[1.33903, 0.07095, -180.608], [-0.07095, 1.33903, -13.894]])
_HOPPER_CROP = np.array([[0.72050, -0.03439, -56.109], [0.03439, 0.72050, -39.022]])
#: Rows and columns of the astronaut's crop that show teeth, the only ones in the two photos.
_TEETH = np.s_[161:171, 106:151]


@dataclass(frozen=True)
class Portrait:
    """One speaker's face, ready to be moved.

    `source` [N, 2] are the control points on the photo, `rest` [N, 2] where they lie when the
    speaker neither speaks nor shows anything: first the FACE_POINTS of the face, then outline and
    glasses up to `head_points`, then points that stay fixed. `mobility` scales action units that
    the photo can't follow; `fold_depth` scales the nasolabial fold that expressions draw.
    """

    image: np.ndarray  # float32 [256, 256, 3] RGB, 0..255
    source: np.ndarray
    rest: np.ndarray
    head_points: int
    teeth: np.ndarray  # float32 [10, 45, 3]
    mobility: dict[str, float]
    fold_depth: float
    has_glasses: bool
    mirrored: bool

    @property
    def middle(self) -> float:
        """x of the bridge of the nose."""
        return float(self.rest[27:31, 0].mean())

    def depth(self) -> np.ndarray:
        """How far each point of the head lies before the ears, in pixels, [head_points].

        An ellipsoid with a nose: enough for the parallax of a small turn of the head.
        """
        x, y = self.rest[: self.head_points].T
        depth = 45 * np.sqrt(
            np.clip(1 - ((x - self.middle) / 75) ** 2 - ((y - 120) / 115) ** 2, 0, 1)
        )
        depth[27:31] += (4, 8, 13, 18)
        depth[31:36] += 8
        depth[FACE_POINTS:] *= 0.3
        if self.has_glasses:
            depth[-16:] = np.maximum(depth[-16:], 30)
        return depth


def _crop(photo: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """The canvas [256, 256, 3] cut from a photo, drawn threefold and averaged down."""
    large = cv2.warpAffine(
        photo, 3 * transform, (3 * CANVAS, 3 * CANVAS),
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return cv2.resize(large, (CANVAS, CANVAS), interpolation=cv2.INTER_AREA)


def _assemble(
    image: np.ndarray,
    points: PortraitPoints,
    rest_face: np.ndarray,
    *,
    mobility: dict[str, float],
    fold_depth: float,
    mirrored: bool,
) -> Portrait:
    head = points.head()
    source = np.vstack([head, points.fixed()])
    rest = source.copy()
    rest[:FACE_POINTS] = rest_face
    teeth = _crop(skimage.data.astronaut(), _ASTRONAUT_CROP)[_TEETH]
    return Portrait(
        image=image.astype(np.float32),
        source=source,
        rest=rest,
        head_points=len(head),
        teeth=teeth.astype(np.float32),
        mobility=mobility,
        fold_depth=fold_depth,
        has_glasses=len(points.glasses) > 0,
        mirrored=mirrored,
    )


def _stranger() -> Portrait:
    """Nobody: the astronaut's photo with another shape of face and features, retoned."""
    rest = astronaut_at_rest()
    _reshape(rest)
    for crease, lid, brow in LID_CREASES:
        rest[crease] = rest[lid] + 0.3 * (rest[brow] - rest[lid])
    for iris, (corner, *_, other_corner, _, _) in zip(IRISES, EYES, strict=True):
        corners = [corner, other_corner]
        rest[iris] += (rest[corners] - ASTRONAUT.landmarks[corners]).mean(0)
    for upper, lower in LIP_PAIRS:
        seam = (rest[upper, 1] + rest[lower, 1]) / 2
        rest[upper, 1], rest[lower, 1] = seam - 0.2, seam + 0.2
    photo = _crop(skimage.data.astronaut(), _ASTRONAUT_CROP)
    # Part of the fold is in the photo, left by the smile.
    return _assemble(_retone(photo), ASTRONAUT, rest, mobility={}, fold_depth=0.6, mirrored=True)


def _reshape(rest: np.ndarray) -> None:
    """Give the astronaut's face points [93, 2] another person's proportions, in place.

    Three quarters of the way to Hopper's alone, the face is still the astronaut's to a face
    recogniser (descriptor distance .46, where .6 counts as another person); with the features
    moved as well it is nobody's (.71; .65 to Hopper). The test of the mini data set measures it.
    """
    weight = np.full((IDENTITY_POINTS, 1), 0.75)
    # Brows take less of the other's shape, or they would run into the fringe.
    weight[17:27] = weight[GLABELLA] = 0.19
    towards = HOPPER.face()[:IDENTITY_POINTS] - rest[:IDENTITY_POINTS]
    rest[:IDENTITY_POINTS] += weight * np.clip(towards, -10, 10)
    middle = rest[27:31, 0].mean()

    def widen(points: list[int], factor: float) -> None:
        rest[points, 0] = middle + factor * (rest[points, 0] - middle)

    # A fuller jaw, and a wider face about it.
    jaw = np.array([0.3, 0.6, 0.9, 1, 0.9, 0.6, 0, -0.6, -0.9, -1, -0.9, -0.6, -0.3])
    rest[2:15, 0] -= 0.03 * INTEROCULAR * jaw
    widen([*JAW], 1.08)
    widen([*CHEEKS], 1.05)
    # Eyes closer together.
    rest[36:42, 0] += 4
    rest[42:48, 0] -= 4
    # A shorter and wider nose.
    rest[28:36, 1] -= (0.9, 1.8, 3, 3, 3, 3, 3, 3)
    widen([31, 32, 34, 35], 1.23)
    # A lower mouth with thinner lips.
    lips, seam = [*LIPS], rest[60:68, 1].mean()
    rest[lips, 1] = seam + 0.85 * (rest[lips, 1] - seam)
    rest[[*lips, *NASOLABIAL_FOLDS], 1] += 2


def _retone(image: np.ndarray) -> np.ndarray:
    """The astronaut's photo uint8 [256, 256, 3] with a browner skin and dark hair."""
    lab = cv2.cvtColor((image / 255).astype(np.float32), cv2.COLOR_RGB2LAB)
    p = ASTRONAUT.landmarks
    face = np.vstack([
        p[0:17], (p[16, 0], p[26, 1] - 2), p[25] + (0, -13), p[21] + (0, -15), p[18] + (0, -13),
        (p[0, 0], p[17, 1] - 2),
    ])  # fmt: skip
    hair = _soft_polygon(ASTRONAUT.outline, 2.0) * (1 - _soft_polygon(face, 3.0))
    hair *= np.clip((200 - image.mean(-1)) / 25, 0, 1)  # not the bright background between curls
    skin = np.clip((lab[..., 1] - 3) / 6, 0, 1) * np.clip((lab[..., 2] - 3) / 6, 0, 1) * (1 - hair)
    skin = cv2.GaussianBlur(skin, (0, 0), 1.5)
    lightness, green_red, blue_yellow = np.moveaxis(lab, -1, 0)
    toned = np.stack(
        [
            (lightness * (1 - skin) + skin * 100 * (lightness / 100) ** 1.35) * (1 - 0.45 * hair),
            green_red + skin + hair * (2 - 0.4 * green_red),
            blue_yellow + 3 * skin - 0.4 * hair * blue_yellow,
        ],
        axis=-1,
    ).astype(np.float32)
    return np.clip(cv2.cvtColor(toned, cv2.COLOR_LAB2RGB) * 255, 0, 255)


def _soft_polygon(corners: np.ndarray, blur: float) -> np.ndarray:
    mask = np.zeros((CANVAS, CANVAS), np.float32)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1.0)
    return cv2.GaussianBlur(mask, (0, 0), blur)


def _hopper() -> Portrait:
    """Grace Hopper as she is; brows and upper lids move less, for the glasses cover them."""
    photo = Image.open(f"{matplotlib.get_data_path()}/sample_data/grace_hopper.jpg").convert("RGB")
    return _assemble(
        _crop(np.asarray(photo), _HOPPER_CROP),
        HOPPER,
        HOPPER.face(),
        mobility={"AU1": 0.65, "AU2": 0.8, "AU4": 0.75, "AU5": 0.3},
        fold_depth=1.0,
        mirrored=False,
    )


#: The speakers of the mini data set; ids that MEAD does not have.
PORTRAITS: dict[str, Callable[[], Portrait]] = {"W901": _stranger, "W902": _hopper}
