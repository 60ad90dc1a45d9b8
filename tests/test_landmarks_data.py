from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from emohead.data.split import hold_out_validation
from emohead.landmarks.build import build_landmark_model
from emohead.landmarks.data import LandmarkClips, collate_clips, fit_training_statistics
from emohead.landmarks.fit import train_landmark_model
from emohead.landmarks.options import LandmarkModelOptions
from emohead.landmarks.task import LandmarkTask
from emohead.training.batches import EpochLoader
from emohead.training.loop import fit
from emohead.training.options import Recipe, Runtime


def clips(frames: tuple[int, ...] = (12, 7, 9)) -> dict[str, SimpleNamespace]:
    generator = np.random.default_rng(0)
    emotions = ("angry", "neutral", "sad")
    made = {}
    for emotion, length in zip(emotions, frames, strict=True):
        made[f"W901-front-{emotion}-1-001"] = SimpleNamespace(
            landmarks=generator.uniform(20, 100, (length, 68, 2)).astype(np.float32),
            mfcc=generator.normal(5, 3, (length, 28, 12)).astype(np.float32),
        )
    return made


def references(dataset: LandmarkClips) -> torch.Tensor:
    return torch.stack([dataset[index].reference for index in range(len(dataset))])


def test_samples_are_whole_clips_in_fractions_of_the_crop():
    made = clips()
    dataset = LandmarkClips(made, 128)
    assert [sample.emotion for sample in (dataset[0], dataset[1], dataset[2])] == [0, 5, 6]
    first = next(iter(made.values()))
    np.testing.assert_allclose(dataset[0].landmarks, first.landmarks / 128)
    np.testing.assert_array_equal(dataset[0].mfcc, first.mfcc)


def test_reference_at_evaluation_is_the_first_frame():
    dataset = LandmarkClips(clips(), 128)
    assert torch.equal(dataset[1].reference, dataset[1].landmarks[0])


def test_reference_at_training_depends_on_seed_and_epoch_only():
    dataset, again, other_seed = (LandmarkClips(clips(), 128, seed=s) for s in (3, 3, 4))
    drawn = []
    for epoch in range(6):
        for each in (dataset, again, other_seed):
            each.set_epoch(epoch)
        assert torch.equal(references(dataset), references(again))
        drawn.append(references(dataset))
        for index in range(len(dataset)):
            frames = dataset[index].landmarks
            assert (frames == dataset[index].reference).flatten(1).all(dim=1).any()
    assert len({reference.numpy().tobytes() for reference in drawn}) > 3
    assert not torch.equal(references(dataset), references(other_seed))


def test_reference_at_training_can_be_the_first_frame_too():
    dataset = LandmarkClips(clips(), 128, seed=3, reference="first")
    for epoch in range(3):
        dataset.set_epoch(epoch)
        for index in range(len(dataset)):
            assert torch.equal(dataset[index].reference, dataset[index].landmarks[0])


def of_two_speakers() -> dict[str, SimpleNamespace]:
    """Clips whose landmarks in frame t are all 10 * their place here + t."""
    ids = [
        "W901-front-neutral-1-003", "W901-front-neutral-1-002", "W901-front-angry-3-001",
        "W902-front-angry-3-001", "W902-front-neutral-1-001",
    ]  # fmt: skip
    return {
        clip_id: SimpleNamespace(
            landmarks=np.float32(10 * place) + np.zeros((4, 68, 2), np.float32)
            + np.arange(4, dtype=np.float32)[:, None, None],
            mfcc=np.zeros((4, 28, 12), np.float32),
        )
        for place, clip_id in enumerate(ids)
    }  # fmt: skip


def test_neutral_reference_is_drawn_from_the_speakers_neutral_training_clips():
    made = of_two_speakers()
    dataset, again = (LandmarkClips(made, 1, seed=3, reference="neutral") for _ in range(2))
    drawn = []
    for epoch in range(12):
        for each in (dataset, again):
            each.set_epoch(epoch)
        assert torch.equal(references(dataset), references(again))
        drawn.append([float(reference[0, 0]) for reference in references(dataset)])
    of_clip = [set(values) for values in zip(*drawn, strict=True)]
    # W901's neutral clips are at places 0 and 1, W902's only one at 4; always their first frames.
    assert of_clip == [{0, 10}, {0, 10}, {0, 10}, {40}, {40}]


def test_neutral_reference_at_evaluation_is_the_lowest_numbered_training_clip():
    made = of_two_speakers()
    validation = {clip_id: made[clip_id] for clip_id in made if "angry" in clip_id}
    training = {clip_id: made[clip_id] for clip_id in made if "neutral" in clip_id}
    dataset = LandmarkClips(validation, 1, reference="neutral", reference_clips=training)
    assert [float(reference[0, 0]) for reference in references(dataset)] == [10, 40]


