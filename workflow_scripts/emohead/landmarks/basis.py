"""The PCA basis in which landmarks are predicted (paper section 3.1, `L_pca`).

The paper does not say how many components it keeps: ATVG keeps 6 of 136, EVP 16 of 212. Six
lose brows and eyelids, so the explained variance is reported for the mouth and for the whole face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from emohead.features.points import LIPS, POINTS


@dataclass(frozen=True)
class LandmarkBasis:
    """Mean face and principal components of training landmarks in [0, 1] (pixels / crop size).

    Faces are flattened as x0, y0, x1, y1, ...: `mean` is [136]; `components` [k, 136] has
    orthonormal rows, strongest first; `deviations` [k] are the standard deviations of the
    coefficients over the training frames. `explained_face` and `explained_mouth` [k] give the share
    of variance that the first 1, 2, ..., k components explain together.
    """

    mean: np.ndarray
    components: np.ndarray
    deviations: np.ndarray
    explained_face: np.ndarray
    explained_mouth: np.ndarray

    @property
    def size(self) -> int:
        """The number of components k."""
        return len(self.components)

    @property
    def spread(self) -> float:
        """The root mean square deviation of one coordinate from the mean face."""
        total_variance = self.deviations[0] ** 2 / self.explained_face[0]
        return float(np.sqrt(total_variance / self.mean.size))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the plain arrays that a checkpoint keeps."""
        return asdict(self)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> LandmarkBasis:
        """Rebuild a basis from `to_arrays`."""
        # Stored by columns, as `eigh` gives them: products of a matrix stored by rows have other
        # last bits, and a fitted model must speak as it does when it comes back from its file.
        return cls(**{name: np.asfortranarray(array, np.float32) for name, array in arrays.items()})


def fit_basis(landmarks: np.ndarray, size: int) -> LandmarkBasis:
    """Fit `size` components to landmarks [N, 68, 2] in [0, 1], one row per training frame.

    The sign of a component is free; here its largest entry is positive, so that two runs agree.
    """
    faces = landmarks.reshape(len(landmarks), -1).astype(np.float64)  # [N, 136]
    if not 1 <= size <= min(faces.shape):
        raise ValueError(
            f"cannot fit {size} PCA components to {len(faces)} frames of {faces.shape[1]} "
            f"coordinates: choose 1 to {min(faces.shape)}"
        )
    mean = faces.mean(axis=0)
    # Of MEAD's millions of frames, a singular value decomposition would take far more memory.
    covariance = np.cov(faces, rowvar=False)
    variances, directions = np.linalg.eigh(covariance)
    variances, components = variances[::-1], directions.T[::-1]

    if variances[size - 1] <= 1e-12 * variances[0]:
        raise ValueError(f"the landmarks vary in fewer than {size} directions: lower `components`")
    variances, components = variances[:size], components[:size]
    peaks = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[np.arange(size), peaks])[:, None]

    # Eigenvectors diagonalise the covariance: component i removes variance_i * component_i^2
    # from the variance of each coordinate.
    removed = np.cumsum(variances[:, None] * components**2, axis=0)  # [k, 136]
    total = covariance.diagonal()
    mouth = np.zeros((POINTS, 2), dtype=bool)
    mouth[LIPS] = True
    mouth = mouth.ravel()
    arrays = {
        "mean": mean,
        "components": components,
        "deviations": np.sqrt(variances),
        "explained_face": removed.sum(axis=1) / total.sum(),
        "explained_mouth": removed[:, mouth].sum(axis=1) / total[mouth].sum(),
    }
    return LandmarkBasis.from_arrays(arrays)
