# Config checks, the shards, and the small helpers that rules share. Imports nothing heavy.
import ast
import json
import os
import shutil
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import WorkflowError

# Relative, so that a moved checkout finds its results still good.
SCRIPTS = Path(os.path.relpath(workflow.basedir)) / "workflow_scripts"
# Rows that need no model: what the metrics give for the truth, and for a face that stays still.
BUILT_IN_METHODS = {
    "ground_truth": {"label": "Ground truth", "landmarks": "truth", "translator": "truth"},
    "copy_reference": {
        "label": "Copy of the reference face",
        "landmarks": "reference",
        "translator": "reference",
    },
}


def check_config():
    """Stop with one line for a config mistake: the key, what is wrong, what is allowed."""
    schema = yaml.safe_load((Path(workflow.basedir) / "schemas/config.schema.yaml").read_text())
    errors = sorted(
        Draft202012Validator(schema).iter_errors(config), key=lambda e: (len(e.path), str(e.path))
    )
    if errors:
        key = ".".join(map(str, errors[0].absolute_path)) or "(top level)"
        hint = errors[0].schema.get("properties", {})
        known = f" (known keys: {', '.join(hint)})" if hint else ""
        raise WorkflowError(f"config: {key}: {errors[0].message}{known}")
    for name, method in config["methods"].items():
        for part, own in (("landmarks", ["truth", "reference"]), ("translator", ["truth", "reference"])):
            known = [*config[part]["models"], *own]
            if method[part] not in known:
                raise WorkflowError(
                    f"config: methods.{name}.{part}: no such model {method[part]!r} "
                    f"(known: {', '.join(known)})"
                )
    if config["data"]["source"] == "folder":
        folder = config["data"]["folder"]
        if not folder or not Path(folder).is_dir():
            raise WorkflowError(f"config: data.folder: there is no folder {folder!r}")
        for speaker in config["data"]["speakers"] or []:
            if not (Path(folder) / speaker).is_dir():
                raise WorkflowError(
                    f"config: data.speakers: {speaker}: there is no folder {Path(folder) / speaker}"
                )
        if not shards():
            raise WorkflowError(
                f"config: data.folder: no <speaker>/video/{config['data']['view']}/<emotion> "
                f"below {folder!r}"
            )


def speaker_folder(speaker):
    """Where a speaker's video and audio folders are."""
    if config["data"]["source"] == "mini":
        return f"results/data/mini/{speaker}"
    return f"{config['data']['folder']}/{speaker}"


@cache
def shards():
    """All (speaker, emotion) pairs that the data have: the units of extraction."""
    data = config["data"]
    if data["source"] == "mini":
        return [(s, e) for s in data["speakers"] for e in data["emotions"]]
    speakers = data["speakers"] or sorted(p.name for p in Path(data["folder"]).iterdir() if p.is_dir())
    return [
        (s, e)
        for s in speakers
        for e in data["emotions"]
        if (Path(speaker_folder(s)) / "video" / data["view"] / e).is_dir()
    ]


def shard_paths(pattern):
    """`pattern` filled for every shard."""
    return [pattern.format(speaker=s, emotion=e) for s, e in shards()]


def script(name):
    """A rule's script."""
    return str(SCRIPTS / name)


@cache
def library(name):
    """Every module of the library that a script imports, directly or not.

    Declared as inputs, so that editing one model re-runs that model and nothing else.
    """
    found, todo = set(), [SCRIPTS / name]
    while todo:
        for node in ast.walk(ast.parse(todo.pop().read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in (SCRIPTS.joinpath(*n.split(".")) for n in names if n.startswith("emohead")):
                for path in (module.with_suffix(".py"), module / "__init__.py"):
                    if path.exists() and path not in found:
                        found.add(path)
                        todo.append(path)
    return sorted(map(str, found))


def model_options(stage, name):
    """A model's own options, its losses and its training: the stage's, overridden by the model's."""
    common, own = config[stage], dict(config[stage]["models"][name])
    loss, train = own.pop("loss", {}), own.pop("train", {})
    return {
        "model": {**common["options"], **own},
        "loss": {**common["loss"], **loss},
        "train": {**common["train"], **train},
    }


def as_json(value):
    """A value as one JSON text with a fixed key order, for a script's flag."""
    return json.dumps(value, sort_keys=True)


def gpus(stage):
    """GPUs that a training of this stage asks for: one where there is one to be used."""
    device = config[stage]["train"]["device"]
    return int(device == "cuda" or (device == "auto" and shutil.which("nvidia-smi") is not None))


def seeds_of(method):
    """The seeds of a method; one is enough where nothing is trained."""
    parts = METHODS[method]
    trained = {parts["landmarks"], parts["translator"]} - {"truth", "reference"}
    return config["seeds"] if trained else config["seeds"][:1]


check_config()
METHODS = {**BUILT_IN_METHODS, **config["methods"]}


wildcard_constraints:
    speaker="|".join(sorted({s for s, _ in shards()})),
    emotion="|".join(config["data"]["emotions"]),
    method="|".join(METHODS),
    landmark_model="|".join(config["landmarks"]["models"]) or "none",
    translator="|".join(config["translator"]["models"]) or "none",
    seed="|".join(map(str, config["seeds"])),
