# Config checks, the shards, and the small helpers that rules share. Imports nothing heavy.
import json
import os
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

sys.path.insert(0, f"{workflow.basedir}/workflow_scripts")
# Of the library only what needs nothing but Python itself.
import emohead.config
import emohead.config_checks
from emohead.archives.table import read_archive_table
from emohead.code_digest import code_digest
from emohead.data.footage import footage_of

# Relative, so that a moved checkout finds its results still good.
SCRIPTS = Path(os.path.relpath(workflow.basedir)) / "workflow_scripts"
# The config's key of the device in a rule's parameter `runtime`.
DEVICE_KEYS = {
    "train_disentangler": "disentangler.train.device",
    "train_landmarks": "landmarks.train.device",
    "train_translator": "translator.train.device",
    "train_motion_field": "motion_field.train.device",
    "train_motion_audio": "motion_audio.train.device",
    **dict.fromkeys(
        ("render_clips", "score_networks", "evaluate_stage", "try_motion_field"),
        "rendering.device",
    ),
}
# VGG-19's weights in a loss, with vgg_weights: imagenet.
IMAGENET_WEIGHTS = "results/translator/vgg19.pth"
# Whose losses look through it.
VGG_STAGES = ("translator", "motion_field")

# Packages in the user's own folder are part of no environment. Without environments for rules, the
# one of Snakemake itself is theirs, be it active or not.
OWN_PYTHON = (
    ""
    if workflow.deployment_settings.deployment_method
    else f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
)
shell.prefix(f"set -euo pipefail; export PYTHONNOUSERSITE=1; {OWN_PYTHON}")


def check_config():
    """Stop with one line for a config mistake: the key, what is wrong, what is allowed."""
    schema = emohead.config_checks.config_schema(
        Path(workflow.basedir) / "schemas/config.schema.yaml"
    )
    errors = Draft202012Validator(schema).iter_errors(config)
    for error in sorted(errors, key=lambda e: (len(e.path), str(e.path))):
        stop(".".join(map(str, error.absolute_path)) or "(top level)", explain(error))
    check_models()
    for stage in VGG_STAGES:
        for name in config[stage]["models"]:
            check_vgg(stage, name)
    CHECK_SOURCE[config["data"]["source"]]()
    if not shards():
        stop("data", "no clips: there are no speakers or no emotions")
    check_split()
    check_methods()
    check_weights()
    check_ablations()
    check_requests()


def keep_order(values, defaults):
    """Put the keys of `defaults` first, in their order, and new ones behind.

    A file that is laid over config.yaml would bring its own keys to the front: to the first row of
    Table 1, or to where the model stands that others are compared with.
    """
    for key in [*defaults, *(key for key in values if key not in defaults)]:
        value = values.pop(key)
        if isinstance(value, dict):
            keep_order(value, defaults.get(key) or {})
        values[key] = value


def check_models():
    """Refuse what training would refuse only after the extraction."""
    for stage in emohead.config.STAGES:
        for name in config[stage]["models"]:
            if name in NO_MODEL:
                stop(
                    f"{stage}.models.{name}",
                    "stands for what is no model in methods: take another name",
                )
            mistakes = emohead.config_checks.model_mistakes(config, stage, name)
            for key, problem in mistakes:
                stop(key, problem)


def check_vgg(stage, name):
    """A loss's VGG-19 weights must be there, or be fetched, and be of the whole network."""
    loss = model_options(stage, name)["loss"]
    if loss["vgg_weights"] == "random" or not loss["perceptual"]:
        return
    weights = loss["vgg_weights"]
    if weights != IMAGENET_WEIGHTS and not Path(weights).is_file():
        stop(
            f"{stage}.loss.vgg_weights",
            f"there is no file {weights!r} (or say imagenet, or random)",
        )
    if loss["vgg_width"] != 1:
        stop(
            f"{stage}.loss.vgg_width",
            f"must be 1, unless vgg_weights is random ({name} has {loss['vgg_width']})",
        )


def check_weights():
    """Without the file Snakemake would keep an old report, as if nothing had been asked for."""
    for name, weights in config["evaluation"]["weights"].items():
        if weights and not Path(weights).is_file():
            stop(f"evaluation.weights.{name}", f"there is no file {weights!r}")


def check_split():
    """The units list and speaker need what they are called after."""
    split = config["split"]
    if split["scored"] == "dev" and not split["dev_fraction"]:
        stop("split.dev_fraction", "is 0, and split.scored: dev wants a dev part")
    if split["dev_fraction"] and split["unit"] in ("list", "speaker"):
        stop(
            "split.dev_fraction",
            f"goes with unit: clip or time, which is {split['unit']}",
        )
    for unit, key in (("list", "list"), ("speaker", "test_speakers")):
        if (split["unit"] == unit) != bool(split[key]):
            stop(f"split.{key}", f"goes with unit: {unit}, which is {split['unit']}")
    if split["list"] and not Path(split["list"]).is_file():
        stop("split.list", f"there is no file {split['list']!r}")
    known = set(speakers())
    if unknown := set(split["test_speakers"] or ()) - known:
        stop("split.test_speakers", f"no clips of {', '.join(sorted(unknown))}")
    if known == set(split["test_speakers"] or ()):
        stop("split.test_speakers", "are all that there are: leave some to train on")


