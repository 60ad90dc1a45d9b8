# Config checks: what would only be found out after hours is said before any job starts.
from jsonschema import Draft202012Validator

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


def check_config():
    """Stop with one line for a config mistake: the key, what is wrong, what is allowed."""
    schema = emohead.config_checks.config_schema(
        Path(workflow.basedir) / "schemas/config.schema.yaml"
    )
    errors = Draft202012Validator(schema).iter_errors(config)
    for error in sorted(errors, key=lambda e: (len(e.path), str(e.path))):
        stop(".".join(map(str, error.absolute_path)) or "(top level)", explain(error))
    # The rest is checked where the workflow was started, where the user's own files are.
    if workflow.remote_exec:
        return
    check_models()
    for stage in VGG_STAGES:
        for name in config[stage]["models"]:
            check_vgg(stage, name)
    CHECK_SOURCE[config["data"]["source"]]()
    if not shards():
        stop("data", "no clips: there are no speakers or no emotions")
    check_split()
    check_neutral()
    check_methods()
    check_weights()
    check_ablations()
    check_requests()


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


def check_neutral():
    """Neutral clips must be trained on by everyone of whom a model or a target video is one.

    Folders tell it for speakers without any; of others the split decides.
    """
    tested = set(config["split"]["test_speakers"] or ())
    lacking = {s for s, _ in shards()} - {s for s, e in shards() if e == "neutral"}
    used = {method.get("landmarks") for method in config["methods"].values()}
    used.update(config["ablations"]["landmarks"])
    for name in used.intersection(config["landmarks"]["models"]):
        wanted = model_options("landmarks", name)["model"]["reference"]
        if wanted == "neutral" and lacking - tested:
            stop(
                "landmarks.options.reference",
                f"is neutral, and there are no neutral clips of {', '.join(sorted(lacking - tested))} ({name})",
            )
    for name, method in config["methods"].items():
        if method.get("target") == "neutral_video" and lacking | tested:
            stop(
                f"methods.{name}.target",
                "is neutral_video, a clip that is trained on, and there is none of "
                f"{', '.join(sorted(lacking | tested))}: say reference, or leave the row out",
            )


def check_methods():
    """Every method must be made of models that there are, or of a folder of videos."""
    if not references():
        stop(
            "evaluation.references",
            "neutral needs neutral clips of every speaker: say same_emotion",
        )
    if LEFT_OUT:
        check_left_out()
    for name, method in config["methods"].items():
        key = f"methods.{name}"
        if name in BUILT_IN_METHODS:
            stop(key, "is a row of every table: take another name")
        if "videos" in method:
            check_videos(key, method)
        elif "motion" in method:
            stages = ("motion_audio", "motion_field")
            known = [model for stage in stages for model in config[stage]["models"]]
            check_model(f"{key}.motion", method["motion"], known)
        elif "bundle" in method:
            if not Path(method["bundle"]).is_file():
                stop(f"{key}.bundle", f"there is no file {method['bundle']!r}")
        else:
            check_both_models(key, method)


def check_left_out():
    """A row that is null must be one that another config has."""
    read = emohead.config_checks.read_yaml
    configs = [read(Path(path)).get("methods") or {} for path in workflow.configfiles]
    known = {name for each in configs for name, method in each.items() if method}
    for name in LEFT_OUT:
        if name not in known:
            stop(
                f"methods.{name}",
                f"is null, and no such row is there to be left out (there are: {', '.join(sorted(known))})",
            )


def check_model(key, name, known):
    """A model that a key names must be one of those that are `known`."""
    if name not in known:
        known = ", ".join(known) or "none"
        stop(key, f"there is no model {name!r} (known: {known})")


def check_both_models(key, method):
    """A landmark model and a translator, or what stands for them."""
    for part, others in (
        ("landmarks", STAND_INS),
        ("translator", (*STAND_INS, "warp")),
    ):
        check_model(f"{key}.{part}", method[part], [*config[part]["models"], *others])
    landmarks = method["landmarks"]
    if method.get("emotion") == "label" and not (
        landmarks in config["landmarks"]["models"] and disentangler_of(landmarks)
    ):
        stop(
            f"{key}.emotion",
            f"is label, and only an evp can be told the emotion, not {landmarks}",
        )


def check_videos(key, method):
    """Somebody else's videos: names that fit none are a mistake; a folder may be empty until they are made."""
    folder, names = method["videos"], method.get("names")
    if not Path(folder).is_dir():
        stop(f"{key}.videos", f"there is no folder {folder!r}")
    if names is not None:
        try:
            there = named_videos(Path(folder), names)
        except (OSError, ValueError) as error:
            stop(f"{key}.names", str(error))
        if not there:
            files = ", ".join(file for file, _ in folder_files(folder)[:5]) or "nothing"
            stop(
                f"{key}.names",
                f"no video in {folder} is called like {names!r}: it has {files}",
            )
    if method.get("reference", references()[0]) not in references():
        stop(
            f"{key}.reference",
            f"{method['reference']} is not one of evaluation.references",
        )


def check_labels(key, labels):
    """Two rows of one label would be one in the figures, and in the table of published rows."""
    names = {}
    for name, label in labels.items():
        if names.setdefault(label, name) != name:
            stop(
                f"{key}.{name}",
                f"is called {label!r}, as {names[label]} is: give one another label",
            )


def check_ablations():
    """What is to be compared must be models that there are."""
    for stage, labels in config["ablations"].items():
        check_labels(f"ablations.{stage}", labels)
        for name in labels:
            check_model(f"ablations.{stage}", name, config[stage]["models"])


def check_requests():
    """Videos can be generated by a method that a bundle can be made of, from files that there are."""
    try:
        emohead.generate.card.method_models(config, config["generate"]["method"])
    except ValueError as error:
        stop("generate.method", str(error))
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
        known = error.schema["properties"]
        unknown = [str(key) for key in error.instance if key not in known]
        return f"unknown key {', '.join(unknown)} (known keys: {', '.join(known)})"
    if error.validator == "oneOf" and list(error.path)[:1] == ["methods"]:
        return (
            "give it landmarks and translator, or a bundle (and landmarks: truth), or motion, or a "
            "folder of videos (and names, start, reference)"
        )
    if error.validator == "oneOf":
        return "; or ".join(each.message for each in error.context)
    if error.validator_value == "string" and isinstance(error.instance, int):
        return f"{error.message}: YAML wants quotes around it"
    if re.fullmatch(r"[-+]?\d+e[-+]?\d+", str(error.instance), re.IGNORECASE):
        return f"{error.message}: YAML wants a point in it, as in 1.0e-4"
    return error.message
