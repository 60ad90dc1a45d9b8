"""The disentangler: nets and losses against formulas, pairs against brute force, its gates."""

from dataclasses import asdict
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy_layers import (
    Weights,
    batch_norm,
    conv,
    conv_transpose,
    max_pool,
    mlp,
    randomise_batch_norms,
    relu,
    weights_of,
)

from emohead.data.mead import EMOTIONS, ClipName
from emohead.disentangler.data import CrossSample, DisentanglerSamples, EmotionSample
from emohead.disentangler.fit import train_disentangler
from emohead.disentangler.gates import try_gates
from emohead.disentangler.losses import cross_losses
from emohead.disentangler.nets import REACH, Disentangler, DisentanglerOptions
from emohead.disentangler.numbers import SentenceNumbers
from emohead.disentangler.pairs import (
    align_sentences,
    find_pairs,
    read_pairs,
    steps_of,
    warp,
    windows_of,
    write_pairs,
)
from emohead.disentangler.task import DisentanglerTask
from emohead.features.mfcc import mfcc_windows
from emohead.landmarks.model import MfccStatistics
from emohead.training.checkpoint import load_checkpoint, save_checkpoint
from emohead.training.options import Recipe, Runtime

SMALL = DisentanglerOptions(2, 5, 6, 1, pretrain_epochs=1, samples_per_epoch=16)
NUMBERS = SentenceNumbers((1, 2, 3), (1, 2, 3), (3,))


def statistics() -> MfccStatistics:
    draw = np.random.default_rng(0)
    return MfccStatistics(
        draw.standard_normal(12).astype(np.float32), draw.uniform(1, 2, 12).astype(np.float32)
    )


def build(options: DisentanglerOptions = SMALL) -> Disentangler:
    torch.manual_seed(0)
    model = Disentangler(options, statistics())
    randomise_batch_norms(model)
    return model.eval()


# --- the nets ---


def emotion_encoder_by_formula(
    windows: np.ndarray, w: Weights, name: str, *, training: bool = False
) -> np.ndarray:
    """EVP's emotion encoder on normalised windows [N, 28, 12]: pools (1, 3), (12, 1), (1, 2)."""
    x = windows.transpose(0, 2, 1)[:, None]
    pools = {1: ((1, 3), (1, 2)), 4: ((12, 1), (12, 1)), 6: ((1, 2), (1, 2))}
    for place in range(7):
        if place in pools:
            x = max_pool(x, *pools[place])
            continue
        layer = f"{name}convolutions.{place}"
        x = relu(batch_norm(conv(x, w, f"{layer}.0"), w, f"{layer}.1", training=training))
    return mlp(x.reshape(len(x), -1), w, f"{name}fc")


def test_the_emotion_encoder_is_evps():
    model = build().emotion_encoder.double()
    windows = np.random.default_rng(1).standard_normal((3, 28, 12))
    with torch.no_grad():
        codes = model(torch.tensor(windows))
    expected = emotion_encoder_by_formula(windows, weights_of(model), "")
    np.testing.assert_allclose(codes, expected, rtol=0, atol=1e-12)


def test_the_decoder_is_evps():
    model = build().double()
    torch.nn.init.normal_(model.decoder[-3].weight)
    codes = np.random.default_rng(1).standard_normal((3, 11))
    with torch.no_grad():
        made = model.rebuild(torch.tensor(codes[:, :5]), torch.tensor(codes[:, 5:]))
    w, x = weights_of(model), codes[:, :, None, None]
    for place, stride, padding in (
        (1, (2, 2), (1, 1)), (4, (2, 2), (1, 1)), (7, (2, 2), (1, 1)), (10, (2, 1), (3, 1)),
    ):  # fmt: skip
        x = conv_transpose(x, w, f"decoder.{place}", stride, padding)
        x = relu(batch_norm(x, w, f"decoder.{place + 1}"))
    x = np.tanh(conv_transpose(x, w, "decoder.13", (1, 1), (1, 1)))[:, 0]
    assert x.shape == (3, 28, 12)
    expected = w["mfcc_mean"] + REACH * w["mfcc_deviation"] * x
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-5)  # summed up in float32


