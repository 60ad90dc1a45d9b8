from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from emohead.translator.cbam import Cbam
from emohead.translator.unet import TranslatorOptions, UNet, build_translator

SMALL = TranslatorOptions(widths=(4, 6, 8, 10, 12), residual_blocks=1, attention="none")
SMALL_CBAM = TranslatorOptions(widths=(4, 6, 8, 10, 12), residual_blocks=1)


def images(size: int = 64) -> torch.Tensor:
    return torch.rand(2, 6, size, size, generator=torch.Generator().manual_seed(1))


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def conv(inputs: int, outputs: int, *, bias: bool = False) -> int:
    return inputs * outputs * 9 + (outputs if bias else 0)


def test_paper_widths_have_makeittalks_parameters() -> None:
    """Counted by hand from methods: six maps, two residual blocks each, BN but on the ends."""
    widths = (64, 128, 256, 512, 512, 512)
    expected = conv(6, 64, bias=True) + conv(512, 512, bias=True)
    expected += sum(conv(a, b) + 2 * b for a, b in pairwise(widths[:5]))
    up = [(512, 512), (1024, 512), (1024, 256), (512, 128), (256, 64)]
    expected += sum(conv(a, b) + 2 * b for a, b in up) + conv(128, 3, bias=True)
    expected += sum(4 * (conv(c, c) + 2 * c) for c in (*widths, *(b for _, b in up)))
    with torch.device("meta"):
        plain = UNet(TranslatorOptions(attention="none"))
    assert parameters(plain) == expected
    assert round(expected / 1e6, 1) == 69.9


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
            if isinstance(module, Cbam):
                module.register_forward_hook(
                    lambda _, __, out: seen.append((out.shape[1], out.shape[2]))
                )
        model(torch.empty(1, 6, 256, 256))
    return seen


def test_attention_sits_where_the_paper_and_the_placement_say() -> None:
    shallow = [(64, 128), (128, 64), (256, 32), (512, 16)]
    for placement in ("shallow", "execution_order"):
        assert recorded_maps(TranslatorOptions(placement=placement), "attend_down") == shallow
    assert recorded_maps(TranslatorOptions(), "attend_up") == shallow[::-1]
    assert recorded_maps(TranslatorOptions(placement="execution_order"), "attend_up") == [
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
            if isinstance(module, Cbam):
                module.channel_gate, module.spatial_gate = Open(), Open()
        torch.testing.assert_close(aatu(images()), expected)


@pytest.mark.parametrize("depth", range(4))
def test_every_skip_is_used(depth: int) -> None:
    """With the way through deeper maps cut, an encoder map still reaches the frame."""
    model = build_translator(SMALL, seed=0).eval()
    model.down[depth + 1].register_forward_hook(lambda _, __, out: torch.zeros_like(out))
    with torch.no_grad():
        before = model(images())
        model.down[depth].register_forward_hook(lambda _, __, out: out + 1)
        after = model(images())
    assert not torch.allclose(before, after, atol=1e-4)


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
    with pytest.raises(ValueError, match="attention"):
        TranslatorOptions(attention="self")
    with pytest.raises(ValueError, match="placement"):
        TranslatorOptions(placement="deep")
    with pytest.raises(ValueError, match="multiple of 32"):
        build_translator(SMALL)(torch.zeros(1, 6, 48, 48))
    with pytest.raises(ValueError, match="multiple of 32"):
        build_translator(SMALL)(torch.zeros(1, 3, 64, 64))
