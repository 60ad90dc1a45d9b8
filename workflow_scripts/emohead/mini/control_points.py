"""The control points of a portrait, and their places on the two photos.

Points 0-67 are the usual 68 landmarks; the rest follow in the order of the constants below. All
positions are pixels of the 256 x 256 canvas, on which the eyes are level, 58 pixels apart and
centred. The 68 were found with dlib and corrected by hand: it sits above thin brows, and on hair,
hat and glasses.
"""

from dataclasses import dataclass

import numpy as np

CANVAS = 256
#: Distance between the centres of the eyes, in pixels: the unit of all movements of the face.
INTEROCULAR = 58.0

JAW = range(0, 17)
UPPER_INNER_LIP = (60, 68, 61, 62, 63, 69, 64)  # corner to corner
LOWER_INNER_LIP = (60, 70, 67, 66, 65, 71, 64)
#: Points that meet when the lips are closed, upper before lower.
LIP_PAIRS = ((61, 67), (62, 66), (63, 65), (68, 70), (69, 71))
UPPER_LIP = (49, 50, 51, 52, 53, 61, 62, 63, 68, 69)
LOWER_LIP = (55, 56, 57, 58, 59, 65, 66, 67, 70, 71)
LIPS = (*range(48, 72),)
#: Below the eyes, beside the mouth, and the jowls.
CHEEKS = (72, 73, 74, 75, 78, 79)
NASOLABIAL_FOLDS = (76, 77)
CHIN, GLABELLA = 80, 81
#: Fold above the upper lid, the lid point and the brow point that it follows.
LID_CREASES = ((87, 37, 19), (88, 38, 20), (89, 43, 23), (90, 44, 24))
#: Per eye: outer (first) corner, upper lid, other corner, lower lid seen from the first corner.
EYES = ((36, 37, 38, 39, 41, 40), (42, 43, 44, 45, 47, 46))
IRISES = (91, 92)
FACE_POINTS = 93
#: The points that an identity is made of.
IDENTITY_POINTS = 82


@dataclass(frozen=True)
class PortraitPoints:
    """Control points of one photo, each float64 [K, 2] (x, y)."""

    landmarks: np.ndarray
    inner_lip_between: np.ndarray  # points 68-71: upper left, upper right, lower left, lower right
    outline: np.ndarray  # of the hair or the hat
    glasses: np.ndarray
    neck: np.ndarray

    def face(self) -> np.ndarray:
        """All points of the face, [93, 2]; the ones that dlib does not have follow from the 68."""
        p = self.landmarks
        eyes = np.array([p[36:42].mean(0), p[42:48].mean(0)])
        cheeks = [
            (eyes[0] + p[48]) / 2 + (-3, -4),  # 72, 73 below the eyes
            (eyes[1] + p[54]) / 2 + (3, -4),
            (p[48] + p[3]) / 2,  # 74, 75 beside the mouth
            (p[54] + p[13]) / 2,
            0.55 * p[48] + 0.45 * p[31] + (-3, 0),  # 76, 77 nasolabial fold
            0.55 * p[54] + 0.45 * p[35] + (3, 0),
            (p[48] + p[5]) / 2 + (3, 0),  # 78, 79 jowl
            (p[54] + p[11]) / 2 + (-3, 0),
        ]
        glabella = (p[21] + p[22]) / 2
        forehead = np.array([p[18], p[20], glabella, p[23], p[25]])
        forehead[:, 1] -= (16, 17, 18, 17, 16)
        creases = [p[lid] + 0.3 * (p[brow] - p[lid]) for _, lid, brow in LID_CREASES]
        chin = (p[57] + p[8]) / 2
        return np.vstack(
            [p, self.inner_lip_between, cheeks, chin, glabella, forehead, creases, eyes]
        )

    def head(self) -> np.ndarray:
        """The points that move with the head: face, outline, glasses."""
        return np.vstack([self.face(), self.outline, self.glasses])

    def fixed(self) -> np.ndarray:
        """The points that never move: neck and the border of the canvas."""
        steps = np.linspace(-2, CANVAS + 1, 8)
        border = [(x, y) for x in steps for y in steps if {x, y} & {steps[0], steps[-1]}]
        return np.vstack([self.neck, border])


def _points(text: str) -> np.ndarray:
    return np.array(text.split(), float).reshape(-1, 2)


_NONE = np.zeros((0, 2))