def test_sizes_at_evps_scale():
    model = Disentangler(DisentanglerOptions(), statistics())

    def parameters(*parts: torch.nn.Module) -> int:
        return sum(value.numel() for part in parts for value in part.parameters())

    assert parameters(model.content_encoder) == 27_833_536
    assert parameters(model.emotion_encoder, model.classifier) == 8_107_592
    assert parameters(model.decoder) == 3_958_465


# --- the loss ---


def test_the_seven_terms():
    draw = np.random.default_rng(2)
    rebuilt, true = draw.standard_normal((3, 2, 2, 28, 12)), draw.standard_normal((3, 2, 28, 12))
    content, logits = draw.standard_normal((3, 2, 5)), draw.standard_normal((3, 2, 8))
    emotion = np.array([[0, 3], [7, 1], [2, 5]])
    given = {"rebuilt": rebuilt, "true": true, "content": content, "logits": logits}
    losses = cross_losses(
        **{name: torch.tensor(value) for name, value in given.items()},
        emotion=torch.tensor(emotion),
    )
    A, B = true[:, 0], true[:, 1]
    assert losses["L_self"] == pytest.approx(
        np.abs(rebuilt[:, 0, 0] - A).mean() + np.abs(rebuilt[:, 1, 1] - B).mean()
    )
    # The content of A with the emotion of B is B's take of that moment.
    assert losses["L_cross"] == pytest.approx(
        np.abs(rebuilt[:, 0, 1] - B).mean() + np.abs(rebuilt[:, 1, 0] - A).mean()
    )
    assert losses["L_con"] == pytest.approx(np.abs(content[:, 0] - content[:, 1]).mean())
    chosen = np.take_along_axis(logits, emotion[..., None], axis=2)[..., 0]
    ce = np.log(np.exp(logits).sum(axis=2)) - chosen
    assert losses["L_cla"] == pytest.approx(ce[:, 0].mean() + ce[:, 1].mean())
    assert losses["loss"] == pytest.approx(sum(v for k, v in losses.items() if k != "loss"))


class Ideal(torch.nn.Module):
    """Of windows whose first six coefficients are the moment and the last six the emotion."""

    mfcc_mean = torch.zeros(12)  # says where the model is

    def content(self, windows):
        return windows[..., :6].flatten(1)

    def emotion(self, windows):
        return windows[:, 0, 6:]

    def rebuild(self, content, emotion):
        said, felt = content.unflatten(1, (28, 6)), emotion[:, None].expand(-1, 28, -1)
        return torch.cat([said, felt], dim=2)

    def classifier(self, codes):
        # 0 for the code of the emotion itself, far below for the others.
        return -100 * torch.cdist(codes, codes_of_emotions())


def codes_of_emotions() -> torch.Tensor:
    return torch.tensor(np.random.default_rng(5).standard_normal((8, 6)), dtype=torch.float32)


def take(speaker: int, sentence: int, emotion: str, frames: int = 12) -> SimpleNamespace:
    """What is read of a stored clip: a walk that is the sentence's beside the emotion's numbers."""
    draw = np.random.default_rng([speaker, sentence])
    said = draw.standard_normal((4 * (frames - 1) + 28, 6)).cumsum(axis=0)
    felt = codes_of_emotions()[EMOTIONS.index(emotion)].numpy()
    steps = np.concatenate([said, np.tile(felt, (len(said), 1))], axis=1)
    return SimpleNamespace(mfcc=windows_of(steps.astype(np.float32)))


def corpus(emotions=("angry", "happy", "neutral"), sentences=(1, 2, 3, 4)) -> dict:
    return {
        ClipName(f"W90{s}", "front", emotion, 1, number).clip_id: take(s, number, emotion)
        for s, emotion, number in product((1, 2), emotions, sentences)
    }