def test_validation_takes_its_neutral_references_from_the_training_clips(tmp_path):
    """The one neutral clip is trained on, so the validation part has none of its own."""
    draw = np.random.default_rng(0)
    made = {
        clip_id: SimpleNamespace(
            landmarks=draw.uniform(20, 100, (6, 68, 2)).astype(np.float32),
            mfcc=draw.normal(0, 1, (6, 28, 12)).astype(np.float32),
            crop_size=128,
        )
        for clip_id in (*(f"W901-front-angry-3-{k:03d}" for k in range(3)),
                        "W901-front-neutral-1-001")
    }  # fmt: skip
    options = LandmarkModelOptions(
        reference="neutral", components=2, hidden_width=8, emotion_width=8, reference_width=8,
        audio_width=8, lstm_width=8, lstm_layers=1,
    )  # fmt: skip
    training = Recipe(epochs=1, batch_size=4, validation=0.25)
    trained = train_landmark_model(
        made, options, training, Runtime(device="cpu"), seed=0, state=tmp_path
    )
    assert np.isfinite(trained.history["val_L_pca"]).all()
    assert trained.options["reference"] == "neutral"


def test_neutral_reference_wants_neutral_training_clips():
    made = of_two_speakers()
    del made["W902-front-neutral-1-001"]
    with pytest.raises(ValueError, match="speaker W902 has no neutral training clip"):
        LandmarkClips(made, 128, seed=0, reference="neutral")


def test_mfcc_offset_is_one_number_a_coefficient_and_only_at_training():
    true = LandmarkClips(clips(), 128)
    shifted = LandmarkClips(clips(), 128, seed=3, mfcc_offset=2.0)
    offsets = []
    for epoch in range(40):
        shifted.set_epoch(epoch)
        difference = (shifted[0].mfcc - true[0].mfcc).numpy()
        assert np.abs(difference - difference[0, 0]).max() < 1e-4
        offsets.append(difference[0, 0])
    assert np.std(offsets) == pytest.approx(2.0, rel=0.15)
    unshifted = LandmarkClips(clips(), 128, seed=3)
    assert torch.equal(unshifted[0].mfcc, true[0].mfcc)


def test_collate_pads_with_zeros_and_keeps_lengths():
    dataset = LandmarkClips(clips(), 128)
    batch = collate_clips([dataset[0], dataset[1]])
    assert batch.lengths.tolist() == [12, 7]
    assert batch.emotion.tolist() == [0, 5]
    assert batch.mfcc.shape == (2, 12, 28, 12)
    assert torch.equal(batch.landmarks[1, :7], dataset[1].landmarks)
    assert batch.landmarks[1, 7:].abs().sum() == batch.mfcc[1, 7:].abs().sum() == 0


