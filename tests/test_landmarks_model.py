from dataclasses import replace

import numpy as np
import pytest
import torch
from choices import SMALL, alternatives
from numpy_layers import (
    Weights,
    batch_norm,
    conv,
    linear,
    lstm,
    max_pool,
    mlp,
    randomise_batch_norms,
    relu,
    weights_of,
)
from presets import options_of
from test_disentangler import emotion_encoder_by_formula
from test_landmarks_msef import memory_by_formula

from emohead.disentangler.nets import Disentangler, DisentanglerOptions
from emohead.landmarks.basis import fit_basis
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.data import ClipSample
from emohead.landmarks.model import LandmarkModel, MfccStatistics
from emohead.landmarks.options import LandmarkModelOptions
from emohead.landmarks.predict import predict_landmarks

MODELS = {
    "default": SMALL,
    **{
        name: replace(SMALL, **changes)
        for name, changes in alternatives(LandmarkModelOptions).items()
        if not name.startswith(("reference: ", "c0: "))  # which are of what a model is given
    },
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


def landmarks_by_formula(
    w: Weights, options: LandmarkModelOptions, reference: np.ndarray, audio_features: np.ndarray
) -> np.ndarray:
    """One clip's landmarks [T, 68, 2] from features [T, A]: E_Lm, LSTM and FC, PCA basis."""
    centred = (reference - w["mean_face"]).reshape(136)
    given = centred / w["spread"]
    if options.reference_input == "components":
        given = w["components"] @ centred / w["deviations"]
    code = mlp(given, w, "E_Lm")
    x = np.concatenate([np.tile(code, (len(audio_features), 1)), audio_features], axis=1)
    coefficients = linear(lstm(x, w, "lstm", options.lstm_layers), w, "fc") * w["deviations"]
    origin = reference if options.target == "offset" else w["mean_face"]
    return origin + (coefficients @ w["components"]).reshape(-1, 68, 2)


def double_batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    mfcc, reference, lengths = batch()
    return mfcc.double(), reference.double(), lengths


def true_windows(mfcc: torch.Tensor, w: Weights) -> list[np.ndarray]:
    """Each clip's normalised windows [T, 28, 12], without padding."""
    normalised = (mfcc.numpy() - w["mfcc_mean"]) / w["mfcc_deviation"]
    return [clip[:frames] for clip, frames in zip(normalised, LENGTHS, strict=True)]


@pytest.mark.parametrize(
    "name", [name for name in MODELS if MODELS[name].architecture == "audio2lm"]
)
def test_audio2lm_is_the_papers_figure(name):
    options, model = MODELS[name], build(MODELS[name]).double()
    mfcc, reference, lengths = double_batch()
    with torch.no_grad():
        prediction = model(mfcc, reference, lengths)
    w = weights_of(model)
    for clip, windows in enumerate(true_windows(mfcc, w)):
        windows = windows.reshape(-1, 336)
        features = mlp(windows, w, "E_A")
        if options.emotion == "msef":
            f_e = memory_by_formula(mlp(windows, w, "msef.mlp"), w, "msef.memory", options.memory)
            features = np.concatenate([features, f_e], axis=1)
        if options.has_emotion_logits:
            logits = linear(f_e.mean(axis=0), w, "msef.classifier")
            np.testing.assert_allclose(prediction.emotion_logits[clip], logits, rtol=1e-6)
        np.testing.assert_allclose(
            prediction.landmarks[clip, : len(windows)],
            landmarks_by_formula(w, options, reference[clip].numpy(), features),
            rtol=0,
            atol=1e-6,  # the basis is applied in float32
        )


def atvgnet_audio_encoder(
    windows: np.ndarray, w: Weights, *, training: bool, encoder: str = "audio_encoder"
) -> np.ndarray:
    """ATVGnet's `code/models.py`: windows [N, 28, 12] -> [N, A]."""
    x = windows[:, None]
    for place in (0, 1, "pool", 3, 4, 5):
        if place == "pool":
            x = max_pool(x, 3, stride=(1, 2))
            continue
        name = f"{encoder}.convolutions.{place}"
        x = relu(batch_norm(conv(x, w, f"{name}.0"), w, f"{name}.1", training=training))
    x = max_pool(x, 3, stride=(2, 2))
    return mlp(x.reshape(len(x), -1), w, f"{encoder}.fc")


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", ["at_net", "evp"])
def test_at_net_is_atvgnets_and_evp_has_an_emotion_code_too(name, training):
    name = f"architecture: {name}"
    options, model = MODELS[name], build(MODELS[name]).double()
    randomise_batch_norms(model)
    mfcc, reference, lengths = double_batch()
    w = weights_of(model)
    with torch.no_grad():
        landmarks = model.train(training)(mfcc, reference, lengths).landmarks
    # The true frames of all clips are one batch to the batch normalisation.
    windows = np.concatenate(true_windows(mfcc, w))
    if name.endswith("at_net"):
        codes = atvgnet_audio_encoder(windows, w, training=training)
    else:
        content, emotion = "audio_encoder.content_encoder", "audio_encoder.emotion_encoder."
        codes = np.concatenate(
            [atvgnet_audio_encoder(windows, w, training=training, encoder=content),
             emotion_encoder_by_formula(windows, w, emotion, training=training)], axis=1,
        )  # fmt: skip
    features = np.split(codes, [LENGTHS[0]])
    for clip, frames in enumerate(LENGTHS):
        expected = landmarks_by_formula(w, options, reference[clip].numpy(), features[clip])
        np.testing.assert_allclose(landmarks[clip, :frames], expected, rtol=0, atol=1e-6)


def test_evp_goes_on_from_a_disentanglers_encoders():
    model = build(MODELS["architecture: evp"])
    statistics = MfccStatistics(np.zeros(12, np.float32), np.ones(12, np.float32))
    disentangler = Disentangler(DisentanglerOptions(2, 10, 12, 1), statistics)
    randomise_batch_norms(disentangler)
    model.go_on_from(disentangler.state_dict())
    windows = torch.randn(3, 28, 12, generator=torch.Generator().manual_seed(3))
    codes = disentangler.eval().content(windows), disentangler.emotion(windows)
    torch.testing.assert_close(model.audio_encoder(windows), torch.cat(codes, dim=1))


def test_an_emotion_that_is_told_is_its_mean_code_of_training():
    model = build(MODELS["architecture: evp"])
    randomise_batch_norms(model)
    mfcc, reference, lengths = batch()
    clips = [
        ClipSample(mfcc[0, :6], None, None, 2), ClipSample(mfcc[1, :4], None, None, 2),
        ClipSample(mfcc[1, 4:7], None, None, 0),
    ]  # fmt: skip
    model.keep_mean_codes(clips)
    w = weights_of(model)
    windows = np.concatenate([mfcc[0, :6], mfcc[1, :4]])
    normalised = (windows - w["mfcc_mean"]) / w["mfcc_deviation"]
    mean = emotion_encoder_by_formula(normalised, w, "audio_encoder.emotion_encoder.").mean(axis=0)
    np.testing.assert_allclose(w["audio_encoder.mean_codes"][2], mean, rtol=0, atol=1e-5)
    heard = model(mfcc, reference, lengths).landmarks
    with model.telling(2):
        codes = model.audio_encoder(mfcc[0])[:, -12:]
        np.testing.assert_allclose(codes.detach(), np.tile(mean, (9, 1)), rtol=0, atol=1e-5)
        told = model(mfcc, reference, lengths).landmarks
    with model.telling(0):
        other = model(mfcc, reference, lengths).landmarks
    assert not torch.allclose(told, heard) and not torch.allclose(told, other)
    assert torch.equal(model(mfcc, reference, lengths).landmarks, heard)


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


@pytest.mark.parametrize("name", ["default", "architecture: at_net"])
def test_zero_output_is_exactly_the_reference(name):
    model = build(MODELS[name], random_output=False)
    mfcc, reference, lengths = batch()
    landmarks = model(mfcc, reference, lengths).landmarks
    assert torch.equal(landmarks, reference[:, None].expand(-1, 9, -1, -1))


def test_zero_output_of_an_absolute_target_is_the_mean_face():
    model = build(MODELS["target: absolute"], random_output=False)
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


def test_mixed_precision_leaves_the_lstm_in_float32():
    model = build(SMALL)
    draw = torch.Generator().manual_seed(2)
    code = torch.randn(1, SMALL.reference_width, generator=draw)
    features = torch.randn(1, 9, SMALL.audio_width + SMALL.emotion_width, generator=draw)
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        found, _ = model.regress(code, features)
    w = weights_of(model)
    x = np.concatenate([code.double().expand(9, -1), features[0].double()], axis=1)
    expected = linear(lstm(x, w, "lstm", SMALL.lstm_layers), w, "fc") * w["deviations"]
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-6)


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


