"""The models of the presets, as the rules give them to the scripts; and the rules' texts."""

import re
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

ROOT = Path(__file__).parent.parent


def options_of(preset: str, stage: str, model: str) -> dict[str, Any]:
    """A model's options in a preset, laid over config.yaml."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(config, yaml.safe_load((ROOT / preset).read_text()))
    common, own = config[stage], config[stage]["models"][model]
    return {k: v for k, v in {**common["options"], **own}.items() if k not in ("loss", "train")}


def rule_texts() -> list[tuple[str, str, str]]:
    """The rule that it is made of (or none), name and body of every rule."""
    head = r"^ *(?:use rule (\w+) as|rule) (\w+)(?: with)?:\n"  # some stand in an if block
    rule = re.compile(rf"{head}(.*?)(?=^ *(?:use )?rule |\Z)", re.DOTALL | re.MULTILINE)
    files = sorted((ROOT / "rules").glob("*.smk"))
    return [found for path in files for found in rule.findall(path.read_text())]
