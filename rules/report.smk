# report: Table 1, the figures and the page.


def method_flags(pattern):
    """`--method NAME=PATH` and `--label NAME=TEXT` for every row, ready for the shell."""
    flags = []
    for name, method in METHODS.items():
        flags += [f"--method {name}={path}" for path in method_files(name, pattern)]
        flags.append(f"--label {shlex.quote(name + '=' + method.get('label', name))}")
    return " ".join(flags)


def method_files(name, pattern):
    """`pattern` filled for every seed of a method."""
    return [pattern.format(method=name, seed=seed) for seed in seeds_of(name)]


def first_seed_files(pattern):
    """`pattern` filled for every method's first seed."""
    return [method_files(name, pattern)[0] for name in METHODS]


def histories():
    """The training histories that the methods need, as (label, path)."""
    used = []
    for stage, pattern in (
        ("landmarks", "results/landmarks/{model}/seed{seed}/history.csv"),
        ("translator", "results/translator/{model}/seed{seed}/history.csv"),
    ):
        for model in dict.fromkeys(m[stage] for m in METHODS.values()):
            if model in config[stage]["models"]:
                used += [(model, pattern.format(model=model, seed=s)) for s in config["seeds"]]
    return used


SCORES = "results/evaluation/{method}/seed{seed}/clips.csv"
CLIPS = "results/methods/{method}/seed{seed}/clips.h5"
VIDEOS = "results/methods/{method}/seed{seed}/videos"