def draws(
    clips: dict, *, pretrain_epochs: int = 0, paired: float = 1, epoch: int = 0
) -> DisentanglerSamples:
    found = align_sentences(clips, find_pairs(clips, NUMBERS))
    samples = DisentanglerSamples(
        clips, found, samples=16, pretrain_epochs=pretrain_epochs, paired=paired, seed=0
    )
    samples.set_epoch(epoch)
    return samples


def batch_of(samples: DisentanglerSamples):
    return torch.utils.data.default_collate([samples[i] for i in range(len(samples))])


def test_an_ideal_model_has_no_loss_in_these_roles_and_in_no_others():
    task, batch = DisentanglerTask(Ideal()), batch_of(draws(corpus()))
    assert float(task(batch)["loss"]) == pytest.approx(0, abs=1e-5)
    swapped = CrossSample(batch.content.flip(1), batch.emotional, batch.emotion)
    # As in the released loader: emotion codes of the other emotion than their label.
    crossed = CrossSample(batch.content, batch.emotional.flip(1), batch.emotion)
    # And the second content of another moment than the first.
    other = CrossSample(
        torch.stack([batch.content[:, 0], batch.emotional[:, 1]], dim=1),
        batch.emotional,
        batch.emotion,
    )
    for wrong in (swapped, crossed, other):
        assert float(task(wrong)["loss"]) > 0.1


def test_emotion_codes_come_from_other_moments_of_the_same_emotions():
    batch = batch_of(draws(corpus()))
    assert not torch.equal(batch.content, batch.emotional)
    felt = codes_of_emotions()[batch.emotion]
    for windows in (batch.content, batch.emotional):
        torch.testing.assert_close(windows[:, :, 0, 6:], felt)
    assert (batch.emotion[:, 0] != batch.emotion[:, 1]).all()
    torch.testing.assert_close(batch.content[:, 0, :, :6], batch.content[:, 1, :, :6])


def test_samples_that_are_not_paired_are_of_one_emotion_and_any_take():
    samples = draws(corpus(), paired=0)
    batch = batch_of(samples)
    assert torch.equal(batch.content[:, 0], batch.content[:, 1])
    assert torch.equal(batch.emotion[:, 0], batch.emotion[:, 1])
    assert float(DisentanglerTask(Ideal())(batch)["loss"]) == pytest.approx(0, abs=1e-5)
    half = batch_of(draws(corpus(), paired=0.5))
    same = half.emotion[:, 0] == half.emotion[:, 1]
    assert 0 < same.sum() < len(same)


def test_the_first_epochs_are_pretraining_and_draws_repeat():
    clips = corpus()
    first, later = (batch_of(draws(clips, pretrain_epochs=2, epoch=e)) for e in (1, 2))
    assert isinstance(first, EmotionSample) and isinstance(later, CrossSample)
    again = batch_of(draws(clips, pretrain_epochs=2, epoch=2))
    assert torch.equal(again.content, later.content)
    other = batch_of(draws(clips, pretrain_epochs=2, epoch=3))
    assert not torch.equal(other.content, later.content)


def test_rebuilding_teaches_the_encoders_from_the_first_step():
    task = DisentanglerTask(build().train())
    task(batch_of(draws(corpus())))["L_cross"].backward()
    for encoder in (task.model.content_encoder, task.model.emotion_encoder):
        assert all(each.grad.abs().sum() > 0 for each in encoder.parameters())


# --- the pairs ---


def test_steps_are_the_sounds_own_mfcc():
    samples = np.random.default_rng(3).normal(0, 0.1, 20 * 640).astype(np.float32)
    windows = mfcc_windows(samples, 20)
    steps = steps_of(windows)
    assert steps.shape == (4 * 19 + 28, 12)
    np.testing.assert_array_equal(windows_of(steps), windows)
    np.testing.assert_array_equal(steps_of(mfcc_windows(samples, 20, c0=True)), steps)


