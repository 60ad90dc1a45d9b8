"""The PCA basis in which landmarks are predicted (paper section 3.1, `L_pca`).

The paper does not say how many components it keeps: ATVG keeps 6 of 136, EVP 16 of 212. No training
removes the error that a truncated basis leaves: `residuals` measures it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from emohead.features.points import BROWS, EYES, JAW, LIPS, POINTS

#: The regions that `residuals` reports, and their points.
REGIONS = {"face": slice(None), "mouth": LIPS, "brows": BROWS, "eyes": EYES, "jaw": JAW}
#: Residuals are in pixels of a crop of this width, as Table 1's landmark distances.
RESIDUAL_CROP = 128


@dataclass(frozen=True)
class LandmarkBasis:
    """Statistics of training faces, and components of what is predicted, in parts of the crop.

    Faces are flattened as x0, y0, x1, y1, ...: `mean` is [136]; `spread` [] the root mean square
    deviation of one coordinate from it. `components` [k, 136], of faces or of offsets from a
    reference face, has orthonormal rows, strongest first; `deviations` [k] are the root mean
    squares of the coefficients, of faces about their mean, of offsets about zero.
    """

    mean: np.ndarray
    spread: np.ndarray
    components: np.ndarray
    deviations: np.ndarray

    @property
    def size(self) -> int:
        """The number of components k."""
        return len(self.components)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the plain arrays that a checkpoint keeps."""
        return asdict(self)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> LandmarkBasis:
        """Rebuild a basis from `to_arrays`."""
        arrays = dict(arrays)
        explained = [arrays.pop(f"explained_{part}", None) for part in ("face", "mouth")]
        if "spread" not in arrays:  # a checkpoint made before a basis could be of offsets
            total_variance = arrays["deviations"][0] ** 2 / explained[0][0]
            arrays["spread"] = np.sqrt(total_variance / len(arrays["mean"]))
        # Stored by columns, as `eigh` gives them: products of a matrix stored by rows have other
        # last bits, and a fitted model must predict the same as when it is loaded from its file.
        return cls(
            **{name: np.asarray(array, np.float32, order="F") for name, array in arrays.items()}
        )


def offset_moments(clips: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Second moments [136, 136] of the offsets of clips' frames from their reference faces.

    Each clip is (frames [T, 68, 2], reference faces [K, 68, 2], any of which it may get). The mean
    of (x - r)(x - r)^T over its T K pairs is cov x + cov r + d d^T with d the difference of the
    means; clips are weighed by their frames.
    """
    total, count = 0.0, 0
    for frames, references in clips:
        x, r = (faces.reshape(len(faces), -1).astype(np.float64) for faces in (frames, references))
        d = x.mean(axis=0) - r.mean(axis=0)
        covariances = [np.cov(each, rowvar=False, ddof=0) for each in (x, r)]
        total = total + len(x) * (sum(covariances) + np.outer(d, d))
        count += len(x)
    return total / count


def face_moments(landmarks: np.ndarray) -> np.ndarray:
    """Covariance [136, 136] of faces [N, 68, 2]."""
    # A singular value decomposition of MEAD's millions of frames would take far more memory.
    return np.cov(landmarks.reshape(len(landmarks), -1).astype(np.float64), rowvar=False)


def fit_basis(landmarks: np.ndarray, size: int, moments: np.ndarray | None = None) -> LandmarkBasis:
    """Fit `size` components to training faces [N, 68, 2] in [0, 1].

    `moments` are those of the targets: `offset_moments`, or by default `face_moments`. The sign of
    a component is free; here its largest entry is positive, so that two runs agree.
    """
    faces = landmarks.reshape(len(landmarks), -1).astype(np.float64)  # [N, 136]
    if not 1 <= size <= min(faces.shape):
        raise ValueError(
            f"cannot fit {size} PCA components to {len(faces)} frames of {faces.shape[1]} "
            f"coordinates: choose 1 to {min(faces.shape)}"
        )
    variances, components = principal_axes(face_moments(landmarks) if moments is None else moments)
    if variances[size - 1] <= 1e-12 * variances[0]:
        raise ValueError(f"the landmarks vary in fewer than {size} directions: lower `components`")
    return LandmarkBasis.from_arrays(
        {
            "mean": faces.mean(axis=0),
            "spread": np.sqrt(faces.var(axis=0, ddof=1).mean()),
            "components": components[:size],
            "deviations": np.sqrt(variances[:size]),
        }
    )


def principal_axes(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances [136] and directions [136, 136] (a row each), strongest first."""
    variances, directions = np.linalg.eigh(moments)
    variances, axes = variances[::-1], directions.T[::-1]
    peaks = np.abs(axes).argmax(axis=1)
    return variances, axes * np.sign(axes[np.arange(len(axes)), peaks])[:, None]


def residuals(
    axes: np.ndarray, targets: Iterable[np.ndarray], sizes: Sequence[int]
) -> pd.DataFrame:
    """The error of truncated bases on clips' targets: a row for each number in `sizes`.

    `axes` are `principal_axes`; `targets` [T, 68, 2], in parts of the crop, the differences from
    what coefficients of zero give. Columns: components, and for each region the mean distance that
    is left, over points and frames, in pixels of a crop of 128.
    """
    totals = {size: np.zeros(POINTS) for size in sizes}
    frames = 0
    for target in targets:
        flat = target.reshape(len(target), -1).astype(np.float64)
        frames += len(flat)
        for size, total in totals.items():
            left = flat - flat @ axes[:size].T @ axes[:size]
            total += RESIDUAL_CROP * np.linalg.norm(left.reshape(target.shape), axis=-1).sum(axis=0)
    return pd.DataFrame(
        {"components": size}
        | {name: total[points].mean() / frames for name, points in REGIONS.items()}
        for size, total in totals.items()
    )
