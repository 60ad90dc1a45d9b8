import numpy as np
import pytest

from emohead.landmarks.basis import LandmarkBasis, fit_basis


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


def test_explained_variance_is_one_minus_the_residual_of_each_region():
    landmarks = faces()
    basis = fit_basis(landmarks, 6)
    flat = landmarks.reshape(300, 136).astype(np.float64)
    centred = flat - flat.mean(axis=0)
    for used in (1, 4, 6):
        components = basis.components[:used]
        residual = (centred - centred @ components.T @ components).reshape(-1, 68, 2)
        whole = centred.reshape(-1, 68, 2)
        face = 1 - np.square(residual).sum() / np.square(whole).sum()
        mouth = 1 - np.square(residual[:, 48:68]).sum() / np.square(whole[:, 48:68]).sum()
        assert basis.explained_face[used - 1] == pytest.approx(face, abs=1e-5)
        assert basis.explained_mouth[used - 1] == pytest.approx(mouth, abs=1e-5)


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
