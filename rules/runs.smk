# Which method is rendered and scored with which reference face and seed, and where that lies.
from emohead.evaluation.networks.reasons import not_computed
from emohead.methods.video_names import (
    OUR_NAMES,
    is_table,
    named_videos,
    videos_of_speaker,
)

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


def generate_request(wildcards):
    """The request of the config with a name."""
    return config["generate"]["requests"][wildcards.name]


def flag_if(request, name):
    """`--NAME` where a request says so."""
    return f"--{name}" if request.get(name) else ""


def head_video(wildcards):
    """The video whose head's movement a request names, if any."""
    head = generate_request(wildcards).get("head", "natural")
    return [] if head in ("still", "natural") else own(head)


def head_flag(wildcards, input):
    """The head's movement, where a request names it."""
    request = generate_request(wildcards)
    return (
        f"--head {shlex.quote(input.head or request['head'])}"
        if "head" in request
        else ""
    )


@cache
def folder_files(folder):
    """A folder's files and their times, sorted."""
    return sorted(
        (path.name, path.lstat().st_mtime_ns) for path in Path(folder).iterdir()
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
    return FRAMES.format(**wildcards) if needs_models(name) else []


def rendered_flags(wildcards, input):
    """Where the clips of a run come from, as a flag of the scripts that score them."""
    method = METHODS[wildcards.method]
    if is_foreign(wildcards.method):
        return foreign_flags(wildcards, input)
    if needs_models(wildcards.method):
        return f"--rendered {input.rendered}"
    return f"--stand-ins {method['landmarks']} {method['translator']}"


def made_of(wildcards):
    """What a run's clips are made of, for Snakemake to compare.

    It compares no parameter whose function asks for input, as those do that name these.
    """
    method = METHODS[wildcards.method]
    return [method.get(key) for key in ("landmarks", "translator", "start")]


def foreign_flags(wildcards, input):
    """Where somebody else's videos are, what they are called, and where they begin."""
    method = METHODS[wildcards.method]
    videos = input.get("videos") or method["videos"]
    names = input.get("names") or method.get("names", OUR_NAMES)
    return (
        f"--videos {shlex.quote(videos)} --names {shlex.quote(names)} "
        f"--start {method.get('start', 0)}"
    )


def foreign_inputs(wildcards):
    """Somebody else's videos of a speaker, and the table of their names, where they are brought."""
    if not (STORAGE and is_foreign(wildcards.method)):
        return {}
    name, method = wildcards.method, METHODS[wildcards.method]
    if is_table(method.get("names", OUR_NAMES)):  # which names those of all speakers
        seen = not workflow.remote_exec
        files = seen and named_videos(Path(method["videos"]), method["names"]).values()
        videos = own_folder(f"videos/{name}", method["videos"], files)
        return {"videos": videos, "names": own(method["names"])}
    key = f"videos/{name}/{wildcards.speaker}"
    files = [path for _, path, time in foreign_files(wildcards) or [] if time]
    return {"videos": own_folder(key, method["videos"], files)}


@cache
def speaker_videos(name, speaker):
    """Somebody else's videos of a speaker, sorted: of what, the file, and its time.

    No time for a link to nothing.
    """
    method = METHODS[name]
    folder, names = Path(method["videos"]), method.get("names", OUR_NAMES)
    return [
        (fields, str(path), path.stat().st_mtime_ns if path.exists() else None)
        for fields, path in videos_of_speaker(folder, names, speaker)
    ]


def foreign_files(wildcards):
    """Somebody else's videos of a speaker: one that is changed, or of another clip now, is scored again."""
    if not is_foreign(wildcards.method) or workflow.remote_exec:
        return None
    return speaker_videos(wildcards.method, wildcards.speaker)


def true_landmarks(wildcards):
    """What dlib sees on a speaker's true clips; nothing for the ground truth's own run."""
    if wildcards.method == "ground_truth":
        return []
    (run,) = runs("ground_truth", config["seeds"])
    return LANDMARKS.format(method="ground_truth", speaker=wildcards.speaker, **run)


def true_landmarks_flag(wildcards, input):
    """The same as a flag of the scripts that score."""
    return f"--true-landmarks {input.true_landmarks}" if input.true_landmarks else ""


def speaker_shards(wildcards):
    """A speaker's feature shards."""
    return list(shards_of(wildcards.speaker).values())


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
    check_labels("methods", {name: label_of(name) for name in METHODS})
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
    models = {"bundle": own(method["bundle"])} if "bundle" in method else {}
    if "motion" in method:
        motion, seed = method["motion"], wildcards.seed
        models["field"] = f"results/motion_field/{field_of(motion)}/seed{seed}/model.pt"
        if motion in config["motion_audio"]["models"]:
            models["sound"] = f"results/motion_audio/{motion}/seed{seed}/model.pt"
            models["heard"] = sound_shards(motion, wildcards.speaker)
        return models
    for part, pattern in (
        ("landmarks", "results/landmarks/{name}/seed{seed}/model.pt"),
        ("translator", "results/translator/{name}/seed{seed}/model.pt"),
    ):
        if method[part] not in NO_MODEL:
            models[part] = pattern.format(name=method[part], seed=wildcards.seed)
    return models


def method_flag(part):
    """What stands behind the script's flag for a part: a checkpoint, `truth` or `reference`."""
    return lambda wildcards, input: input.get(part, METHODS[wildcards.method][part])


def given_more(wildcards):
    """What a method is given beside sound and face, as flags: a target video, the emotion."""
    method = METHODS[wildcards.method]
    target = "--target" if method.get("target") == "neutral_video" else ""
    return f"{target} --told" if method.get("emotion") == "label" else target


def method_code(name):
    """`code`, of a script that runs the models of a rule's method."""

    def of_method(wildcards):
        method = METHODS[wildcards.method]
        return digest(
            name, landmarks=method["landmarks"], translator=method["translator"]
        )

    return of_method


def stage_code(name):
    """`code`, of a script that runs one model of one stage, by the wildcards `stage` and `name`."""
    neither = dict.fromkeys(("landmarks", "translator"), "truth")
    return lambda wildcards: digest(
        name, **{**neither, wildcards.stage: wildcards.name}
    )


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
