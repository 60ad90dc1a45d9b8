import numpy as np
import pytest
import torch
from choices import values
from numpy_layers import Weights, check_gradients, linear, mlp, softmax, weights_of

from emohead.landmarks.msef import MSEF, ExternalMemory, double_normalise
from emohead.landmarks.options import LandmarkModelOptions

FRAMES = (7, 4, 2)
MEMORIES = values(LandmarkModelOptions, "memory")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def padded_batch(width: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Random clips of 7, 4 and 2 frames; the padding is random too, so that its use shows."""
    x = torch.randn(len(FRAMES), max(FRAMES), *width, dtype=torch.float64)
    mask = torch.arange(max(FRAMES)) < torch.tensor(FRAMES)[:, None]
    return x, mask


def memory_by_formula(f: np.ndarray, w: Weights, name: str, kind: str) -> np.ndarray:
    """Eq. (1) for one clip f [T, C]; a convolution of size 1 is a product with a matrix."""
    if kind == "none":
        return f
    queries = f @ w[f"{name}.g_in.weight"][:, :, 0].T + w[f"{name}.g_in.bias"]
    scores = linear(queries, w, f"{name}.M_1")
    if kind == "double":
        attention = softmax(scores, axis=0)
        attention = attention / attention.sum(axis=1, keepdims=True)
    else:
        attention = softmax(scores, axis=1)
    return f + linear(attention, w, f"{name}.M_2") @ w[f"{name}.g_out.weight"][:, :, 0].T


@pytest.mark.parametrize("memory", MEMORIES)
def test_msef_is_the_formula_whatever_the_padding(memory):
    msef = MSEF(12, 5, memory, classifier=True, mfcc_window=336, hidden_width=9).double()
    x, mask = padded_batch((28, 12))
    with torch.no_grad():
        f_e, logits = msef(x, mask)

    w = weights_of(msef)
    for clip, frames in enumerate(FRAMES):
        f = mlp(x[clip, :frames].numpy().reshape(frames, 336), w, "mlp")
        expected = memory_by_formula(f, w, "memory", memory)
        np.testing.assert_allclose(f_e[clip, :frames], expected, rtol=1e-7, atol=1e-9)
        expected_logits = linear(expected.mean(axis=0), w, "classifier")
        np.testing.assert_allclose(logits[clip], expected_logits, rtol=1e-7)


@pytest.mark.parametrize("memory", MEMORIES)
def test_frames_in_another_order_give_the_same_features_and_emotions(memory):
    msef = MSEF(12, 5, memory, classifier=True, mfcc_window=336, hidden_width=9).double()
    x, mask = padded_batch((28, 12))
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    f_e, logits = msef(x[:1], mask[:1])
    permuted, permuted_logits = msef(x[:1, order], mask[:1])
    torch.testing.assert_close(permuted, f_e[:, order])
    torch.testing.assert_close(permuted_logits, logits)


def test_only_double_normalisation_looks_at_the_other_frames():
    f, mask = padded_batch((12,))
    other = f.clone()
    other[0, 6] += 1
    changed = {}
    for kind in ("double", "slots"):
        memory = ExternalMemory(12, 5, kind).double()
        changed[kind] = (memory(other, mask) - memory(f, mask)).abs().amax(dim=2) > 1e-9
    assert changed["double"][0].all()
    assert not changed["double"][1:].any()
    assert changed["slots"].nonzero().tolist() == [[0, 6]]


def test_double_normalisation_sums():
    scores, mask = padded_batch((5,))
    attention = double_normalise(scores, mask)
    # Over the slots every true frame sums to one, padding to nothing.
    torch.testing.assert_close(attention.sum(dim=2), mask.double(), rtol=0, atol=1e-7)
    # Undoing the L1 step gives back the softmax over frames: each slot sums to one over the clip.
    for clip, frames in enumerate(FRAMES):
        over_frames = softmax(scores[clip, :frames].numpy(), axis=0)
        np.testing.assert_allclose(over_frames.sum(axis=0), 1)
        by_slots = attention[clip, :frames].numpy() * over_frames.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(by_slots, over_frames, rtol=1e-6)


@pytest.mark.parametrize("kind", ["double", "slots"])
def test_memory_is_no_constant_but_with_one_slot_it_would_be(kind):
    f, mask = padded_batch((12,))
    memory, one_slot = (ExternalMemory(12, slots, kind).double() for slots in (5, 1))
    with torch.no_grad():
        added, constant = (module(f, mask) - f for module in (memory, one_slot))
    assert added[0].std(dim=0).min() > 1e-4
    assert (added[0, :2] - added[2, :2]).abs().min() > 1e-6
    torch.testing.assert_close(constant[mask], constant[0, :1].expand(sum(FRAMES), -1))


def test_one_frame_would_read_a_constant_with_double_normalisation():
    """Softmax over one frame is 1 in every slot, L1 makes it 1 / S: whatever the clip says."""
    scores = torch.randn(6, 1, 5, dtype=torch.float64)
    attention = double_normalise(scores, torch.ones(6, 1, dtype=torch.bool))
    torch.testing.assert_close(attention, torch.full_like(scores, 1 / 5))


def test_one_frame_is_refused_where_the_memory_would_be_constant():
    mask = torch.tensor([[True, True], [True, False]])
    with pytest.raises(ValueError, match="memory='slots'"):
        ExternalMemory(4, 3, "double")(torch.randn(2, 2, 4), mask)
    with torch.no_grad():
        f = torch.randn(2, 2, 4)
        added = ExternalMemory(4, 3, "slots")(f, mask) - f
    assert (added[0, 0] - added[1, 0]).abs().max() > 1e-3


def test_memory_starts_as_external_attentions():
    memory = ExternalMemory(12, 5, "double")
    assert torch.equal(memory.M_2.weight, memory.M_1.weight.T)


def test_without_classifier_there_are_no_logits():
    msef = MSEF(12, 5, "double", classifier=False, mfcc_window=336, hidden_width=9).double()
    x, mask = padded_batch((28, 12))
    f_e, logits = msef(x, mask)
    assert f_e.shape == (3, 7, 12)
    assert logits is None


@pytest.mark.parametrize("memory", MEMORIES)
def test_gradients(memory):
    msef = MSEF(3, 2, memory, classifier=True, mfcc_window=336, hidden_width=4).double()
    x, mask = padded_batch((28, 12))
    check_gradients(msef, x.requires_grad_(), mask)
