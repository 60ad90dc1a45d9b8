"""`emohead plan`: what a run of a config takes, before anything is there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emohead.plan.amounts import count_amounts, expect_amounts
from emohead.plan.page import page
from emohead.plan.sizes import needed_models, share_tested, sizes
from emohead.plan.trainings import estimate_trainings
from emohead.plan.work import Machine, all_work

#: The keys of a config that a plan reads.
NEEDED = (
    "seeds", "data", "features", "split", "disentangler", "landmarks", "translator", "motion_field",
    "motion_audio", "methods", "rendering", "evaluation",
)  # fmt: skip


def plan(
    config: Mapping[str, Any],
    *,
    machine: Machine | None = None,
    nodes: int = 1,
    split: Path | None = None,
    measure: bool = False,
) -> str:
    """Jobs, memory, disk and hours as Markdown, on one `machine` and on as many as `nodes`.

    `config` is a whole one, config.yaml with what is laid over it; neither data nor Snakemake are
    needed. The clips are those that the config asks for, or those of a `split`. With `measure` a
    few steps of each training are timed here. ValueError where a machine is too small for a job, or
    the config isn't whole.
    """
    if missing := [key for key in NEEDED if key not in config]:
        raise ValueError(f"the config has no {', '.join(missing)}: name config.yaml first")
    try:
        return _plan(config, machine or Machine(), nodes, split, measure)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"the config has a wrong key or value ({error}): `snakemake -n --configfile`, with the "
            "files that follow config.yaml, names it"
        ) from error


def _plan(
    config: Mapping[str, Any], machine: Machine, nodes: int, split: Path | None, measure: bool
) -> str:
    asked = sizes(config)
    if split is not None:
        amounts = count_amounts(split)
    else:
        amounts = expect_amounts(
            asked.clips,
            share_tested(config),
            mini=asked.source == "mini",
            in_time=config["split"] if config["split"]["unit"] == "time" else None,
        )
    crop_size = config["features"]["crop_size"]
    landmarks, translators = (needed_models(config, stage) for stage in ("landmarks", "translator"))
    trainings = {
        "landmarks": estimate_trainings(landmarks, {}, crop_size, amounts, measure=measure),
        "translator": estimate_trainings({}, translators, crop_size, amounts, measure=measure),
    }
    about = (
        f"{asked.speakers} speakers, {asked.shards} shards, {amounts.source}; crops of "
        f"{crop_size} pixels; {asked.runs} runs of methods."
    )
    return page(
        all_work(config, asked, amounts, trainings, machine),
        [cost for costs in trainings.values() for cost in costs],
        amounts,
        about,
        crop_size=crop_size,
        seeds=asked.seeds,
        machine=machine,
        nodes=nodes,
    )
