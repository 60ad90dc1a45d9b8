# The small helpers that rules share, and what is included for all of them. Imports nothing heavy.
import json
import os
import re
import shlex
import shutil
import sys
from functools import cache
from pathlib import Path

from snakemake.io import flag

sys.path.insert(0, f"{workflow.basedir}/workflow_scripts")
# Of the library only what needs nothing but Python itself.
import emohead.config
import emohead.config_checks
import emohead.generate.card
from emohead.archives.table import read_archive_table
from emohead.code_digest import code_digest
from emohead.data.footage import footage_of

# Relative, so that a moved checkout finds its results still good.
SCRIPTS = Path(os.path.relpath(workflow.basedir)) / "workflow_scripts"

# Packages in the user's own folder are part of no environment. Without environments for rules, the
# one of Snakemake itself is theirs, be it active or not.
OWN_PYTHON = (
    ""
    if workflow.deployment_settings.deployment_method
    else f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
)
shell.prefix(f"set -euo pipefail; export PYTHONNOUSERSITE=1; {OWN_PYTHON}")


def keep_order(values, defaults):
    """Put the keys of `defaults` first, in their order, and new ones behind.

    A file that is laid over config.yaml would bring its own keys to the front: to the first row of
    Table 1, or to where the model stands that others are compared with.
    """
    first = [key for key in defaults if key in values]
    for key in [*first, *(key for key in values if key not in defaults)]:
        value = values.pop(key)
        if isinstance(value, dict):
            keep_order(value, defaults.get(key) or {})
        values[key] = value


def script(name):
    """A rule's script. Its time says nothing: what it does is in the rule's parameter `code`."""
    return ancient(sent(str(SCRIPTS / name)))


def sent(path):
    """A file of the checkout as an input: with object storage jobs are sent it, with all that git knows.

    It has the flag of what workflow.source_path gives. With `local` instead, its job would run
    where Snakemake was started.
    """
    return flag(path, "sourcecache_entry", path) if STORAGE else path


def code(name):
    """A rule's parameter: the digest of its script. Made for jobs alone, as reading code takes a second."""
    return lambda wildcards: digest(name)


@cache
def digest(name, **models):
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


def compared(name, located_one, plain):
    """A parameter with paths where the job runs, and beside it one that Snakemake compares.

    It compares none whose function asks for input or output: it takes it to follow from them. With
    it alone, other options would train nothing, and other labels write no report.
    """
    return {name: located_one, f"{name}_compared": plain}


def report_flags(**more):
    """The flags of a script of the report, for its rule's `params`.

    A flag for each named input and output, for each of `more` (or what it gives for wildcards), and
    --output for the other outputs. Texts are flags' values, lists of them several, all else JSON.
    """

    def values_of(wildcards):
        return {
            name: value(wildcards) if callable(value) else value
            for name, value in more.items()
        }

    def flags(wildcards, input, output):
        named = dict(output.items())
        values = {**dict(input.items()), **values_of(wildcards), **named}
        values["output"] = [path for path in output if path not in named.values()]
        words = []
        for name, value in values.items():
            texts = [value] if isinstance(value, str) else value
            if isinstance(texts, dict) or not all(isinstance(t, str) for t in texts):
                texts = [json.dumps(value)]
            if name != "script" and texts:
                words += [f"--{name.replace('_', '-')}", *located(texts, output)]
        return shlex.join(words)

    return compared("flags", flags, lambda wildcards: as_json(values_of(wildcards)))


def verbatim(text):
    """A parameter in which {word} is text, such as a formula in a label, and no wildcard."""
    return lambda wildcards: text


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
    losses = {
        name: model_options(stage, name)["loss"]
        for stage in VGG_STAGES
        for name in used_models(stage)
    }
    if by_chance := [
        name
        for name, loss in losses.items()
        if loss["perceptual"] and loss["vgg_weights"] == "random"
    ]:
        notes.append(
            f"The perceptual loss of {', '.join(by_chance)} has a VGG-19 with random weights in "
            "place of ImageNet's."
        )
    return notes


include: "storage.smk"
include: "sources.smk"
include: "trainings.smk"
include: "runs.smk"
include: "checks.smk"


LEFT_OUT = emohead.config.leave_out_methods(config)
check_config()
keep_order(
    config, emohead.config_checks.read_yaml(Path(workflow.basedir, "config.yaml"))
)
if STORAGE and config["data"]["source"] in ("folder", "footage") and not SEEN:
    tell_shards()
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
    landmarks="|".join(config["landmarks"]["models"]) or "none",
    translator="|".join(config["translator"]["models"]) or "none",
    motion_field="|".join(config["motion_field"]["models"]) or "none",
    motion_audio="|".join(config["motion_audio"]["models"]) or "none",
    seed="|".join(map(str, config["seeds"])),
