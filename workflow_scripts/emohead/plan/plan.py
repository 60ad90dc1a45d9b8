"""`emohead plan`: what a run of a config takes, before anything is there."""

from collections.abc import Mapping
from typing import Any

from emohead.cost.amounts import expect_amounts
from emohead.cost.estimate import estimate_trainings
from emohead.plan.page import page
from emohead.plan.sizes import needed_models, sizes
from emohead.plan.work import Machine, all_work

#: What a plan goes by.
NEEDED = (
    "seeds", "data", "features", "split", "disentangler", "landmarks", "translator", "methods",
    "rendering", "evaluation",
)  # fmt: skip


def plan(config: Mapping[str, Any], *, machine: Machine | None = None, nodes: int = 1) -> str:
    """Jobs, memory, disk and hours as Markdown, on one `machine` and on as many as `nodes`.

    `config` is a whole one, config.yaml with what is laid over it; neither data nor Snakemake are
    needed. ValueError where a machine is too small for a job, or the config isn't whole.
    """
    if missing := [key for key in NEEDED if key not in config]:
        raise ValueError(f"the config has no {', '.join(missing)}: name config.yaml first")
    try:
        return _plan(config, machine or Machine(), nodes)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"the config has a wrong key or value ({error}): `snakemake -n --configfile`, with the "
            "files that follow config.yaml, names it"
        ) from error


def _plan(config: Mapping[str, Any], machine: Machine, nodes: int) -> str:
    asked = sizes(config)
    amounts = expect_amounts(
        asked.clips, config["split"]["test_fraction"], mini=asked.source == "mini"
    )
    crop_size = config["features"]["crop_size"]
    landmarks, translators = (needed_models(config, stage) for stage in ("landmarks", "translator"))
    trainings = {
        "landmarks": estimate_trainings(landmarks, {}, crop_size, amounts),
        "translator": estimate_trainings({}, translators, crop_size, amounts),
    }
    about = (
        f"{asked.speakers} speakers, {asked.shards} shards, {amounts.source}; crops of "
        f"{crop_size} pixels; {asked.runs} runs of methods."
    )
    return page(all_work(config, asked, amounts, trainings, machine), about, machine, nodes)
