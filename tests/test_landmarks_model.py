from dataclasses import replace

import numpy as np
import pytest
import torch

from emohead.landmarks.basis import fit_basis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.model import LandmarkModel, MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions
from emohead.landmarks.predict import predict_landmarks

SMALL = LandmarkModelOptions(
    components=6,
    audio_width=10,
    emotion_width=12,
    memory_slots=5,
    reference_width=8,
    hidden_width=16,
    conv_width=2,
    lstm_width=14,
    lstm_layers=2,
)
MODELS = {
    "msef": SMALL,
    "slots": replace(SMALL, memory="slots"),
    "no classifier": replace(SMALL, classifier=False),
    "plain": replace(SMALL, emotion="none"),
    "absolute": replace(SMALL, target="absolute"),
    "at_net": replace(SMALL, architecture="at_net"),
}
LENGTHS = torch.tensor([9, 4])


def build(options: LandmarkModelOptions, *, random_output: bool = True) -> LandmarkModel:
    generator = np.random.default_rng(0)
    faces = generator.uniform(0.2, 0.8, (200, 68, 2)).astype(np.float32)
    statistics = MfccStatistics(
        generator.standard_normal(12).astype(np.float32),
        generator.uniform(1, 2, 12).astype(np.float32),
    )
    torch.manual_seed(0)
    model = build_landmark_model(options, fit_basis(faces, options.components), statistics)
    if random_output:
        torch.nn.init.normal_(model.fc.weight)
    return model.eval()


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    mfcc = torch.randn(2, 9, 28, 12, generator=generator)
    return mfcc, torch.rand(2, 68, 2, generator=generator), LENGTHS


@pytest.mark.parametrize("name", MODELS)
def test_shapes(name):
    model = build(MODELS[name])
    prediction = model(*batch())
    assert prediction.landmarks.shape == (2, 9, 68, 2)
    assert prediction.coefficients.shape == (2, 9, 6)
    if MODELS[name].has_emotion_logits:
        assert prediction.emotion_logits.shape == (2, 8)
    else:
        assert prediction.emotion_logits is None


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_a_clip_does_not_see_the_padding(name, training):
    model = build(MODELS[name]).train(training)
    mfcc, reference, lengths = batch()
    other_padding = mfcc.clone()
    other_padding[1, 4:] = 1e3
    longer = torch.nn.functional.pad(other_padding, (0, 0, 0, 0, 0, 3))
    prediction = model(mfcc, reference, lengths)
    padded = model(longer, reference, lengths)
    for clip, frames in enumerate(lengths):
        torch.testing.assert_close(
            padded.landmarks[clip, :frames], prediction.landmarks[clip, :frames]
        )
    torch.testing.assert_close(padded.emotion_logits, prediction.emotion_logits)
    if not training:
        alone = model(mfcc[1:, :4], reference[1:], lengths[1:])
        torch.testing.assert_close(alone.landmarks[0], prediction.landmarks[1, :4])


@pytest.mark.parametrize("name", MODELS)
def test_sound_and_reference_drive_the_landmarks(name):
    model = build(MODELS[name])
    mfcc, reference, lengths = batch()
    coefficients = model(mfcc, reference, lengths).coefficients
    other_sound = model(mfcc.flip(1), reference, torch.tensor([9, 9])).coefficients
    other_face = model(mfcc, reference.flip(0), lengths).coefficients
    assert (coefficients - other_sound).abs().max() > 1e-3
    assert (coefficients - other_face).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["msef", "at_net"])
def test_zero_output_is_exactly_the_reference(name):
    model = build(MODELS[name], random_output=False)
    mfcc, reference, lengths = batch()
    landmarks = model(mfcc, reference, lengths).landmarks
    assert torch.equal(landmarks, reference[:, None].expand(-1, 9, -1, -1))


def test_zero_output_of_an_absolute_target_is_the_mean_face():
    model = build(MODELS["absolute"], random_output=False)
    landmarks = model(*batch()).landmarks
    torch.testing.assert_close(landmarks, model.mean_face.expand(2, 9, -1, -1))


