from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy_layers import (
    Weights,
    batch_norm,
    check_gradients,
    conv,
    randomise_batch_norms,
    relu,
    sigmoid,
    weights_of,
)
from presets import options_of
from test_translator_cbam import cbam_by_formula
from torch import nn

from emohead.translator.cbam import CBAM
from emohead.translator.unet import ResidualBlock, TranslatorOptions, UNet, build_translator

SMALL = TranslatorOptions(widths=(4, 6, 8, 10, 12), residual_blocks=1, attention="none")
SMALL_CBAM = TranslatorOptions(widths=(4, 6, 8, 10, 12), residual_blocks=1)


def images(size: int = 64) -> torch.Tensor:
    return torch.rand(2, 6, size, size, generator=torch.Generator().manual_seed(1))


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def kernels(inputs: int, outputs: int, *, bias: bool = False) -> int:
    return inputs * outputs * 9 + (outputs if bias else 0)


def translator_of_mead(name: str, **changes: object) -> UNet:
    """A translator of config/mead.yaml, without memory for its weights."""
    options = TranslatorOptions(**options_of("config/mead.yaml", "translator", name))
    with torch.device("meta"):
        return UNet(replace(options, **changes))


def test_the_papers_unet_has_makeittalks_parameters() -> None:
    """Counted by hand: six maps, two residual blocks each, BN but on the ends."""
    widths = (64, 128, 256, 512, 512, 512)
    expected = kernels(6, 64, bias=True) + kernels(512, 512, bias=True)
    expected += sum(kernels(a, b) + 2 * b for a, b in pairwise(widths[:5]))
    up = [(512, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    expected += sum(kernels(a, b) + 2 * b for a, b in up) + kernels(128, 3, bias=True)
    expected += sum(4 * (kernels(c, c) + 2 * c) for c in (*widths, *(b for _, b in up)))
    assert parameters(translator_of_mead("unet")) == expected == 69_861_315


@pytest.mark.parametrize(
    ("attention", "added"),
    [
        # Hidden layers of C / 16 on two maps each of 64, 128, 256 and 512 channels, with biases.
        ("channel", 2 * sum(2 * c * (c // 16) + c // 16 + c for c in (64, 128, 256, 512))),
        # A kernel of two 7x7 maps and BN's scale and shift, on eight maps.
        ("spatial", 8 * (2 * 49 + 2)),
    ],
)
def test_a_gate_adds_its_parameters(attention: str, added: int) -> None:
    gated = translator_of_mead("aatu", attention=attention, placement="shallow")
    assert parameters(gated) == 69_861_315 + added


def test_size_of_the_papers_aatu() -> None:
    aatu, shallow = (
        translator_of_mead("aatu", placement=p) for p in ("execution_order", "shallow")
    )
    assert parameters(translator_of_mead("aatu")) == parameters(aatu) == 69_983_927
    wider_gates = translator_of_mead("aatu", placement="shallow", reduction=8)
    assert parameters(shallow) == 69_861_315 + 89_080 + 800
    assert parameters(wider_gates) - parameters(shallow) == 2 * sum(
        (2 * c + 1) * (c // 8 - c // 16) for c in (64, 128, 256, 512)
    )
    # One more map of 512 channels in the place of that of 64.
    assert parameters(aatu) - parameters(shallow) == (2 * 512 * 32 + 32 + 512) - (
        2 * 64 * 4 + 4 + 64
    )


def unet_by_formula(x: np.ndarray, w: Weights, options: TranslatorOptions) -> np.ndarray:
    """MakeItTalk's ResUnetGenerator with attention on four maps of either side; [B, 6, S, S]."""
    deepest = len(options.widths) - 1

    def residual_blocks(x: np.ndarray, name: str, first: int) -> np.ndarray:
        for place in range(first, first + options.residual_blocks):
            x = residual_block_by_formula(x, w, f"{name}.{place}.")
        return x

    def attend(x: np.ndarray, name: str, depths: set[int]) -> np.ndarray:
        if options.attention == "none" or int(name.split(".")[1]) not in depths:
            return x
        return cbam_by_formula(x, w, f"{name}.", options.attention)

    maps = []
    for i in range(deepest + 1):
        x = conv(x, w, f"down.{i}.0", stride=2)
        if 0 < i < deepest:
            x = batch_norm(x, w, f"down.{i}.1")
        x = residual_blocks(relu(x), f"down.{i}", 3)
        x = attend(x, f"attend_down.{i}", {0, 1, 2, 3})
        maps.append(x)
    attended = {0, 1, 2, 3}
    if options.placement == "execution_order":
        attended = {deepest - 1, deepest - 2, deepest - 3, deepest - 4}
    for i in reversed(range(deepest)):
        x = x.repeat(2, axis=2).repeat(2, axis=3)
        x = relu(batch_norm(conv(x, w, f"up.{i}.1"), w, f"up.{i}.2"))
        x = residual_blocks(x, f"up.{i}", 4)
        x = attend(x, f"attend_up.{i}", attended)
        x = np.concatenate([maps[i], x], axis=1)
    x = x.repeat(2, axis=2).repeat(2, axis=3)
    return sigmoid(conv(x, w, "to_frame.1"))


def residual_block_by_formula(x: np.ndarray, w: Weights, name: str) -> np.ndarray:
    inner = relu(batch_norm(conv(x, w, f"{name}body.0"), w, f"{name}body.1"))
    return relu(x + batch_norm(conv(inner, w, f"{name}body.3"), w, f"{name}body.4"))


@pytest.mark.parametrize(
    "changes",
    [
        {"attention": "none"},
        {"attention": "none", "residual_blocks": 2},
        {"attention": "none", "residual_blocks": 0},
        {"attention": "cbam"},
        {"attention": "cbam", "placement": "shallow", "reduction": 1},
        {"attention": "channel"},
        {"attention": "spatial"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_translators_are_the_papers_figure(changes: dict[str, object]) -> None:
    options = replace(SMALL, widths=(4, 6, 8, 10, 7, 5), **changes)
    model = build_translator(options, seed=0).double().eval()
    randomise_batch_norms(model)
    pictures = images().double()
    with torch.no_grad():
        frames = model(pictures).numpy()
    np.testing.assert_allclose(
        frames, unet_by_formula(pictures.numpy(), weights_of(model), options), rtol=1e-9
    )
    assert frames.std(axis=(0, 2, 3)).min() > 1e-3  # the sigmoid is not saturated


def test_residual_block_is_the_formula() -> None:
    block = ResidualBlock(5).double().eval()
    randomise_batch_norms(block)
    features = torch.randn(2, 5, 6, 7, dtype=torch.float64)
    with torch.no_grad():
        out = block(features)
    expected = residual_block_by_formula(features.numpy(), weights_of(block), "")
    np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("training", [False, True])
def test_gradients(training: bool) -> None:
    """Down, up, skip and attention, as small as a net can be."""
    options = TranslatorOptions(widths=(2, 2, 2, 2, 2), residual_blocks=1, reduction=1)
    model = build_translator(options, seed=0).double().train(training)
    randomise_batch_norms(model)
    check_gradients(model, images(32).double().requires_grad_())


@pytest.mark.parametrize("options", [SMALL, SMALL_CBAM])
def test_frame_is_an_image_of_the_same_size(options: TranslatorOptions) -> None:
    frame = build_translator(options, seed=0)(images())
    assert frame.shape == (2, 3, 64, 64)
    assert frame.min() >= 0
    assert frame.max() <= 1


def recorded_maps(options: TranslatorOptions, modules: str) -> list[tuple[int, int]]:
    """(channels, size) of the maps that CBAM sees at 256 px, in the order of execution."""
    with torch.device("meta"):
        model = UNet(replace(options, residual_blocks=0))
        seen: list[tuple[int, int]] = []
        for module in getattr(model, modules):
            if isinstance(module, CBAM):
                module.register_forward_hook(
                    lambda _, __, out: seen.append((out.shape[1], out.shape[2]))
                )
        model(torch.empty(1, 6, 256, 256))
    return seen


@pytest.mark.parametrize("how", ["autocast", "weights"])
def test_frames_in_bf16_are_finer_than_bf16(how: str) -> None:
    """Between .5 and 1 bf16 has 128 values: a level of a pixel each, or two."""
    model = build_translator(TranslatorOptions((8, 8, 8, 8, 8), 0, "none"), seed=0).eval()
    inputs = torch.rand(1, 6, 64, 64, generator=torch.Generator().manual_seed(0))
    logits = []
    model.to_frame[2].register_forward_pre_hook(lambda _, given: logits.append(given[0]))
    if how == "weights":
        model, inputs = model.bfloat16(), inputs.bfloat16()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=how == "autocast"):
        made = model(inputs)
    assert logits[0].dtype == torch.bfloat16 and made.dtype == torch.float32
    expected = 1 / (1 + np.exp(-logits[0].double().numpy()))
    np.testing.assert_allclose(made.numpy(), expected, atol=1e-6)


def test_attention_sits_where_the_paper_and_the_placement_say() -> None:
    shallow = [(64, 128), (128, 64), (256, 32), (512, 16)]
    for placement in ("shallow", "execution_order"):
        assert recorded_maps(TranslatorOptions(placement=placement), "attend_down") == shallow
    assert recorded_maps(TranslatorOptions(placement="shallow"), "attend_up") == shallow[::-1]
    assert recorded_maps(TranslatorOptions(), "attend_up") == [
        (512, 8),
        (512, 16),
        (256, 32),
        (128, 64),
    ]


class Open(nn.Module):
    """A gate that lets everything through."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(features)


def test_with_open_gates_aatu_is_the_unet() -> None:
    plain = build_translator(SMALL, seed=0).eval()
    aatu = build_translator(SMALL_CBAM, seed=1).eval()
    missing = aatu.load_state_dict(plain.state_dict(), strict=False)
    assert not missing.unexpected_keys
    assert all(name.startswith("attend_") for name in missing.missing_keys)
    with torch.no_grad():
        expected = plain(images())
        assert not torch.allclose(aatu(images()), expected, atol=1e-3)
        for module in aatu.modules():
            if isinstance(module, CBAM):
                module.channel_gate, module.spatial_gate = Open(), Open()
        torch.testing.assert_close(aatu(images()), expected)


def test_same_seed_same_weights_and_the_global_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    first, second = (build_translator(SMALL, seed=5).state_dict() for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(
        first["down.0.0.weight"], build_translator(SMALL, seed=6).state_dict()["down.0.0.weight"]
    )


def test_impossible_options_and_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="widths"):
        TranslatorOptions(widths=(64, 0))
    with pytest.raises(ValueError, match="5 or more widths"):
        TranslatorOptions(widths=(8, 8, 8, 8))
    with pytest.raises(ValueError, match="attention is 'self'"):
        TranslatorOptions(attention="self")
    with pytest.raises(ValueError, match="5 or more widths"):
        TranslatorOptions(attention="spatial", widths=(8, 8, 8, 8))
    with pytest.raises(ValueError, match="placement"):
        TranslatorOptions(placement="deep")
    with pytest.raises(ValueError, match="multiple of 32"):
        build_translator(SMALL)(torch.zeros(1, 6, 48, 48))
    with pytest.raises(ValueError, match="multiple of 32"):
        build_translator(SMALL)(torch.zeros(1, 3, 64, 64))
