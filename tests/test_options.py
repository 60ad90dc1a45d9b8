"""An option stands in one place: its dataclass is held against jsonschema and config.yaml."""

import ast
import inspect
import re
from textwrap import dedent
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator
from presets import ROOT

from emohead.config_checks import STAGE_OPTIONS, UNREAD, config_schema
from emohead.features.options import FeatureOptions
from emohead.methods.options import RenderingOptions
from emohead.options import OptionError, Options, json_schema
from emohead.training.options import Recipe, Runtime
from emohead.translator.options import Relu, TranslatorOptions
from emohead.translator.perceptual import RELUS

CLASSES = {
    "features": (FeatureOptions,),
    "rendering": (RenderingOptions,),
    **{
        f"{stage}.{part}": (options,)
        for stage, parts in STAGE_OPTIONS.items()
        for part, options in parts.items()
    },
    **{f"{stage}.train": (Recipe, Runtime) for stage in STAGE_OPTIONS},
}
EVERY_CLASS = sorted({each for some in CLASSES.values() for each in some}, key=lambda c: c.__name__)
TRIED = (
    -1, -0.5, 0, 0.5, 1, 2, 3, 64, 136, 137, None, "", "auto", "mine", "random", "none", "cuda",
    [], [1], [1, 2], [8, 8, 8, 8, 8], [0, 1], ["relu1_1"], ["relu6_1"], [1, "relu1_1"],
)  # fmt: skip


def schema() -> dict[str, Any]:
    return config_schema(ROOT / "schemas/config.schema.yaml")


@pytest.mark.parametrize("options", EVERY_CLASS)
def test_what_the_schema_allows_is_what_the_library_takes(options: type[Options]) -> None:
    """Our check against jsonschema's, with others that contradict none of the values tried."""
    others = {
        Recipe: {"epochs": 1, "batch_size": 3 * 64 * 136 * 137, "validation": 0.1},
        TranslatorOptions: {"attention": "none"},
    }.get(options, {})
    validator = Draft202012Validator(json_schema(options))
    # Of crops jsonschema alone knows multiples; a loss has options of its own.
    for name in options.__dataclass_fields__.keys() - {"crop_size", "loss"}:
        for value in TRIED:
            try:
                options(**{**others, name: value})
                taken = True
            except OptionError:
                taken = False
            assert taken == validator.is_valid({name: value}), (name, value)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(OptionError, match=r"^epochs is 0: it must be at least 1$"):
        Recipe(epochs=0, batch_size=1)
    with pytest.raises(OptionError, match=r"^workers is -1: .*at least 0; or is .*auto"):
        Runtime(workers=-1)


@pytest.mark.parametrize("stage", STAGE_OPTIONS)
def test_what_a_stage_would_not_read_is_refused(stage: str) -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    validator = Draft202012Validator(schema())
    assert validator.is_valid(config)
    for name in (*UNREAD[stage], "loss"):  # a loss stands beside the options, not in them
        wrong = yaml.safe_load((ROOT / "config.yaml").read_text())
        wrong[stage]["options" if name == "loss" else "train"][name] = None
        assert not validator.is_valid(wrong), name


def test_the_layers_of_vgg_are_torchvisions() -> None:
    assert get_args(Relu) == tuple(RELUS)


def comments() -> dict[str, str]:
    """The comment of each key of config.yaml, above it or behind it."""
    found, above, path = {}, [], []
    for line in (ROOT / "config.yaml").read_text().splitlines():
        if line.strip().startswith("#"):
            above.append(line.strip().lstrip("# "))
            continue
        if key := re.match(r"( *)(\w+):", line):
            path = [*path[: len(key[1]) // 2], key[2]]
            _, _, behind = line.partition(" # ")
            found[".".join(path)] = " ".join([*above, *filter(None, [behind])])
        above = []
    return found


def first_paragraphs(options: type[Options]) -> dict[str, str]:
    """What stands below each option, up to an empty line; without its full stop."""
    (tree,) = ast.parse(dedent(inspect.getsource(options))).body
    return {
        field.target.id: " ".join(below.value.value.split("\n\n")[0].split()).removesuffix(".")
        for field, below in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and field.target.id in options.__dataclass_fields__
    }


def test_comments_of_the_config_are_the_options_own() -> None:
    """If this fails, copy the first paragraph below the option to its key in config.yaml."""
    found, paragraphs, seen = comments(), {}, set()
    for section, classes in CLASSES.items():
        for options in classes:
            for name, paragraph in first_paragraphs(options).items():
                if f"{section}.{name}" in found:
                    paragraphs[options, name] = paragraph
                if comment := found.get(f"{section}.{name}"):
                    _, _, comment = comment.rpartition("it trains nothing again. ")
                    assert comment.lower() == paragraph.lower(), f"{section}.{name}"
                    seen.add((options, name))
    assert seen == set(paragraphs)
