"""A trained method as one file: weights, PCA basis, options and model card; no pickled code.

An HDF5 file, since it holds named arrays and text and nothing that could run:

    /landmarks, /translator    attribute `options` (JSON)
        weights/<name>         as in the model's state dict
        arrays/<name>          what was fitted: PCA basis, MFCC statistics
    /head/<number>             a movement of the head, attribute `emotion`; none in older files
    attributes of the file: `format`, `crop_size` (pixels), `card` (JSON)
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import torch
import yaml

from emohead.config import leave_out_methods
from emohead.data.split import clips_of_part
from emohead.features.store import open_clips, open_hdf5
from emohead.files import stand_in
from emohead.generate.card import make_card
from emohead.generate.head_bank import (
    JOINT,
    NATURAL,
    NO_MOVEMENTS,
    STILL,
    HeadBank,
    collect_movements,
)
from emohead.generate.places import promised_file, writing
from emohead.landmarks.load import restore_landmark_model
from emohead.landmarks.model import LandmarkModel
from emohead.training.checkpoint import Checkpoint, load_checkpoint
from emohead.translator.load import restore_translator
from emohead.translator.unet import UNet

FORMAT = "emohead bundle 1"
_CARD_KEYS = {
    "method", "label", "seed", "landmark_model", "translator", "note", "use", "config_hash",
    "config",
}  # fmt: skip
# Errors that h5py, JSON and the models' classes raise for broken files.
_ERRORS = (
    OSError, LookupError, TypeError, AttributeError, ValueError, RuntimeError, ArithmeticError,
    AssertionError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class Bundle:
    """Both trained models, in evaluation mode; `crop_size` (pixels) is that of their training.

    `card` is `make_card`'s; `head` are movements of the training clips, empty where there are none;
    `fingerprint` 12 hexadecimal digits of all weights.
    """

    landmarks: LandmarkModel
    translator: UNet
    crop_size: int
    card: dict[str, Any]
    head: HeadBank = NO_MOVEMENTS

    @property
    def name(self) -> str:
        """For people: method and seed."""
        return f"{self.card['method']} (seed {self.card['seed']})"

    @property
    def usual_head(self) -> str:
        """The default movement of the head: natural, if the bundle has movements."""
        return NATURAL if self.head.movements else STILL

    @property
    def fingerprint(self) -> str:
        """The same for the same weights, whatever the file."""
        digest = hashlib.sha256()
        for model in (self.landmarks, self.translator):
            for key, value in sorted(model.state_dict().items()):
                digest.update(key.encode())
                digest.update(value.cpu().numpy().tobytes())
        return digest.hexdigest()[:12]

    def to(self, device: str) -> "Bundle":
        """The same bundle with its models on a device, "cpu" or "cuda"."""
        return replace(
            self, landmarks=self.landmarks.to(device), translator=self.translator.to(device)
        )


def export_bundle(
    landmarks: Path,
    translator: Path,
    out: Path,
    *,
    card: Mapping[str, Any],
    head: HeadBank = NO_MOVEMENTS,
) -> None:
    """Write the bundle of two checkpoints, whole or not at all; `card` is `make_card`'s.

    Errors as `load_checkpoint`, and ValueError where it can't be written.
    """
    checkpoints = {
        "landmarks": load_checkpoint(landmarks, "landmarks"),
        "translator": load_checkpoint(translator, "translator"),
    }
    with promised_file(out) as place, writing(out), open_hdf5(place, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["crop_size"] = card["config"]["features"]["crop_size"]
        file.attrs["card"] = json.dumps(card, sort_keys=True)
        for kind, checkpoint in checkpoints.items():
            group = file.create_group(kind)
            group.attrs["options"] = json.dumps(checkpoint.options)
            for name, value in checkpoint.weights.items():
                group[f"weights/{name}"] = value.numpy()
            for name, array in checkpoint.arrays.items():
                group[f"arrays/{name}"] = array
        for number, (movement, emotion) in enumerate(
            zip(head.movements, head.emotions, strict=True)
        ):
            file[f"head/{number:04d}"] = movement
            file[f"head/{number:04d}"].attrs["emotion"] = emotion


def read_bundle(path: Path) -> Bundle:
    """The models of a bundle; ValueError when the file is none."""
    try:
        with open_hdf5(path) as file:
            if file.attrs.get("format") != FORMAT:
                raise ValueError(f"not made by `emohead export` (format {FORMAT!r})")
            card = json.loads(file.attrs["card"])
            if lacking := _CARD_KEYS - card.keys():
                raise ValueError(f"its card lacks {', '.join(sorted(lacking))}")
            return Bundle(
                restore_landmark_model(_checkpoint(file, "landmarks")),
                restore_translator(_checkpoint(file, "translator")),
                int(file.attrs["crop_size"]),
                card,
                _head_bank(file),
            )
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such bundle") from error
    except IsADirectoryError as error:
        raise ValueError(f"{path}: is a folder, not a bundle of `emohead export`") from error
    except _ERRORS as error:
        reason = stand_in(path) or error
        raise ValueError(f"{path}: not a bundle of emohead ({reason})") from error


def _head_bank(file: h5py.File) -> HeadBank:
    stored = [item for _, item in sorted(file["head"].items())] if "head" in file else []
    movements = [np.asarray(item[()], np.float32).reshape(-1, 4) for item in stored]
    if not all(len(each) > 2 * JOINT and np.isfinite(each).all() for each in movements):
        raise ValueError("a movement of the head is too short, or has no numbers")
    return HeadBank(tuple(movements), tuple(str(item.attrs["emotion"]) for item in stored))


def _checkpoint(file: h5py.File, kind: str) -> Checkpoint:
    """A model's part of the file, as `load_checkpoint` gives it; without the history."""
    group = file[kind]
    arrays: dict[str, np.ndarray] = {}

    def keep(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    if "arrays" in group:
        group["arrays"].visititems(keep)
    return Checkpoint(
        kind=kind,
        options=json.loads(group.attrs["options"]),
        weights={
            name: torch.from_numpy(np.asarray(item[()])) for name, item in group["weights"].items()
        },
        arrays=arrays,
        history=pd.DataFrame(),
    )


def read_run(results: Path, method: str, seed: int, configs: Sequence[Path] = ()) -> Bundle:
    """A method of a finished run, from its folder `results`.

    `configs` are the config files that the run was started with, later ones laid over earlier
    ones; without them it is config.yaml beside the folder. ValueError where a model is missing, or
    where the config is of another run.
    """
    part = run_part(results, method, seed, configs)
    return Bundle(
        restore_landmark_model(load_checkpoint(part.landmarks, "landmarks")),
        restore_translator(load_checkpoint(part.translator, "translator")),
        part.card["config"]["features"]["crop_size"],
        part.card,
        part.head,
    )


@dataclass(frozen=True)
class RunPart:
    """The parts of a run that make a bundle, for `export_bundle`."""

    landmarks: Path
    translator: Path
    card: dict[str, Any]
    head: HeadBank


def run_part(results: Path, method: str, seed: int, configs: Sequence[Path] = ()) -> RunPart:
    """Where the models of a method are; arguments and errors as `read_run`."""
    if not results.is_dir():
        raise ValueError(f"{results}: there is no such folder of a run")
    config = read_config(configs or [results.parent / "config.yaml"])
    try:
        card = make_card(config, method, seed)
    except KeyError as error:
        raise ValueError(
            f"the config has no key {error}: give all files that the run was started with, "
            "config.yaml first (--configfile)"
        ) from error
    crop_size = config["features"]["crop_size"]
    stored = _stored_crop_size(results)
    if stored not in (None, crop_size):
        raise ValueError(
            f"{results}: its crops are {stored} pixels wide, the config says {crop_size}: give "
            "the files that the run was started with (--configfile)"
        )
    checkpoints = [
        results / stage / model / f"seed{seed}" / "model.pt"
        for stage, model in (
            ("landmarks", card["landmark_model"]),
            ("translator", card["translator"]),
        )
    ]
    for checkpoint in checkpoints:
        if not checkpoint.exists():
            raise ValueError(f"{checkpoint}: there is no such model: run the workflow first")
    return RunPart(*checkpoints, card, _head_of(results))


def _head_of(results: Path) -> HeadBank:
    """The movements of a run's training clips; none where its features are gone."""
    shards, split = sorted((results / "features").glob("*.h5")), results / "split.csv"
    if not shards or not split.exists():
        return NO_MOVEMENTS
    return collect_movements(open_clips(shards, clips_of_part(split, "train")))


def _stored_crop_size(results: Path) -> int | None:
    """The crops' width in a run's features, None where these are gone."""
    shards = sorted((results / "features").glob("*.h5"))
    # A shard has no clip where all of its clips were rejected.
    clips = (clip for shard in shards for clip in open_clips([shard]).values())
    return next((clip.crop_size for clip in clips), None)


def read_config(paths: Sequence[Path]) -> dict[str, Any]:
    """A run's config: the first file with the others laid over it. ValueError for a bad file."""
    config: dict[str, Any] = {}
    for path in paths:
        try:
            other = yaml.safe_load(path.read_text()) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ValueError(
                f"{path}: can't be read as a config; name the run's with --configfile"
            ) from error
        if not isinstance(other, Mapping):
            raise ValueError(f"{path}: no config, which is made of keys and values")
        _lay_over(config, other)
    leave_out_methods(config)
    return config


def _lay_over(config: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Deep, as Snakemake merges its config files."""
    for key, value in other.items():
        if isinstance(value, Mapping) and isinstance(config.get(key), dict):
            _lay_over(config[key], value)
        else:
            config[key] = value