def best_path(costs: np.ndarray) -> tuple[float, list[tuple[int, int]]]:
    """By trying every path from the first to the last pair of steps."""
    ends = costs.shape[0] - 1, costs.shape[1] - 1

    def paths(i: int, j: int):
        if (i, j) == ends:
            yield [(i, j)]
        for a, b in ((i + 1, j + 1), (i + 1, j), (i, j + 1)):
            if a <= ends[0] and b <= ends[1]:
                for rest in paths(a, b):
                    yield [(i, j), *rest]

    return min((sum(costs[p] for p in path), path) for path in paths(0, 0))


@pytest.mark.parametrize("seed", range(4))
def test_warping_is_that_of_the_best_of_all_paths(seed):
    draw = np.random.default_rng(seed)
    first, second = draw.standard_normal((5, 12)), draw.standard_normal((6, 12))
    centred = first - first.mean(axis=0), second - second.mean(axis=0)
    costs = np.abs(centred[0][:, None] - centred[1]).sum(axis=2)
    total, path = best_path(costs)
    expected = np.zeros_like(first)
    for i, j in path:
        expected[i] = second[j]
    warped, cost = warp(first, second)
    np.testing.assert_array_equal(warped, expected)
    assert cost == pytest.approx(total / len(path))


def test_a_pair_whose_sound_disagrees_is_dropped():
    clips = corpus()
    pairs = find_pairs(clips, NUMBERS)
    assert len(pairs) == 2 * 2 * 3 and all(pair.kept for pair in pairs)
    assert {pair.first.split("-")[2] for pair in pairs} == {"angry"}
    # Somebody's second and fourth happy take have changed places.
    names = [f"W901-front-happy-1-00{number}" for number in (2, 4)]
    clips[names[0]], clips[names[1]] = clips[names[1]], clips[names[0]]
    dropped = [pair for pair in find_pairs(clips, NUMBERS) if not pair.kept]
    assert [(pair.speaker, pair.sentence, pair.second) for pair in dropped] == [
        ("W901", 2, names[0])
    ]
    by_emotion = {
        (each.speaker, each.number): set(each.windows)
        for each in align_sentences(clips, find_pairs(clips, NUMBERS))
    }
    assert by_emotion["W901", 2] == {"angry", "neutral"}
    assert by_emotion["W902", 2] == {"angry", "happy", "neutral"}


@pytest.mark.parametrize("speaker", ["W901", "007", "NA"])
def test_pairs_are_read_as_they_were_written(tmp_path, speaker):
    clips = {
        clip_id.replace("W901", speaker): clip
        for clip_id, clip in corpus().items()
        if clip_id.startswith("W901")
    }
    pairs = find_pairs(clips, NUMBERS)
    write_pairs(pairs, tmp_path / "pairs.csv")
    read = read_pairs(tmp_path / "pairs.csv")
    assert [pair.speaker for pair in read] == [speaker] * len(pairs)
    assert [pair._replace(cost=0) for pair in read] == [pair._replace(cost=0) for pair in pairs]
    np.testing.assert_allclose([pair.cost for pair in read], [pair.cost for pair in pairs])


def test_neutral_has_numbers_of_its_own_and_the_highest_level_counts():
    clips = {
        ClipName("M003", "front", "happy", level, 21).clip_id: take(3, level, "happy")
        for level in (1, 2, 3)
    }
    clips["M003-front-neutral-1-031"] = take(3, 3, "neutral")
    clips["M003-front-neutral-1-021"] = take(3, 9, "neutral")
    numbers = SentenceNumbers((21, 22), (31, 32), (22,))
    (pair,) = find_pairs(clips, numbers)
    assert (pair.first, pair.second) == ("M003-front-happy-3-021", "M003-front-neutral-1-031")
    assert pair.kept
    assert numbers.is_held_back("M003-front-neutral-1-032")
    assert not numbers.is_held_back("M003-front-neutral-1-031")
    assert numbers.is_held_back("M003-front-neutral-1-022")


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (((1, 2), (1,), (2,)), "2 emotional and 1 neutral"),
        (((1, 2), (1, 2), (7,)), "held_back"),
        (((1, 2), (1, 2), (1, 2)), "leave one"),
    ],
)
def test_numbers_that_contradict_are_refused(numbers, words):
    with pytest.raises(ValueError, match=words):
        SentenceNumbers(*numbers)


