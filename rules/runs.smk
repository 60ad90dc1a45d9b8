# Which method is rendered and scored with which reference face and seed, and where that lies.
from emohead.evaluation.networks.reasons import not_computed
from emohead.methods.video_names import OUR_NAMES, named_videos, videos_of_speaker

# A run of a method; its speakers' clips are rendered and scored one speaker at a time.
RUN = "{method}/{reference}/seed{seed}"
FRAMES = f"results/methods/{RUN}/{{speaker}}/frames"
VIDEOS = f"results/methods/{RUN}/{{speaker}}/videos"
LANDMARKS = f"results/methods/{RUN}/{{speaker}}/landmarks.npz"
NOTES = f"results/methods/{RUN}/notes.csv"
SPEAKER_NOTES = f"results/methods/{RUN}/{{speaker}}/notes.csv"
SPEAKER_SCORES = f"results/evaluation/{RUN}/{{speaker}}/scores.parquet"
SPEAKER_NETWORK_SCORES = f"results/evaluation/{RUN}/{{speaker}}/networks.parquet"
FID_SUMS = f"results/evaluation/{RUN}/{{speaker}}/fid.npz"
FID_SCORES = f"results/evaluation/{RUN}/fid.parquet"
ROW = f"results/evaluation/{RUN}/row.csv"
# Sentences that a speaker says in several emotions.
PAIRS = "results/disentangler/pairs.csv"
# The scores of all runs, from which the report is made.
SCORES = "results/evaluation/scores.parquet"
# A user study, and the table that its answers become.
STUDY = "results/study"
STUDY_TABLE = "results/report/table2.html"
# Scores of a stage's models by themselves.
STAGE_SCORES = "results/ablations/{stage}/{name}/seed{seed}/{speaker}.parquet"
# Instead of a model: the clip's true landmarks or frames, or those of its reference face.
STAND_INS = ("truth", "reference")
# In the place of a translator also the warped reference face; and of a model that of a bundle.
NO_MODEL = (*STAND_INS, "warp", "bundle", "motion")
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
        if name in BUILT_IN_METHODS:
            stop(f"methods.{name}", "is a row of every table: take another name")
        if "videos" in method:
            if not Path(method["videos"]).is_dir():
                stop(
                    f"methods.{name}.videos",
                    f"there is no folder {method['videos']!r}",
                )
            check_names(name, method)
            if method.get("reference", references()[0]) not in references():
                stop(
                    f"methods.{name}.reference",
                    f"{method['reference']} is not one of evaluation.references",
                )
            continue
        if "motion" in method:
            models = [
                *config["motion_audio"]["models"],
                *config["motion_field"]["models"],
            ]
            if method["motion"] not in models:
                known = ", ".join(models) or "none"
                stop(
                    f"methods.{name}.motion",
                    f"there is no model {method['motion']!r} (known: {known})",
                )
            continue
        if "bundle" in method:
            if not Path(method["bundle"]).is_file():
                stop(f"methods.{name}.bundle", f"there is no file {method['bundle']!r}")
            continue
        for part in ("landmarks", "translator"):
            others = (*STAND_INS, "warp") if part == "translator" else STAND_INS
            known = [*config[part]["models"], *others]
            if method[part] not in known:
                stop(
                    f"methods.{name}.{part}",
                    f"there is no model {method[part]!r} (known: {', '.join(known)})",
                )
        landmarks = method["landmarks"]
        if method.get("emotion") == "label" and not (
            landmarks in config["landmarks"]["models"] and disentangler_of(landmarks)
        ):
            stop(
                f"methods.{name}.emotion",
                f"is label, and only an evp can be told the emotion, not {landmarks}",
            )


