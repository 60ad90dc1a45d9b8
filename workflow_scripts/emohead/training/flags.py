"""The flags that the scripts of all trainings share, and the training that these describe."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from emohead.data.split import clips_of_part
from emohead.features.store import StoredClip, open_clips
from emohead.training.options import Recipe, Runtime
from emohead.training.state import training_state


def add_training_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that name the training part, how to train on it, and what is written."""
    parser.add_argument("--features", type=Path, nargs="+", required=True, help="feature shards")
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument(
        "--options", type=json.loads, required=True, help="model, loss and train, as JSON"
    )
    parser.add_argument(
        "--runtime", type=json.loads, default={}, help="what may change at any time, as JSON"
    )
    parser.add_argument("--code", required=True, help="a digest: other code begins anew")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder of the trainings' states")
    parser.add_argument("--model", type=Path, required=True, help="the checkpoint")
    parser.add_argument("--history", type=Path, required=True, help="a row an epoch, .csv")
    parser.add_argument("--provenance", type=Path, required=True, help="what made it, .json")
    parser.add_argument("--curves", type=Path, help="folder for TensorBoard")


class Training(NamedTuple):
    """The training part's clips, how to train on them, and the folder to resume from."""

    clips: dict[str, StoredClip]
    recipe: Recipe
    runtime: Runtime
    state: Path


@contextmanager
def open_training(flags: argparse.Namespace, *inputs: object) -> Iterator[Training]:
    """The training of these flags; it resumes where one of the same options and data stopped.

    `inputs` are what else decides the weights, as for `training_state`; those that are None don't.
    """
    clips = open_clips(flags.features, clips_of_part(flags.split, "train"))
    recipe = Recipe(**flags.options["train"])
    options = {**flags.options, "train": recipe.without_end()}
    made_from = [options, flags.seed, clips, *(each for each in inputs if each is not None)]
    with training_state(flags.state, flags.code, *made_from) as state:
        yield Training(clips, recipe, Runtime(**flags.runtime), state)
