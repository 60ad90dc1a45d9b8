# Which method is rendered and scored with which reference face and seed, and where that lies.
from emohead.evaluation.networks.reasons import not_computed

# A run of a method, and what the report is made from.
RUN = "{method}/{reference}/seed{seed}"
CLIPS = f"results/methods/{RUN}/clips.h5"
VIDEOS = f"results/methods/{RUN}/videos"
SCORES = f"results/evaluation/{RUN}/clips.csv"
NETWORK_SCORES = f"results/evaluation/{RUN}/networks.csv"
ROW = f"results/evaluation/{RUN}/row.csv"
# In the place of a model: the clip's true landmarks or frames, or those of its reference face.
STAND_INS = ("truth", "reference")
# Rows that need no model: what the metrics give for the truth, and for a face that stays still.
BUILT_IN_METHODS = {
    "ground_truth": {
        "label": "Ground truth",
        "landmarks": "truth",
        "translator": "truth",
    },
    "copy_reference": {
        "label": "Copy reference",
        "landmarks": "reference",
        "translator": "reference",
    },
}


def check_methods():
    """Every method must be made of models that there are, or of a folder of videos."""
    if not references():
        stop(
            "evaluation.references",
            "neutral needs neutral clips of every speaker: say same_emotion",
        )
    for name, method in config["methods"].items():
        if "videos" in method:
            if not Path(method["videos"]).is_dir():
                stop(
                    f"methods.{name}.videos",
                    f"there is no folder {method['videos']!r}",
                )
            if method.get("reference", references()[0]) not in references():
                stop(
                    f"methods.{name}.reference",
                    f"{method['reference']} is not one of evaluation.references",
                )
            continue
        for part in ("landmarks", "translator"):
            known = [*config[part]["models"], *STAND_INS]
            if method[part] not in known:
                stop(
                    f"methods.{name}.{part}",
                    f"there is no model {method[part]!r} (known: {', '.join(known)})",
                )


@cache
def references():
    """The kinds of reference face to evaluate with, as far as the data allow."""
    neutral = {s for s, emotion in shards() if emotion == "neutral"}
    everyone = {s for s, _ in shards()}
    return [
        r
        for r in config["evaluation"]["references"]
        if r != "neutral" or neutral == everyone
    ]


def is_foreign(name):
    """Whether a method is a folder of somebody else's videos."""
    return "videos" in METHODS[name]


def check_ablations():
    """What is to be compared must be models that there are."""
    for stage, labels in config["ablations"].items():
        for name in labels:
            if name not in config[stage]["models"]:
                known = ", ".join(config[stage]["models"])
                stop(
                    f"ablations.{stage}",
                    f"there is no model {name!r} (known: {known})",
                )


def folder_files(folder):
    """A folder's files and their times: a changed video is imported again."""
    return sorted(
        (path.name, path.stat().st_mtime_ns) for path in Path(folder).iterdir()
    )


def runs(name, seeds):
    """A method's runs as {reference, seed}; what has no model needs no second seed."""
    method = METHODS[name]
    if name == "ground_truth" or is_foreign(name):
        return [dict(reference=method.get("reference", references()[0]), seed=seeds[0])]
    if method["landmarks"] in STAND_INS and method["translator"] in STAND_INS:
        seeds = seeds[:1]
    return [dict(reference=r, seed=s) for r in references() for s in seeds]


def runs_of(names, pattern, seeds=None):
    """`pattern` filled for every run of these methods."""
    return [
        pattern.format(method=name, **run)
        for name in names
        for run in runs(name, seeds or config["seeds"])
    ]


def all_scores():
    """The tables of scores of every run."""
    networks = runs_of(METHODS, NETWORK_SCORES) if any(WEIGHTS.values()) else []
    return runs_of(METHODS, SCORES) + networks


def true_run(pattern):
    """`pattern` filled for the one run of the ground truth."""
    return runs_of(["ground_truth"], pattern)[0]


def shown(reference, pattern):
    """`pattern` of every method that has this reference, first seed, and of the ground truth."""
    return {
        name: pattern.format(method=name, **run)
        for name in METHODS
        for run in runs(name, config["seeds"][:1])
        if run["reference"] == reference or name == "ground_truth"
    }


def shown_flags(pattern):
    """`--method NAME=PATH` and `--label NAME=TEXT` of what a reference's figure shows."""
    return lambda wildcards: " ".join(
        f"--method {name}={path} {label_flag(name)}"
        for name, path in shown(wildcards.reference, pattern).items()
    )


def label_flag(name):
    """`--label NAME=TEXT`, ready for the shell."""
    label = METHODS[name].get("label", name)
    return f"--label {shlex.quote(f'{name}={label}')}"


def label_flags():
    """The labels of all rows, in their order."""
    return " ".join(map(label_flag, METHODS))


def run_flags(flag, pattern):
    """`FLAG METHOD/REFERENCE=PATH` for every method and reference, first seed."""
    return " ".join(
        f"{flag} {name}/{run['reference']}={pattern.format(method=name, **run)}"
        for name in METHODS
        for run in runs(name, config["seeds"][:1])
    )


def networks_missing():
    """`--missing TEXT` for every metric that waits for weights."""
    return " ".join(
        f"--missing {shlex.quote(text)}" for text in not_computed(**WEIGHTS).values()
    )


def method_models(wildcards):
    """The checkpoints that a method is made of."""
    method = METHODS[wildcards.method]
    models = {}
    for part, pattern in (
        ("landmarks", "results/landmarks/{name}/seed{seed}/model.pt"),
        ("translator", "results/translator/{name}/seed{seed}/model.pt"),
    ):
        if method[part] not in STAND_INS:
            models[part] = pattern.format(name=method[part], seed=wildcards.seed)
    return models


def method_flag(part):
    """What stands behind the script's flag for a part: a checkpoint, `truth` or `reference`."""
    return lambda wildcards: method_models(wildcards).get(
        part, METHODS[wildcards.method][part]
    )


def used_models(stage):
    """The models of a stage that the methods need."""
    needed = dict.fromkeys(method.get(stage) for method in METHODS.values())
    return [model for model in needed if model in config[stage]["models"]]
