from typing import get_args

import numpy as np
import pytest
import torch
from method_factory import CROP_SIZE, landmark_model, translator, write_face

from emohead.cli import main
from emohead.features.faces import FaceFinder
from emohead.generate.bundle import Bundle
from emohead.generate.portrait import read_portrait
from emohead.generate.precision import Precision, choose_precision, fast_translator, moved_faces
from emohead.translator.inputs import draw_inputs
from emohead.translator.render import render

BF16, VNNI = {"avx512_bf16": True}, {"avx512_vnni": True}


@pytest.fixture
def hardware(monkeypatch):
    """`hardware(**found)`: what torch finds in the CPU."""

    def pretend(capability=(8, 0), oneDNN=True, **found):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: oneDNN)

    return pretend


@pytest.mark.parametrize(
    ("found", "cpu"),
    [
        ({}, "float32"),
        ({"avx2": True, "avx512_f": True}, "float32"),
        (BF16, "bf16"),
        (VNNI, "int8"),
        (VNNI | BF16, "int8"),
        (VNNI | {"amx_int8": True, "amx_bf16": True}, "int8"),
        (VNNI | BF16 | {"oneDNN": False}, "bf16"),
    ],
)
def test_auto_is_the_fastest_that_there_is(hardware, found, cpu):
    hardware(**found)
    assert choose_precision("auto", "cpu") == cpu
    assert choose_precision("auto", "cuda") == "bf16"
    hardware(capability=(7, 5), **found)
    assert choose_precision("auto", "cuda") == "float32"


def test_what_is_said_stands(hardware):
    hardware(**VNNI)
    for precision in ("int8", "bf16", "float32"):
        assert choose_precision(precision, "cpu") == precision
    with pytest.raises(ValueError, match="VNNI"):
        choose_precision("int8", "cuda")
    hardware(**BF16)
    with pytest.raises(ValueError, match="VNNI"):
        choose_precision("int8", "cpu")


def test_the_command_offers_them_all(capsys):
    with pytest.raises(SystemExit):
        main(["generate", "--help"])
    assert "--precision {" + ",".join(get_args(Precision)) + "}" in capsys.readouterr().out


def test_faces_move_by_the_components_of_the_basis():
    model = landmark_model()
    face = np.random.default_rng(0).uniform(5, 25, (68, 2)).astype(np.float32)
    moved = moved_faces(model, face, CROP_SIZE)
    assert moved.shape == (4, 68, 2) and moved.dtype == np.float32
    np.testing.assert_allclose(moved.mean(axis=0), face, atol=1e-5)
    components = model.components.numpy().astype(float)  # orthonormal
    coefficients = (moved - face).reshape(4, -1) @ components.T / CROP_SIZE
    wanted = np.zeros((4, len(components)))
    wanted[[0, 2], 0] = np.array([3, -3]) * float(model.deviations[0])
    wanted[[1, 3], 1] = np.array([3, -3]) * float(model.deviations[1])
    np.testing.assert_allclose(coefficients, wanted, atol=1e-5)


@pytest.mark.parametrize("warp", [False, True])
@pytest.mark.parametrize("precision", ["auto", "bf16", "float32"])
def test_the_fast_translator_makes_the_frames_of_the_model(tmp_path, precision, warp):
    bundle = Bundle(
        landmark_model(),
        translator(warp=warp, inputs="areas" if warp else "drawing"),
        CROP_SIZE,
        {},
    )
    portrait = read_portrait(write_face(tmp_path / "face.png"), CROP_SIZE, FaceFinder())
    faces = moved_faces(bundle.landmarks, portrait.landmarks, CROP_SIZE) / 2
    drawings = draw_inputs(bundle.translator.options.inputs, faces, portrait.crop)
    given = drawings, portrait.crop, faces, portrait.landmarks
    exact = render(bundle.translator, *given).astype(float)
    made = render(fast_translator(bundle, portrait, precision), *given)
    assert np.square(made - exact).mean() < exact.var() / 100
