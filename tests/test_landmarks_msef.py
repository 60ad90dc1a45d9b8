import numpy as np
import pytest
import torch

from emohead.landmarks.msef import EmotionExtractor, ExternalMemory, double_normalise

FRAMES = (7, 4, 2)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def padded_batch(width: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Random clips of 7, 4 and 2 frames; the padding is random too, so that its use shows."""
    x = torch.randn(len(FRAMES), max(FRAMES), *width, dtype=torch.float64)
    mask = torch.arange(max(FRAMES)) < torch.tensor(FRAMES)[:, None]
    return x, mask


def parameters(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in module.state_dict().items()}


def softmax(scores: np.ndarray, axis: int) -> np.ndarray:
    powers = np.exp(scores)
    return powers / powers.sum(axis=axis, keepdims=True)


def memory_by_formula(f: np.ndarray, weights: dict[str, np.ndarray], kind: str) -> np.ndarray:
    """Eq. (1) for one clip f [T, C]."""
    queries = f @ weights["g_in.weight"][:, :, 0].T + weights["g_in.bias"]
    scores = queries @ weights["M_1.weight"].T
    if kind == "double":
        attention = softmax(scores, axis=0)
        attention = attention / attention.sum(axis=1, keepdims=True)
    else:
        attention = softmax(scores, axis=1)
    return f + attention @ weights["M_2.weight"].T @ weights["g_out.weight"][:, :, 0].T


@pytest.mark.parametrize("memory", ["double", "slots", "none"])
def test_extractor_follows_the_formula_whatever_the_padding(memory):
    extractor = EmotionExtractor(12, 5, memory, classifier=True, hidden_width=9).double()
    x, mask = padded_batch((28, 12))
    f_e, logits = extractor(x, mask)

    weights = parameters(extractor)
    in_memory = {k.removeprefix("memory."): v for k, v in weights.items() if "memory." in k}
    for clip, frames in enumerate(FRAMES):
        windows = x[clip, :frames].numpy().reshape(frames, 336)
        hidden = np.maximum(windows @ weights["mlp.0.weight"].T + weights["mlp.0.bias"], 0)
        f = np.maximum(hidden @ weights["mlp.2.weight"].T + weights["mlp.2.bias"], 0)
        expected = f if memory == "none" else memory_by_formula(f, in_memory, memory)
        np.testing.assert_allclose(f_e[clip, :frames].detach(), expected, rtol=1e-7, atol=1e-9)
        expected_logits = (
            expected.mean(axis=0) @ weights["classifier.weight"].T + weights["classifier.bias"]
        )
        np.testing.assert_allclose(logits[clip].detach(), expected_logits, rtol=1e-7)


def test_memory_is_permutation_equivariant_over_frames():
    memory = ExternalMemory(12, 5, "double").double()
    f, mask = padded_batch((12,))
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    straight = memory(f[:1], mask[:1])
    permuted = memory(f[:1, order], mask[:1])
    torch.testing.assert_close(permuted, straight[:, order])


def test_double_normalisation_sums():
    scores, mask = padded_batch((5,))
    attention = double_normalise(scores, mask)
    # Over the slots every true frame sums to one, padding to nothing.
    torch.testing.assert_close(attention.sum(dim=2), mask.double(), rtol=0, atol=1e-8)
    # Undoing the L1 step gives back the softmax over frames: each slot sums to one over the clip.
    for clip, frames in enumerate(FRAMES):
        over_frames = softmax(scores[clip, :frames].numpy(), axis=0)
        np.testing.assert_allclose(over_frames.sum(axis=0), 1)
        by_slots = attention[clip, :frames].numpy() * over_frames.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(by_slots, over_frames, rtol=1e-6)


@pytest.mark.parametrize("kind", ["double", "slots"])
def test_memory_answers_differently_to_different_frames_and_clips(kind):
    memory = ExternalMemory(12, 5, kind).double()
    f, mask = padded_batch((12,))
    added = (memory(f, mask) - f).detach()
    assert added[0].std(dim=0).min() > 1e-4
    assert (added[0, :2] - added[2, :2]).abs().min() > 1e-6


def test_one_frame_is_refused_where_the_softmax_would_be_constant():
    mask = torch.tensor([[True, True], [True, False]])
    with pytest.raises(ValueError, match="memory='slots'"):
        ExternalMemory(4, 3, "double")(torch.randn(2, 2, 4), mask)
    assert ExternalMemory(4, 3, "slots")(torch.randn(2, 2, 4), mask).isfinite().all()


def test_without_classifier_there_are_no_logits():
    extractor = EmotionExtractor(12, 5, "double", classifier=False, hidden_width=9).double()
    x, mask = padded_batch((28, 12))
    f_e, logits = extractor(x, mask)
    assert f_e.shape == (3, 7, 12)
    assert logits is None


@pytest.mark.parametrize("kind", ["double", "slots"])
def test_gradients(kind):
    memory = ExternalMemory(3, 2, kind).double()
    f, mask = padded_batch((3,))
    assert torch.autograd.gradcheck(lambda x: memory(x, mask)[mask], f.requires_grad_())