@pytest.mark.parametrize("target", ["offset", "absolute"])
def test_targets_are_orthogonal_projections(target):
    model = build(replace(SMALL, target=target))
    _, reference, _ = batch()
    landmarks = torch.rand(2, 9, 68, 2, generator=torch.Generator().manual_seed(2))
    coefficients = model.project(landmarks, reference)
    origin = reference[:, None] if target == "offset" else model.mean_face
    expected = np.einsum(
        "btc,kc->btk", (landmarks - origin).flatten(2).numpy(), model.components.numpy()
    )
    np.testing.assert_allclose(coefficients, expected, atol=1e-5)
    # What the basis can say survives; what it cannot is what the projection removed.
    residual = (landmarks - model.reconstruct(coefficients, reference)).flatten(2)
    torch.testing.assert_close(
        residual @ model.components.T, torch.zeros(2, 9, 6), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("name", MODELS)
def test_mixed_precision_rounds_neither_reference_nor_target(name):
    model = build(MODELS[name])
    mfcc, reference, lengths = batch()
    exact = model(mfcc, reference, lengths)
    target = model.project(exact.landmarks, reference)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(mfcc, reference, lengths)
        assert torch.equal(model.project(exact.landmarks, reference), target)
    # The network rounds to 8 bits; its landmarks are still exactly origin + basis.
    again = model.reconstruct(mixed.coefficients, reference)
    assert mixed.landmarks.dtype == torch.float32
    assert torch.equal(mixed.landmarks, again)
    spread = exact.coefficients[0].std()
    assert (mixed.coefficients - exact.coefficients)[0].abs().max() < 0.2 * spread


def test_mfcc_are_normalised_per_coefficient():
    model = build(SMALL)
    mfcc = model.mfcc_mean + 3 * model.mfcc_deviation.expand(1, 2, 28, 12)
    torch.testing.assert_close(model.normalise_mfcc(mfcc), torch.full((1, 2, 28, 12), 3.0))


def test_weights_carry_basis_and_statistics():
    model = build(SMALL)
    stranger = build_landmark_model(
        SMALL,
        fit_basis(np.random.default_rng(9).uniform(0, 1, (50, 68, 2)), SMALL.components),
        MfccStatistics(np.zeros(12, np.float32), np.ones(12, np.float32)),
    ).eval()
    stranger.load_state_dict(model.state_dict())
    torch.testing.assert_close(stranger(*batch()), model(*batch()))


def test_parameter_counts_of_the_paper_scale():
    def count(options: LandmarkModelOptions) -> int:
        return sum(value.numel() for value in build(options).parameters())

    e_lm = (136 * 256 + 256) + (256 * 512 + 512)
    e_a = (336 * 256 + 256) + (256 * 128 + 128)
    memory = (128 * 128 + 128) + 2 * 128 * 64 + 128 * 128
    msef = e_a + memory + (128 * 8 + 8)
    lstm = 4 * 256 * (768 + 256 + 2) + 2 * 4 * 256 * (256 + 256 + 2)
    fc = 256 * 16 + 16
    assert count(LandmarkModelOptions()) == e_lm + e_a + msef + lstm + fc == 2_562_712

    convolutions = sum(9 * i * o + 2 * o for i, o in
                       ((1, 64), (64, 128), (128, 256), (256, 256), (256, 512)))  # fmt: skip
    encoder = convolutions + (12288 * 2048 + 2048) + (2048 * 256 + 256)
    at_net = LandmarkModelOptions(architecture="at_net", audio_width=256)
    assert count(at_net) == e_lm + encoder + lstm + fc


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="memory is 'triple'"):
        LandmarkModelOptions(memory="triple")
    with pytest.raises(ValueError, match="lstm_layers is 0"):
        LandmarkModelOptions(lstm_layers=0)
    with pytest.raises(ValueError, match="16 components, the options ask for 6"):
        faces = np.random.default_rng(0).uniform(0, 1, (50, 68, 2))
        statistics = MfccStatistics(np.zeros(12, np.float32), np.ones(12, np.float32))
        build_landmark_model(SMALL, fit_basis(faces, 16), statistics)


def test_predict_landmarks_works_in_pixels():
    model = build(SMALL)
    mfcc, reference, _ = batch()
    landmarks, probabilities = predict_landmarks(
        model, mfcc[1, :4].numpy(), 128 * reference[1].numpy(), crop_size=128
    )
    expected = model(*batch())
    assert landmarks.dtype == np.float32
    np.testing.assert_allclose(landmarks, 128 * expected.landmarks[1, :4].detach(), atol=1e-3)
    logits = expected.emotion_logits[1].detach().numpy()
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-logits)), rtol=1e-4)
    assert predict_landmarks(build(MODELS["plain"]), mfcc[1, :4].numpy(),
                             128 * reference[1].numpy(), 128)[1] is None  # fmt: skip
