"""An average head, of which landmarks tell the pose."""

import numpy as np

# Points that speaking doesn't move, x to the head's left, y up and z forward, about in centimetres:
# bridge and tip of the nose, nostrils, corners of the eyes.
RIGID = (27, 28, 29, 30, 31, 35, 36, 39, 42, 45)
HEAD = np.array(
    [
        (0, 5.6, 6.0), (0, 4.4, 6.8), (0, 3.3, 7.5), (0, 2.2, 8.2), (-2.0, 1.4, 6.2),
        (2.0, 1.4, 6.2), (-5.3, 5.5, 4.0), (-1.8, 5.4, 4.4), (1.8, 5.4, 4.4), (5.3, 5.5, 4.0),
    ]
)  # fmt: skip