ASTRONAUT = PortraitPoints(
    landmarks=_points("""
    67.0 111.9  68.1 127.6  70.1 142.8  72.5 158.1  77.2 173.4  86.3 186.5
    98.7 197.3  111.8 206.5  126.8 209.3  142.4 206.5  156.8 197.8  169.7 186.6
    179.0 173.3  184.4 158.1  187.5 142.3  189.8 127.0  191.1 111.2  79.5 94.0
    85.0 91.5  93.0 90.8  103.0 92.5  113.0 95.5  144.0 95.0  152.0 93.0
    162.0 91.5  170.0 92.0  178.0 95.5  128.8 106.9  129.1 118.2  129.5 129.0
    129.9 140.4  115.5 146.4  122.2 148.0  129.0 149.9  136.2 147.8  142.4 145.9
    83.5 106.5  92.0 101.3  103.0 101.0  114.0 109.0  103.0 111.5  93.0 111.0
    141.5 108.5  151.0 101.5  163.0 101.0  174.0 106.5  163.0 111.0  152.0 111.5
    99.0 158.5  109.0 157.0  120.5 157.3  128.4 158.5  136.0 157.0  147.0 156.6
    158.0 157.0  148.0 171.0  137.0 177.5  128.0 178.8  119.0 177.5  108.0 172.0
    101.5 159.3  120.0 162.0  128.0 162.6  136.0 161.8  155.0 158.0  136.5 170.6
    128.0 171.3  119.5 170.8
    """),
    inner_lip_between=_points("110 160.6  146.5 160.6  110.5 167.3  147 165.8"),
    outline=_points("""
    32 68  47 40  80 14  113 2  173 2  206 19  225 54  227 89  211 127  195 143  56 143  40 115
    """),
    glasses=_NONE,
    neck=_points("81 209  89 219  127 224  172 211"),
)

#: Where the smiling astronaut's points lie once the smile is taken away and the lips are closed.
ASTRONAUT_AT_REST = {
    5: (86.3, 185.0), 6: (98.7, 194.3), 7: (111.8, 202.5), 8: (126.8, 204.8), 9: (142.4, 202.5),
    10: (156.8, 194.8), 11: (169.7, 185.1),
    31: (117.5, 147.2), 32: (123.2, 148.6), 33: (129.0, 150.4), 34: (135.2, 148.4),
    35: (140.4, 146.7), 40: (103.0, 112.3), 41: (93.0, 111.8), 46: (163.0, 111.8),
    47: (152.0, 112.3),
    48: (105.5, 164.4), 49: (113.0, 160.9), 50: (121.5, 158.9), 51: (128.3, 159.8),
    52: (135.2, 158.7), 53: (143.5, 160.6), 54: (151.0, 164.0), 55: (143.5, 169.2),
    56: (136.0, 172.7), 57: (128.2, 173.9), 58: (120.5, 172.8), 59: (113.5, 169.3),
    60: (107.5, 164.6), 61: (121.0, 165.2), 62: (128.2, 165.8), 63: (135.4, 165.1),
    64: (149.0, 164.2), 65: (135.4, 165.6), 66: (128.2, 166.3), 67: (121.0, 165.7),
    68: (114.0, 164.9), 69: (142.5, 164.7), 70: (114.0, 165.4), 71: (142.5, 165.2),
}  # fmt: skip
#: The same for the cheeks and the chin boss, as offsets.
ASTRONAUT_REST_OFFSETS = {
    72: (0.5, 2.2), 73: (-0.5, 2.2), 74: (1.5, 2.0), 75: (-1.5, 2.0), 76: (3.0, 3.0),
    77: (-3.0, 3.0), 78: (2.0, 0.0), 79: (-2.0, 0.0), 80: (0.0, -4.5),
}  # fmt: skip

HOPPER = PortraitPoints(
    landmarks=_points("""
    64.7 113.3  65.9 129.9  68.4 145.7  71.5 161.5  75.8 176.8  83.3 190.5
    94.7 200.5  109.1 207.0  126.0 208.9  144.5 200.0  158.0 195.0  167.0 184.0
    174.0 171.0  178.0 156.0  181.0 141.0  184.0 126.0  186.0 110.0  76.0 88.0
    82.0 86.0  91.0 85.0  102.0 86.5  111.0 92.0  142.0 92.0  151.0 87.0
    162.0 85.0  172.0 86.0  179.0 89.0  128.7 105.5  128.8 117.6  128.9 129.4
    128.9 141.5  113.5 146.7  120.6 149.3  128.3 152.0  136.0 149.8  143.0 147.5
    86.0 107.0  93.0 101.5  102.0 99.5  113.0 107.5  103.0 108.5  94.0 109.5
    141.0 107.0  150.0 100.0  160.0 100.0  171.0 106.0  161.0 108.5  151.0 108.5
    99.5 166.0  110.0 161.5  118.0 160.3  126.5 162.0  134.0 161.5  144.0 163.0
    154.0 167.0  144.0 169.5  135.0 173.5  126.5 174.5  118.5 173.8  110.0 170.5
    102.0 165.5  118.0 164.8  126.5 166.1  135.0 165.3  151.0 166.0  135.0 165.9
    126.5 166.7  118.0 165.4
    """),
    inner_lip_between=_points("110 164.4  144 165  110 165  144 165.6"),
    outline=_points("""
    52 105  53 47  70 30  101 5  131 1  159 5  192 38  202 42  201 94  199 122  183 162  59 162
    53 127
    """),
    glasses=_points("""
    72 98  90 93.5  105 95.5  118 101  138 101  150 95.5  165 93.5  182 98
    75 110  82 124  100 131.5  115 124  143 124  158 132  172 128  178 112
    """),
    neck=_points("81 202  80 225  105 252  131 253  164 204  162 225"),
)


def astronaut_at_rest() -> np.ndarray:
    """The astronaut's face points with the mouth closed and no smile, [93, 2]."""
    rest = ASTRONAUT.face()
    for point, place in ASTRONAUT_AT_REST.items():
        rest[point] = place
    for point, offset in ASTRONAUT_REST_OFFSETS.items():
        rest[point] += offset
    return rest