@pytest.mark.parametrize(("layers", "silenced"), [(1, None), (2, "dropout"), (1, "dropout")])
def test_dropout_acts_on_the_lstms_input_and_between_its_layers(layers, silenced):
    model = build(replace(SMALL, lstm_layers=layers, dropout=0.5))
    if silenced:
        model.dropout = torch.nn.Identity()

    @torch.no_grad()
    def spread() -> float:
        first, second = (model(*batch()).coefficients[0] for _ in range(2))
        return float((first - second).abs().max())

    assert spread() == 0
    model.train()
    assert (spread() > 1e-3) == (layers == 2 or not silenced)


def parameters(module: torch.nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


# The paper's sizes, with ATVGnet's and EVP's where it names none.
E_LM = (136 * 256 + 256) + (256 * 512 + 512)
E_A = (336 * 256 + 256) + (256 * 128 + 128)
MEMORY = (128 * 128 + 128) + 128 * 64 + 64 * 128 + 128 * 128
CLASSIFIER = 128 * 8 + 8
LSTM = 4 * 256 * (768 + 256 + 2) + 2 * 4 * 256 * (256 + 256 + 2)
FC = 256 * 32 + 32
AUDIO_ENCODER = (
    sum(9 * i * o + 2 * o for i, o in ((1, 64), (64, 128), (128, 256), (256, 256), (256, 512)))
    + (12288 * 2048 + 2048)
    + (2048 * 256 + 256)
)


def test_sizes_of_audio2lm_at_the_papers_scale():
    model = build(
        LandmarkModelOptions(**options_of("config/mead.yaml", "landmarks", "audio2lm_msef"))
    )
    assert parameters(model.E_A) == E_A == 119_168
    assert parameters(model.msef.memory) == MEMORY == 49_280
    assert parameters(model.msef) == E_A + MEMORY + CLASSIFIER == 169_480
    assert parameters(model.E_Lm) == E_LM == 166_656
    assert model.lstm.input_size == 512 + 128 + 128 == 768
    assert parameters(model.lstm) == LSTM == 2_103_296
    assert parameters(model) == E_A + E_A + MEMORY + CLASSIFIER + E_LM + LSTM + FC == 2_566_824
    assert parameters(build(LandmarkModelOptions(components=32))) == parameters(model)


def test_sizes_of_evp_at_its_own_scale():
    options = options_of("config/mead.yaml", "landmarks", "at_net")
    options |= {"architecture": "evp", "emotion_width": 128, "components": 16}
    model = build(LandmarkModelOptions(**options))
    emotion_encoder = 8_107_592 - CLASSIFIER  # with EVP's classifier
    lstm, fc = LSTM + 4 * 256 * 128, 256 * 16 + 16
    assert model.lstm.input_size == 512 + 256 + 128 == 896
    assert parameters(model) == AUDIO_ENCODER + emotion_encoder + E_LM + lstm + fc == 38_345_232


def test_sizes_of_at_net_at_atvgnets_scale():
    model = build(LandmarkModelOptions(**options_of("config/mead.yaml", "landmarks", "at_net")))
    assert parameters(model.audio_encoder) == AUDIO_ENCODER == 27_833_536
    assert model.lstm.input_size == 512 + 256 == 768
    assert parameters(model) == AUDIO_ENCODER + E_LM + LSTM + FC == 30_111_712


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="memory is 'triple'"):
        LandmarkModelOptions(memory="triple")
    with pytest.raises(ValueError, match="lstm_layers is 0"):
        LandmarkModelOptions(lstm_layers=0)
    with pytest.raises(ValueError, match="memory_slots is 1"):
        LandmarkModelOptions(memory_slots=1)
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
    assert predict_landmarks(build(MODELS["emotion: none"]), mfcc[1, :4].numpy(),
                             128 * reference[1].numpy(), 128)[1] is None  # fmt: skip


def test_a_window_of_one_frame_is_refused_at_prediction_too():
    mfcc, reference, _ = batch()
    window, face = mfcc[0, :1].numpy(), reference[0].numpy()
    with pytest.raises(ValueError, match="one frame"):
        predict_landmarks(build(SMALL), window, face, 1)
    for name in ("memory: slots", "memory: none", "emotion: none", "architecture: at_net"):
        assert predict_landmarks(build(MODELS[name]), window, face, 1)[0].shape == (1, 68, 2)