def test_statistics_are_those_of_all_training_windows():
    made = clips()
    basis, statistics = fit_training_statistics(made, 128, LandmarkModelOptions(components=4))
    steps = np.concatenate([clip.mfcc.reshape(-1, 12) for clip in made.values()])
    np.testing.assert_allclose(statistics.mean, steps.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(statistics.deviation, steps.std(axis=0), rtol=1e-4)
    landmarks = np.concatenate([clip.landmarks for clip in made.values()]) / 128
    np.testing.assert_allclose(basis.mean, landmarks.reshape(-1, 136).mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize(
    ("reference", "pairs"),
    [("first", lambda x: x - x[:1]), ("random", lambda x: (x[:, None] - x[None]).reshape(-1, 136))],
)
def test_components_are_those_of_the_offsets_that_training_asks_for(reference, pairs):
    made = clips((30, 20, 25))
    options = LandmarkModelOptions(components=4, reference=reference)
    basis, _ = fit_training_statistics(made, 128, options)
    moments = 0
    for clip in made.values():
        x = clip.landmarks.reshape(-1, 136).astype(np.float64) / 128
        offsets = pairs(x)
        moments = moments + len(x) * offsets.T @ offsets / len(offsets)
    strongest = np.linalg.eigh(moments / 75)
    np.testing.assert_allclose(basis.deviations**2, strongest[0][:-5:-1], rtol=1e-4)
    agreement = np.abs((basis.components * strongest[1].T[:-5:-1]).sum(axis=1))
    np.testing.assert_allclose(agreement, 1, atol=1e-3)
    absolute = replace(options, target="absolute")
    of_faces = fit_training_statistics(made, 128, absolute)[0]
    np.testing.assert_array_equal(of_faces.mean, basis.mean)
    assert np.abs(of_faces.components - basis.components).max() > 0.01


def test_training_tells_what_the_basis_leaves_of_clips_it_has_not_seen(tmp_path):
    draw = np.random.default_rng(2)
    made = {
        f"W901-front-angry-1-00{number}": SimpleNamespace(
            landmarks=draw.uniform(20, 100, (25, 68, 2)).astype(np.float32),
            mfcc=draw.normal(5, 3, (25, 28, 12)).astype(np.float32),
            crop_size=128,
        )
        for number in range(1, 5)
    }
    options = LandmarkModelOptions(
        components=3, hidden_width=8, emotion_width=8, reference_width=8, audio_width=8,
        lstm_width=8, lstm_layers=1, reference="first",
    )  # fmt: skip
    train_landmark_model(
        made, options, Recipe(epochs=1, batch_size=4, validation=0.25), Runtime(device="cpu"),
        seed=0, state=tmp_path / "state", basis_table=tmp_path / "basis.csv",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "basis.csv").set_index("components")
    assert list(table.index) == [3, 6, 16, 32, 64] and list(table["used"][:2]) == [True, False]
    train, (held_out,) = hold_out_validation(made, fraction=0.25, seed=0)
    components = fit_training_statistics(train, 128, options)[0].components
    offsets = (made[held_out].landmarks - made[held_out].landmarks[0]).reshape(-1, 136)
    left = (offsets - offsets @ components.T @ components).reshape(-1, 68, 2)
    assert table.loc[3, "face"] == pytest.approx(np.linalg.norm(left, axis=-1).mean(), rel=1e-3)


def test_a_model_without_c0_learns_the_same_from_features_that_have_it():
    narrow, wide = clips(), clips()
    for clip in wide.values():
        loudness = np.random.default_rng(5).normal(-40, 9, (*clip.mfcc.shape[:2], 1))
        clip.mfcc = np.concatenate([loudness.astype(np.float32), clip.mfcc], axis=2)
    options = LandmarkModelOptions(components=4)
    statistics = [fit_training_statistics(each, 128, options)[1] for each in (narrow, wide)]
    np.testing.assert_array_equal(statistics[0].mean, statistics[1].mean)
    without, ignored = (LandmarkClips(c, 128, seed=3, mfcc_offset=2.0) for c in (narrow, wide))
    assert torch.equal(without[0].mfcc, ignored[0].mfcc)
    heard = LandmarkClips(wide, 128, coefficients=13)[0].mfcc
    assert heard.shape[-1] == 13 and torch.equal(heard[..., 1:], LandmarkClips(narrow, 128)[0].mfcc)
    with pytest.raises(ValueError, match=r"12 MFCC.*set features\.c0 to true"):
        LandmarkClips(narrow, 128, coefficients=13)


def test_bad_clips_are_named():
    made = clips()
    made["W901-front-sad-1-001"].mfcc = made["W901-front-sad-1-001"].mfcc[:-1]
    with pytest.raises(ValueError, match="W901-front-sad-1-001 has 9 landmark frames and 8 MFCC"):
        LandmarkClips(made, 128)
    with pytest.raises(ValueError, match="the part is empty"):
        LandmarkClips({}, 128)


@pytest.mark.parametrize("architecture", ["audio2lm", "at_net"])
def test_training_learns_what_the_sound_says(architecture, tmp_path):
    """The mouth opens with one coefficient: training must beat copying the reference."""
    made = clips((40, 30, 35))
    noise = np.random.default_rng(1)
    for clip in made.values():
        opening = clip.mfcc[:, :1, 0]  # [T, 1]
        clip.mfcc[:, :, 0] = opening
        clip.landmarks = noise.normal(50, 0.1, clip.landmarks.shape).astype(np.float32)
        clip.landmarks[:, 48:68, 1] += opening
    options = LandmarkModelOptions(
        architecture=architecture, components=2, conv_width=2, hidden_width=32, emotion_width=8,
        reference_width=16, audio_width=16, lstm_width=16, lstm_layers=1,
    )  # fmt: skip
    torch.manual_seed(0)
    model = build_landmark_model(options, *fit_training_statistics(made, 128, options))
    data = LandmarkClips(made, 128, seed=0)
    loader = EpochLoader(data, range(len(data)), 1, collate=collate_clips)
    history, _ = fit(
        LandmarkTask(model), loader, loader,
        Recipe(epochs=30, batch_size=1, learning_rate=0.01, decay=1), Runtime(device="cpu"),
        seed=0, state=tmp_path,
    )  # fmt: skip

    # The last epoch's references were drawn for that epoch, so the copy is scored on the same.
    copied = LandmarkClips(made, 128, seed=0)
    copied.set_epoch(29)
    samples = [copied[index] for index in range(len(copied))]
    offsets = [model.project(x.landmarks[None], x.reference[None]) for x in samples]
    copy_loss = float(torch.stack([offset.square().mean() for offset in offsets]).mean())
    measured = history.iloc[-1]
    assert torch.equal(references(data), references(copied))
    assert measured["L_pca"] < 0.5 * copy_loss
    assert ("accuracy" in measured) == ("val_accuracy" in measured) == (architecture == "audio2lm")
    assert "val_L_pca" in measured