def test_clips_flag():
    """Which whole clips are tested, with the units list and speaker, as a flag."""
    split = config["split"]
    if split["unit"] == "list":
        return verbatim(f"--list {shlex.quote(split['list'])}")
    if split["unit"] == "speaker":
        return f"--test-speakers {' '.join(split['test_speakers'])}"
    return ""


def check_executor():
    """`device: auto` must be settled where the jobs run, which is not here with most executors.

    It would ask for no GPU, get none, and train or render for weeks on a CPU.
    """
    if workflow.local_exec:
        return
    for job in workflow.dag.needrun_jobs():
        key = DEVICE_KEYS.get(job.rule.name)
        if key and json.loads(job.params.runtime)["device"] == "auto":
            stop(
                key,
                "is auto, which looks for a GPU where Snakemake is started, and jobs go elsewhere: "
                "say cuda, or cpu",
            )


def stop(key, problem):
    """End the run before it starts."""
    sys.exit(f"config: {key}: {problem}")


def explain(error):
    """A schema error in a person's words."""
    if error.validator == "additionalProperties":
        unknown = [k for k in error.instance if k not in error.schema["properties"]]
        return f"unknown key {', '.join(unknown)} (known keys: {', '.join(error.schema['properties'])})"
    if error.validator == "oneOf" and list(error.path)[:1] == ["methods"]:
        return (
            "give it landmarks and translator, or a bundle (and landmarks: truth), or motion, or a "
            "folder of videos (and names, start, reference)"
        )
    if error.validator == "oneOf":
        return "; or ".join(each.message for each in error.context)
    if re.fullmatch(r"[-+]?\d+e[-+]?\d+", str(error.instance), re.IGNORECASE):
        return f"{error.message}: YAML wants a point in it, as in 1.0e-4"
    return error.message


def script(name):
    """A rule's script, which lies here also if results go to object storage.

    Its time says nothing: what it does is in the rule's parameter `code`.
    """
    return ancient(local(str(SCRIPTS / name)))


@cache
def code(name, **models):
    """A digest of a script and of the library that it imports: changed, its rule runs again.

    `models` say which model of a stage it runs, by name, where it is one alone (or what stands in
    for one): code of the stage's other models is then no part of it. See emohead/code_digest.py.
    """
    kinds = {
        "bundle": "emohead.methods.bundled",
        "motion": "emohead.methods.moved",
    }
    unused = {module for kind, module in kinds.items() if kind not in models.values()}
    for stage, model in models.items():
        if model == "bundle":  # which may hold any
            continue
        options = None if model in NO_MODEL else model_options(stage, model)["model"]
        unused |= emohead.config.unused_modules(stage, options)
    return code_digest(name, without=unused)


def model_options(stage, name):
    """A model's `model`, `loss`, `train` and `runtime` options: the stage's, overridden by its own."""
    options = emohead.config.model_options(config, stage, name)
    if options["loss"].get("vgg_weights") == "imagenet":
        options["loss"]["vgg_weights"] = IMAGENET_WEIGHTS
    return options


def recipe(stage, name):
    """The options that decide a model's weights: all but its `runtime`."""
    options = model_options(stage, name)
    return {part: options[part] for part in ("model", "loss", "train")}


def runtime(stage, name):
    """The options that decide how fast a model is trained."""
    return model_options(stage, name)["runtime"]


def untracked(of_wildcards):
    """A parameter that may change without its job running again.

    Snakemake compares no parameter whose function asks for `resources`: it takes it to follow from
    the machine.
    """
    return lambda wildcards, resources: of_wildcards(wildcards)


def vgg_weights(stage):
    """The file of VGG-19's weights that the loss of a stage's model reads."""

    def of_model(wildcards):
        loss = model_options(stage, getattr(wildcards, stage))["loss"]
        used = loss["perceptual"] and loss["vgg_weights"] != "random"
        return loss["vgg_weights"] if used else []

    return of_model


def as_json(value):
    """A value as one JSON text with a fixed key order, for a script's flag."""
    text = json.dumps(value, sort_keys=True)
    # A {word} can only stand in one of its strings: Snakemake would take it for a wildcard.
    return re.sub(r"\{(?=\s*\w)", r"\\u007b", text)


def located(texts, output):
    """Texts with paths below results/, as they are where the job of these outputs runs.

    With object storage all of its files lie in a folder of local copies. Only inputs are brought.
    """
    copies = str(output[0]).rpartition("results/")[0]
    return [re.sub('(^|[="])(?=results/)', rf"\g<1>{copies}", text) for text in texts]