def check_names(name, method):
    """Names of videos that fit none are a mistake; a folder may be empty until they are made."""
    names = method.get("names")
    if names is None:
        return
    try:
        there = named_videos(Path(method["videos"]), names)
    except (OSError, ValueError) as error:
        stop(f"methods.{name}.names", str(error))
    if not there:
        files = ", ".join(file for file, _ in folder_files(method["videos"])[:5])
        stop(
            f"methods.{name}.names",
            f"no video in {method['videos']} is called like {names!r}: it has {files or 'nothing'}",
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


def check_requests():
    """Videos can be generated by a method of two models, from files that there are."""
    name = config["generate"]["method"]
    method = config["methods"].get(name, {})
    for part in ("landmarks", "translator"):
        if method.get(part) not in config[part]["models"]:
            stop(
                "generate.method",
                f"{name!r} is not one of the methods that are made of two models",
            )
    for name, request in config["generate"]["requests"].items():
        for key in ("audio", "face"):
            if not Path(request[key]).is_file():
                stop(
                    f"generate.requests.{name}.{key}",
                    f"there is no file {request[key]!r}",
                )
        head = request.get("head", "natural")
        if head not in ("still", "natural") and not Path(head).is_file():
            stop(
                f"generate.requests.{name}.head",
                f"is still, natural or a video; there is no file {head!r}",
            )


def generate_request(wildcards):
    """The request of the config with a name."""
    return config["generate"]["requests"][wildcards.name]


def flag_if(request, name):
    """`--NAME` where a request says so."""
    return f"--{name}" if request.get(name) else ""


def head_flag(request):
    """The head's movement, where a request names it."""
    return f"--head {shlex.quote(request['head'])}" if "head" in request else ""


@cache
def folder_files(folder):
    """A folder's files and their times, sorted."""
    return sorted(
        (path.name, path.stat().st_mtime_ns) for path in Path(folder).iterdir()
    )


def runs(name, seeds):
    """A method's runs as {reference, seed}; what has no model needs no second seed."""
    method = METHODS[name]
    if name == "ground_truth" or is_foreign(name):
        return [dict(reference=method.get("reference", references()[0]), seed=seeds[0])]
    models = {method["landmarks"], method["translator"]}
    if models <= {*NO_MODEL} - {"motion"}:
        seeds = seeds[:1]
    return [dict(reference=r, seed=s) for r in references() for s in seeds]


def runs_of(names, pattern, seeds=None):
    """`pattern` filled for every run of these methods, and every speaker if it has one."""
    return [
        path
        for name in names
        for run in runs(name, seeds or config["seeds"])
        for path in expand(pattern, method=name, speaker=speakers(), **run)
    ]


def method_runs():
    """The folders of all runs below results/, in the order of the rows."""
    return runs_of(METHODS, RUN)


def run_scores(names):
    """The files of scores that the runs of these methods have: each speaker's, and FID's."""
    patterns = [SPEAKER_SCORES]
    if any(WEIGHTS.values()):
        patterns.append(SPEAKER_NETWORK_SCORES)
    if FRECHET:
        patterns.append(FID_SCORES)
    return [path for pattern in patterns for path in runs_of(names, pattern)]


def notes_of(names):
    """What became of the videos of those methods that somebody else made."""
    return runs_of([name for name in names if is_foreign(name)], NOTES)


def needs_models(name):
    """Whether a method has a model whose frames must be rendered."""
    method = METHODS[name]
    return not is_foreign(name) and any(
        method[part] not in STAND_INS for part in ("landmarks", "translator")
    )


def rendered_clips(wildcards):
    """The rendered frames that a run's scores are of, where models made them."""
    name = wildcards.method
    return expand(FRAMES, **wildcards) if needs_models(name) else []


def rendered_flags(wildcards, input):
    """Where the clips of a run come from, as a flag of the scripts that score them."""
    method = METHODS[wildcards.method]
    if is_foreign(wildcards.method):
        return foreign_flags(wildcards)
    if needs_models(wildcards.method):
        return f"--rendered {input.rendered}"
    return f"--stand-ins {method['landmarks']} {method['translator']}"


def foreign_flags(wildcards):
    """Where somebody else's videos are, what they are called, and where they begin."""
    method = METHODS[wildcards.method]
    return (
        f"--videos {shlex.quote(method['videos'])} "
        f"--names {shlex.quote(method.get('names', OUR_NAMES))} --start {method.get('start', 0)}"
    )


@cache
def speaker_videos(name, speaker):
    """Somebody else's videos of a speaker and their times, sorted."""
    method = METHODS[name]
    folder, names = Path(method["videos"]), method.get("names", OUR_NAMES)
    return [
        (str(path), path.stat().st_mtime_ns)
        for path in videos_of_speaker(folder, names, speaker)
    ]


def foreign_files(wildcards):
    """Somebody else's videos of a speaker and their times: a changed one is scored again."""
    if not is_foreign(wildcards.method):
        return None
    return speaker_videos(wildcards.method, wildcards.speaker)


def true_landmarks(wildcards):
    """What dlib sees on a speaker's true clips; nothing for the ground truth's own run."""
    if wildcards.method == "ground_truth":
        return []
    return expand(
        LANDMARKS,
        speaker=wildcards.speaker,
        method="ground_truth",
        **runs("ground_truth", config["seeds"])[0],
    )


def speaker_shards(wildcards):
    """A speaker's feature shards."""
    return [
        f"results/features/{speaker}-{emotion}.h5"
        for speaker, emotion in shards()
        if speaker == wildcards.speaker
    ]


def rendering_gpu():
    """GPUs that rendering asks for."""
    device = config["rendering"]["device"]
    found = device == "auto" and shutil.which("nvidia-smi") is not None
    return 1 if device == "cuda" or found else 0


def shown(reference):
    """The runs of every method with this reference, first seed, and of the ground truth."""
    return {
        name: dict(method=name, **run)
        for name in METHODS
        for run in runs(name, config["seeds"][:1])
        if run["reference"] == reference or name == "ground_truth"
    }


def shown_clips(wildcards):
    """The clips to show of every run that a reference's figure shows."""
    return [
        path
        for run in shown(wildcards.reference).values()
        for pattern in (VIDEOS, LANDMARKS)
        for path in expand(pattern, speaker=speakers(), **run)
    ]


def pose_of(name):
    """Where the heads of a method's predicted landmarks are."""
    return METHODS[name].get("pose", config["evaluation"]["pose"])


def label_of(name):
    """What readers call a method; it says so where heads are put in place."""
    label = METHODS[name].get("label", name)
    if (
        needs_models(name)
        and METHODS[name]["landmarks"] != "truth"
        and METHODS[name].get("motion") not in config["motion_field"]["models"]
        and pose_of(name) == "truth"
    ):
        label += ", true head pose"
    return label


def report_methods():
    """The rows of the report, for `Method` in emohead/report/methods.py; first seed's runs."""
    return [
        {
            "id": name,
            "label": label_of(name),
            "given": emohead.config.given_to(method, config["motion_audio"]["models"]),
            "note": method.get("note", ""),
            "runs": {
                run["reference"]: f"results/methods/{RUN.format(method=name, **run)}"
                for run in runs(name, config["seeds"][:1])
            },
            "gates": method_gates(name),
            "placed": notes_of([name]),
        }
        for name, method in METHODS.items()
    ]


def method_gates(name):
    """The gates of the disentanglers that a method's landmark model goes on from, or its field's."""
    if motion := METHODS[name].get("motion"):
        pattern = "results/motion_field/{name}/seed{seed}/gates.csv"
        return expand(pattern, name=field_of(motion), seed=config["seeds"])
    landmarks = METHODS[name].get("landmarks")
    found = landmarks in config["landmarks"]["models"] and disentangler_of(landmarks)
    pattern = "results/disentangler/{name}/seed{seed}/gates.csv"
    return expand(pattern, name=found, seed=config["seeds"]) if found else []


def method_parts(method):
    """A method with both parts named; those of a bundle or a motion field by that word."""
    for kind in ("bundle", "motion"):
        if kind in method:
            return {"landmarks": kind, "translator": kind, **method}
    return method


def method_models(wildcards):
    """The checkpoints that a method is made of, or its bundle."""
    method = METHODS[wildcards.method]
    models = {"bundle": local(method["bundle"])} if "bundle" in method else {}
    if "motion" in method:
        motion, seed = method["motion"], wildcards.seed
        models["field"] = f"results/motion_field/{field_of(motion)}/seed{seed}/model.pt"
        if motion in config["motion_audio"]["models"]:
            models["sound"] = f"results/motion_audio/{motion}/seed{seed}/model.pt"
        return models
    for part, pattern in (
        ("landmarks", "results/landmarks/{name}/seed{seed}/model.pt"),
        ("translator", "results/translator/{name}/seed{seed}/model.pt"),
    ):
        if method[part] not in NO_MODEL:
            models[part] = pattern.format(name=method[part], seed=wildcards.seed)
    return models


def field_of(motion):
    """The motion field of what a method calls its `motion`: of a model of sound, or it itself."""
    if motion in config["motion_audio"]["models"]:
        return model_options("motion_audio", motion)["model"]["field"]
    return motion


def disentangler_of(name):
    """The options' `disentangler` of a landmark model; None without."""
    return model_options("landmarks", name)["model"].get("disentangler")


def disentangler_checkpoint(wildcards):
    """The checkpoint that a landmark model's encoders go on from, if any."""
    name = disentangler_of(wildcards.landmark_model)
    return f"results/disentangler/{name}/seed{wildcards.seed}/model.pt" if name else []


def method_flag(part):
    """What stands behind the script's flag for a part: a checkpoint, `truth` or `reference`."""
    return lambda wildcards, input: input.get(part, METHODS[wildcards.method][part])


def given_more(wildcards):
    """What a method is given beside sound and face, as flags: a target video, the emotion."""
    method = METHODS[wildcards.method]
    target = "--target" if method.get("target") == "neutral_video" else ""
    return f"{target} --told" if method.get("emotion") == "label" else target


def method_code(name):
    """`code` of a script that runs the models of a rule's method."""

    def of_method(wildcards):
        method = METHODS[wildcards.method]
        return code(
            name, landmarks=method["landmarks"], translator=method["translator"]
        )

    return of_method


def stage_code(name):
    """`code` of a script that runs one model of one stage, by the wildcards `stage` and `name`."""
    neither = dict.fromkeys(("landmarks", "translator"), "truth")
    return lambda wildcards: code(name, **{**neither, wildcards.stage: wildcards.name})


def used_models(stage):
    """The models of a stage that the methods need."""
    if stage == "disentangler":
        needed = dict.fromkeys(map(disentangler_of, used_models("landmarks")))
    elif stage.startswith("motion"):
        moved = [m["motion"] for m in METHODS.values() if "motion" in m]
        needed = dict.fromkeys(
            moved if stage == "motion_audio" else map(field_of, moved)
        )
    else:
        needed = dict.fromkeys(method.get(stage) for method in METHODS.values())
    return [model for model in needed if model in config[stage]["models"]]


def ablation_scores(stage):
    """The tables of scores of a stage's models."""
    names = config["ablations"][stage]
    return expand(
        STAGE_SCORES, stage=stage, name=names, seed=config["seeds"], speaker=speakers()
    )


def study_reference():
    """The reference face of the videos that a study shows."""
    return config["study"]["reference"] or references()[0]


def study_runs():
    """The run of every method that a study shows, by name, in the table's order; first seed."""
    there = shown(study_reference())
    for name in config["study"]["methods"]:
        if name in BUILT_IN_METHODS:
            stop("study.methods", f"{name} is in every study: name the others")
        if name not in there:
            known = ", ".join(n for n in there if n not in BUILT_IN_METHODS)
            stop(
                "study.methods",
                f"there is no {name!r} with the reference {study_reference()} (known: {known})",
            )
    names = [*BUILT_IN_METHODS, *config["study"]["methods"]]
    return {name: there[name] for name in names}


def study_folders():
    """(method, folder of its videos): one for each speaker."""
    return [
        (name, folder)
        for name, run in study_runs().items()
        for folder in expand(VIDEOS, speaker=speakers(), **run)
    ]


def study_flag(wildcards):
    """Which further videos a run keeps: those of the study, if it is one of its runs."""
    run = study_runs().get(wildcards.method)
    if run is None or RUN.format(**run) != RUN.format(**wildcards):
        return ""
    return f"--study {config['study']['clips']} {config['study']['seed']}"


def answer_files():
    """The answers and their times: with a new one the table is made again."""
    folder = config["study"]["answers"]
    if folder is None:
        stop("study.answers", "name the folder of the answer files")
    if not Path(folder).is_dir():
        stop("study.answers", f"there is no folder {folder!r}")
    return folder_files(folder)
