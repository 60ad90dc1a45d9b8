# What a training is told: its options, its threads and GPUs, what it starts from.

# VGG-19's weights in a loss, with vgg_weights: imagenet.
IMAGENET_WEIGHTS = "results/translator/vgg19.pth"
# Whose losses look through it.
VGG_STAGES = ("translator", "motion_field")


def model_options(stage, name):
    """A model's `model`, `loss`, `train` and `runtime` options: the stage's, overridden by its own."""
    options = emohead.config.model_options(config, stage, name)
    if options["loss"].get("vgg_weights") == "imagenet":
        options["loss"]["vgg_weights"] = IMAGENET_WEIGHTS
    return options


def recipe(stage, name):
    """The options that decide a model's weights: all but its `runtime`."""
    options = model_options(stage, name)
    if options["loss"].get("vgg_weights", "random") != "random":
        options["loss"]["vgg_weights"] = own(options["loss"]["vgg_weights"])
    return {part: options[part] for part in ("model", "loss", "train")}


def runtime(stage, name, seed):
    """The options that decide how fast a model is trained, and where its checkpoints go besides."""
    options = model_options(stage, name)["runtime"]
    folder = options.get("checkpoint_storage") or STORAGE
    if folder:
        folder = f"{folder.rstrip('/')}/state/{stage}/{name}-seed{seed}"
        options["checkpoint_storage"] = folder
    return options


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
        return own(loss["vgg_weights"]) if used else []

    return of_model


def gpus(stage, name):
    """GPUs that a model's training asks for: `devices`, if they are used."""
    options = model_options(stage, name)
    train = {**options["train"], **options["runtime"]}
    found = train["device"] == "auto" and shutil.which("nvidia-smi") is not None
    return train["devices"] if train["device"] == "cuda" or found else 0


def train_threads(stage, name):
    """Cores of a model's training."""
    return model_options(stage, name)["train"]["threads"]


def training_resources(stage):
    """What the trainings of a stage ask for, for their rule's `resources`."""

    def of_model(amount):
        return again(lambda wildcards, input: amount(stage, wildcards[stage]))

    return {
        "mem_mb": of_model(training_memory),
        "runtime": of_model(training_minutes),
        "gpu": lambda wildcards: gpus(stage, wildcards[stage]),
    }


def training_params(stage):
    """What every training of a stage is told but `code`, for their rule's `params`."""

    def options(wildcards):
        return as_json(recipe(stage, wildcards[stage]))

    def options_there(wildcards, output):
        return located([options(wildcards)], output)

    name = f"{{{stage}}}-seed{{seed}}"
    return {
        # Of these stages it may name a file of weights.
        **(
            compared("options", options_there, options)
            if stage in VGG_STAGES
            else {"options": options}
        ),
        "runtime": untracked(lambda w: as_json(runtime(stage, w[stage], w.seed))),
        "state": f"state/{stage}/{name}",
        "curves": f"results/logs/tensorboard/train_{stage}/{name}",
    }


def training_command(more=""):
    """The command of a training: what every one is told and writes, see emohead/training/flags.py."""
    return (
        "python {input.script:q} --features {input.features} --split {input.split} "
        "--options {params.options:q} --runtime {params.runtime:q} --code {params.code} "
        "--seed {wildcards.seed} --state {params.state} --model {output.model} "
        "--history {output.history} --provenance {output.provenance} --curves {params.curves} "
        f"{more} > {{log}} 2>&1"
    )


def trainings(pattern):
    """`pattern` filled with the stage, model and seed of every training that the methods need."""
    return [
        pattern.format(stage=stage, model=model, seed=seed)
        for stage in emohead.config.STAGES
        for model in used_models(stage)
        for seed in config["seeds"]
    ]


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


def field_of(motion):
    """The motion field of what a method calls its `motion`: of a model of sound, or it itself."""
    if motion in config["motion_audio"]["models"]:
        return model_options("motion_audio", motion)["model"]["field"]
    return motion


def sound_shards(name, speaker=None):
    """What a model of motion_audio hears of all speakers, or of one, beside the feature shards."""
    options = model_options("motion_audio", name)["model"]
    if options.get("sound") != "mfcc_fbank_f0":
        return []
    return [
        f"results/sound/{each}-{emotion}.h5"
        for each, emotion in shards()
        if speaker in (each, None)
    ]


def disentangler_of(name):
    """The options' `disentangler` of a landmark model; None without."""
    return model_options("landmarks", name)["model"].get("disentangler")


def disentangler_checkpoint(wildcards):
    """The checkpoint that a landmark model's encoders go on from, if any."""
    name = disentangler_of(wildcards.landmarks)
    return f"results/disentangler/{name}/seed{wildcards.seed}/model.pt" if name else []