# --- training and gates ---


def trained(clips: dict, state: Path, *, epochs: int = 3):
    recipe = Recipe(epochs=epochs, batch_size=4, learning_rate=0.01)
    pairs = find_pairs(clips, NUMBERS)
    return train_disentangler(
        clips, pairs, NUMBERS, SMALL, recipe, Runtime(device="cpu"), seed=0, state=state
    )


def test_a_training_that_stopped_goes_on_and_comes_back_from_its_file(tmp_path):
    whole, _ = trained(corpus(), tmp_path / "whole")
    trained(corpus(), tmp_path / "parts", epochs=1)
    parts, gates = trained(corpus(), tmp_path / "parts")
    assert list(whole.history["step"]) == [4, 8, 12]
    assert np.isnan(whole.history["L_cross"][0]) and whole.history["L_cross"].notna().sum() == 2
    for name, weights in whole.weights.items():
        assert torch.equal(parts.weights[name], weights)
    save_checkpoint(tmp_path / "model.pt", parts)
    read = load_checkpoint(tmp_path / "model.pt", "disentangler")
    assert read.options == asdict(SMALL)
    model = Disentangler(SMALL, MfccStatistics.from_arrays(read.arrays))
    model.load_state_dict(read.weights)
    assert all(torch.equal(model.state_dict()[name], each) for name, each in whole.weights.items())
    assert {gate.name for gate in gates} == {"swapped", "emotion", "content", "partner"}


def test_nothing_is_learnt_from_what_is_held_back(tmp_path):
    clips = corpus()
    before, _ = trained(clips, tmp_path / "before", epochs=2)
    for clip_id in clips:
        if clip_id.endswith("003"):
            clips[clip_id] = SimpleNamespace(mfcc=clips[clip_id].mfcc * 1.5)
    after, _ = trained(clips, tmp_path / "after", epochs=2)
    for name, weights in before.weights.items():
        assert torch.equal(after.weights[name], weights)


def test_gates_tell_a_disentangler_from_one_that_is_none():
    clips = corpus(("angry", "happy", "neutral", "sad"))
    held = {clip_id: clip for clip_id, clip in clips.items() if clip_id.endswith("3")}
    train = {clip_id: clip for clip_id, clip in clips.items() if clip_id not in held}
    sentences = [s for s in align_sentences(clips, find_pairs(clips, NUMBERS)) if s.number == 3]
    gates = {gate.name: gate for gate in try_gates(Ideal(), train, held, sentences)}
    assert all(gate.passed for gate in gates.values())
    assert gates["swapped"].found == pytest.approx(0, abs=1e-6)
    true = [list(sentence.windows.values()) for sentence in sentences]
    apart = [np.abs(a - b).mean() for each in true for a in each for b in each if a is not b]
    assert gates["swapped"].bar == pytest.approx(np.mean(apart), rel=1e-5)
    assert gates["emotion"].found == gates["partner"].found == 1

    class Exchanged(Ideal):
        """The content is taken for the emotion and the other way round."""

        def content(self, windows):
            return windows[:, :, 6:].flatten(1)

        def emotion(self, windows):
            return windows[:, 0, :6]

    gates = {gate.name: gate for gate in try_gates(Exchanged(), train, held, sentences)}
    assert not any(gates[name].passed for name in ("swapped", "content", "partner"))


def test_without_pairs_the_message_says_where_to_look():
    with pytest.raises(ValueError, match="pair_sentences"):
        DisentanglerSamples(corpus(), [], samples=1, pretrain_epochs=0, paired=1, seed=0)
