import numpy as np
import pytest

from emohead.landmarks.basis import (
    LandmarkBasis,
    face_moments,
    fit_basis,
    offset_moments,
    principal_axes,
    residuals,
)


def faces(frames: int = 300, rank: int = 136, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    strengths = 0.05 * 0.8 ** np.arange(rank)
    variation = (generator.standard_normal((frames, rank)) * strengths) @ generator.standard_normal(
        (rank, 136)
    )
    return (0.5 + variation).reshape(frames, 68, 2).astype(np.float32)


def test_basis_is_that_of_numpy_svd():
    landmarks = faces()
    basis = fit_basis(landmarks, 10)

    flat = landmarks.reshape(300, 136).astype(np.float64)
    centred = flat - flat.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(basis.mean, flat.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(basis.deviations, singular[:10] / np.sqrt(299), rtol=1e-4)
    agreement = np.abs((basis.components * directions[:10]).sum(axis=1))
    np.testing.assert_allclose(agreement, 1, atol=1e-5)


def test_offset_moments_are_those_of_every_frame_from_every_reference():
    clips = [(faces(7, seed=1), faces(3, seed=2)), (faces(5, seed=3), faces(1, seed=4))]
    total = np.zeros((136, 136))
    for frames, references in clips:
        offsets = (frames[:, None] - references[None]).reshape(-1, 136).astype(np.float64)
        total += offsets.T @ offsets / len(references)
    np.testing.assert_allclose(offset_moments(clips), total / 12, rtol=1e-6, atol=1e-9)


def test_basis_of_offsets_loses_nothing_of_a_mean_offset():
    """Zero coefficients are the reference: the mean offset must lie in the basis, too."""
    calm, smile = faces(1, seed=5), np.zeros((1, 68, 2))
    smile[0, 48:68, 1] = -0.03
    strength = 1 + 0.1 * np.random.default_rng(0).standard_normal((40, 1, 1))
    frames = calm + strength * smile
    basis = fit_basis(frames, 1, offset_moments([(frames, calm)]))
    offsets = (frames - calm).reshape(40, 136)
    again = offsets @ basis.components.T @ basis.components
    np.testing.assert_allclose(again, offsets, atol=1e-6)
    root_mean_square = np.sqrt(np.square(offsets).sum(axis=1).mean())
    assert basis.deviations[0] == pytest.approx(root_mean_square, rel=1e-5)
    np.testing.assert_allclose(basis.mean, frames.reshape(40, 136).mean(axis=0), rtol=1e-6)


def test_residuals_are_the_distances_that_a_projection_leaves():
    landmarks = faces()
    centred = (landmarks - landmarks.mean(axis=0)).astype(np.float64)
    _, _, directions = np.linalg.svd(centred.reshape(300, 136), full_matrices=False)
    axes = principal_axes(face_moments(landmarks))[1]
    table = residuals(axes, [centred[:100], centred[100:]], (4, 10)).set_index("components")
    for size in (4, 10):
        flat = centred.reshape(300, 136)
        left = flat - flat @ directions[:size].T @ directions[:size]
        distance = 128 * np.linalg.norm(left.reshape(300, 68, 2), axis=-1)
        for region, points in {
            "face": range(68), "mouth": range(48, 68), "brows": range(17, 27),
            "eyes": range(36, 48), "jaw": range(17),
        }.items():  # fmt: skip
            assert table.loc[size, region] == pytest.approx(distance[:, points].mean(), rel=1e-6)


def test_spread_is_the_deviation_of_one_coordinate():
    landmarks = faces()
    expected = np.sqrt(landmarks.reshape(300, 136).var(axis=0, ddof=1).mean())
    assert fit_basis(landmarks, 5).spread == pytest.approx(expected, rel=1e-4)


def test_round_trip_within_the_rank_of_the_data():
    landmarks = faces(rank=8)
    basis = fit_basis(landmarks, 8)
    flat = landmarks.reshape(300, 136)
    again = basis.mean + (flat - basis.mean) @ basis.components.T @ basis.components
    np.testing.assert_allclose(again, flat, atol=1e-5)


def test_sign_does_not_depend_on_the_order_of_the_frames():
    landmarks = faces()
    shuffled = landmarks[np.random.default_rng(1).permutation(300)]
    np.testing.assert_allclose(
        fit_basis(landmarks, 10).components, fit_basis(shuffled, 10).components, atol=1e-4
    )


def test_a_checkpoint_from_before_bases_of_offsets_is_read():
    """It has shares of variance in the place of the spread, which follows from them."""
    landmarks = faces()
    new = fit_basis(landmarks, 5)
    arrays = new.to_arrays()
    total = landmarks.reshape(300, 136).astype(np.float64).var(axis=0, ddof=1).sum()
    explained = np.cumsum(arrays["deviations"] ** 2) / total
    del arrays["spread"]
    old = LandmarkBasis.from_arrays(
        arrays | {"explained_face": explained, "explained_mouth": explained}
    )
    assert float(old.spread) == pytest.approx(float(new.spread), rel=1e-4)
    assert old.size == 5


def test_arrays_round_trip():
    basis = fit_basis(faces(), 4)
    again = LandmarkBasis.from_arrays(basis.to_arrays())
    assert again.size == 4
    for name, array in basis.to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[name], array)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_memory_order_does_not_depend_on_where_the_arrays_lay(order):
    """A matrix product's last bits depend on it: a file would change what a model says."""
    basis = fit_basis(faces(), 4)
    stored = {name: np.array(array, order=order) for name, array in basis.to_arrays().items()}
    assert LandmarkBasis.from_arrays(stored).components.strides == basis.components.strides


@pytest.mark.parametrize("size", [0, 137])
def test_impossible_number_of_components_is_refused(size):
    with pytest.raises(ValueError, match="choose 1 to 136"):
        fit_basis(faces(), size)


def test_more_components_than_the_data_vary_in_are_refused():
    with pytest.raises(ValueError, match="fewer than 12 directions"):
        fit_basis(faces(rank=4), 12)
