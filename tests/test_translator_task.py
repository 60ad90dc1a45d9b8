from pathlib import Path

import numpy as np
import pytest
import torch
from test_translator_data import clips

from emohead.training.loop import fit
from emohead.training.options import Recipe, Runtime
from emohead.translator.data import training_loader, validation_loader
from emohead.translator.drawing import draw_landmarks
from emohead.translator.losses import TranslatorLossOptions
from emohead.translator.render import translate
from emohead.translator.task import TranslatorTask
from emohead.translator.unet import TranslatorOptions, build_translator

OPTIONS = TranslatorOptions(widths=(8, 8, 8, 8, 8), residual_blocks=0)
LOSS = TranslatorLossOptions(perceptual=0.1, vgg_width=0.05)


def trained(state: Path, epochs: int) -> tuple[TranslatorTask, list[float]]:
    recipe = Recipe(epochs=epochs, batch_size=4, learning_rate=3e-3)
    task = TranslatorTask(OPTIONS, LOSS, seed=0)
    history, _ = fit(
        task,
        training_loader(clips(), batch_size=4, seed=0),
        validation_loader(clips(), batch_size=4),
        recipe,
        Runtime(),
        seed=0,
        state=state,
    )
    assert {"loss", "l1", "perceptual", "val_loss", "val_l1", "val_perceptual"} <= set(history)
    return task, history["l1"].tolist()


def test_training_learns_and_resumes_on_the_same_samples(tmp_path: Path) -> None:
    unbroken, l1 = trained(tmp_path / "unbroken", 6)
    assert l1[-1] < 0.8 * l1[0]
    trained(tmp_path / "broken", 3)
    resumed, _ = trained(tmp_path / "broken", 6)
    for name, value in unbroken.model.state_dict().items():
        torch.testing.assert_close(resumed.model.state_dict()[name], value, msg=name)


def test_only_the_translator_is_trained_and_saved() -> None:
    task = TranslatorTask(OPTIONS, LOSS, seed=0)
    assert all(name.startswith("model.") for name in task.state_dict())
    assert {id(p) for p in task.parameters()} == {id(p) for p in task.model.parameters()}


@pytest.mark.parametrize("batch_size", [2, 16])
def test_translate_is_the_model_on_each_frame(batch_size: int) -> None:
    model = build_translator(OPTIONS, seed=0)
    with torch.no_grad():
        for _ in range(20):  # statistics for BN
            model(torch.rand(4, 6, 32, 32))
    random = np.random.default_rng(0)
    landmarks = random.uniform(0, 32, (5, 68, 2))
    face = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    frames = np.stack(list(translate(model, landmarks, face, batch_size=batch_size)))
    assert frames.shape == (5, 32, 32, 3)
    assert frames.dtype == np.uint8
    assert model.training
    model.eval()
    for points, frame in zip(landmarks, frames, strict=True):
        inputs = np.concatenate([draw_landmarks(points, 32), face], axis=2).transpose(2, 0, 1)
        with torch.no_grad():
            made = model(torch.from_numpy(inputs[None] / 255).float())[0].permute(1, 2, 0)
        assert np.abs(frame - 255 * made.numpy()).max() <= 0.51