def report_flags(**more):
    """The flags of a script of the report, as a function for its rule's `params`.

    A flag for each named input and output, for each of `more` (or what it gives for wildcards), and
    --output for the other outputs. Texts are flags' values, lists of them several, all else JSON.
    """

    def flags(wildcards, input, output):
        named = dict(output.items())
        values = {**dict(input.items()), **more, **named}
        values["output"] = [path for path in output if path not in named.values()]
        words = []
        for name, value in values.items():
            value = value(wildcards) if callable(value) else value
            texts = [value] if isinstance(value, str) else value
            if isinstance(texts, dict) or not all(isinstance(t, str) for t in texts):
                texts = [json.dumps(value)]
            if name != "script" and texts:
                words += [f"--{name.replace('_', '-')}", *located(texts, output)]
        return shlex.join(words)

    return flags


def verbatim(text):
    """A parameter in which {word} is text, such as a formula in a label, and no wildcard."""
    return lambda wildcards: text


def gpus(stage, name=None):
    """GPUs that a training asks for, a model's or its stage's: `devices`, if they are used."""
    train = config[stage]["train"]
    if name:
        options = model_options(stage, name)
        train = {**options["train"], **options["runtime"]}
    found = train["device"] == "auto" and shutil.which("nvidia-smi") is not None
    return train["devices"] if train["device"] == "cuda" or found else 0


def train_threads(stage, name):
    """Cores of a model's training."""
    return model_options(stage, name)["train"]["threads"]


def report_notes():
    """The report's warnings."""
    notes = [
        note
        for note in (emohead.config.origin_note(config), config["report"]["note"])
        if note
    ]
    if config["split"]["unit"] == "time":
        notes.append(
            "Clips were split in time: the test frames are the ends of the clips that the models "
            "were trained on, which is easier than MEAD's own split."
        )
    if config["split"]["scored"] == "dev":
        notes.append(
            "Scored on the dev part (split.scored), which stands in the test part's place: figures "
            "to choose options by, and none to report."
        )
    if config["split"]["unit"] == "speaker":
        tested = ", ".join(config["split"]["test_speakers"])
        notes.append(f"Speaker-independent: nothing of {tested} was trained on.")
    if left_out := set(config["evaluation"]["references"]) - set(references()):
        notes.append(
            f"Not evaluated with a {', '.join(left_out)} reference face: a speaker has no neutral clips."
        )
    losses = [
        model_options(stage, name)["loss"]
        for stage in VGG_STAGES
        for name in used_models(stage)
    ]
    if any(o["perceptual"] and o["vgg_weights"] == "random" for o in losses):
        notes.append(
            "The translators' perceptual loss has a VGG-19 with random weights in place of "
            "ImageNet's."
        )
    return notes


def trainings(pattern):
    """`pattern` filled with the stage, model and seed of every training that the methods need."""
    return [
        pattern.format(stage=stage, model=model, seed=seed)
        for stage in emohead.config.STAGES
        for model in used_models(stage)
        for seed in config["seeds"]
    ]


include: "sources.smk"
include: "runs.smk"


check_config()
keep_order(config, yaml.safe_load(Path(workflow.basedir, "config.yaml").read_bytes()))
METHODS = {
    **BUILT_IN_METHODS,
    **{name: method_parts(method) for name, method in config["methods"].items()},
}
# The networks of score_networks, by the file of their weights, if any.
WEIGHTS = config["evaluation"]["weights"]
# Whether there are metrics of all speakers' features together, FID and FVD.
FRECHET = WEIGHTS["fid"] or WEIGHTS["fvd"]
# Whether the frames of all test clips stay on disk, and their videos.
KEEP_FRAMES = config["evaluation"]["keep_frames"]


include: "resources.smk"


# Only then is the executor known, and what there is to be done.
onstart:
    check_executor()


def expected_clips():
    """The clips that the source has if none is missing."""
    data = config["data"]
    if data["source"] == "footage":
        return sum(map(len, footage().values()))
    return sum(emohead.config.clips_of(data, emotion) for _, emotion in shards())


wildcard_constraints:
    speaker="|".join(sorted({s for s, _ in shards()})),
    emotion="|".join(sorted({e for _, e in shards()})),
    kind="video|audio",
    method="|".join(METHODS),
    reference="|".join(references()),
    disentangler="|".join(config["disentangler"]["models"]) or "none",
    landmark_model="|".join(config["landmarks"]["models"]) or "none",
    translator="|".join(config["translator"]["models"]) or "none",
    motion_field="|".join(config["motion_field"]["models"]) or "none",
    motion_audio="|".join(config["motion_audio"]["models"]) or "none",
    seed="|".join(map(str, config["seeds"])),
