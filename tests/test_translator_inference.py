import copy

import pytest
import torch
from method_factory import translator
from torch import nn

from emohead.translator.inference import for_inference

IMAGES = torch.rand(3, 6, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("attention", ["none", "cbam", "channel", "spatial"])
@torch.inference_mode()
def test_the_fast_form_is_the_same_function(attention):
    model = translator(attention=attention)
    made, fast = model(IMAGES), for_inference(model, bf16=False)(IMAGES)
    assert made.std() > 0.01
    torch.testing.assert_close(fast, made, atol=1e-5, rtol=0)


@torch.inference_mode()
def test_normalisation_and_upsampling_are_gone():
    fast = for_inference(translator(), bf16=False)
    for step in (*fast.down, *fast.up, fast.to_frame):
        kinds = {type(module) for module in step.modules()}
        assert not kinds & {nn.BatchNorm2d, nn.Upsample}


@torch.inference_mode()
def test_bf16_differs_by_its_rounding_alone():
    model = translator()
    fast = for_inference(model, bf16=True)
    assert {weight.dtype for weight in fast.parameters()} == {torch.bfloat16}
    made = fast(IMAGES.bfloat16()).float()
    torch.testing.assert_close(made, model(IMAGES), atol=0.1, rtol=0)
    assert not torch.equal(made, model(IMAGES))


def test_the_model_itself_stays_as_it_was():
    model = translator().train()
    before = copy.deepcopy(model.state_dict())
    for_inference(model, bf16=True)
    assert model.training
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert all(weight.requires_grad for weight in model.parameters())
