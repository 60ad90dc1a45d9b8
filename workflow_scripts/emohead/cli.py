"""The command `emohead`: a face that speaks, the trained method as a file, page and study."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from emohead.data.mead import EMOTIONS
from emohead.serve.limits import Limits

# Each command loads what it needs, when it runs: torch alone takes seconds.
if TYPE_CHECKING:
    from numpy import ndarray

    from emohead.generate.bundle import Bundle


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. What the user can mend is told in one line."""
    # A file's name that the terminal can't show is no reason to fail once the file is made.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    flags = _parser().parse_args(arguments)
    try:
        flags.run(flags)
        sys.stdout.flush()
    except ValueError as error:
        print(f"emohead: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # as of `emohead metrics | head`, which has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="emohead", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    generate = commands.add_parser("generate", help="a sound and a picture of a face to a video")
    generate.set_defaults(run=_generate)
    generate.add_argument("--audio", type=Path, required=True, help="any file with sound")
    generate.add_argument("--face", type=Path, required=True, help="a picture with a face")
    generate.add_argument("--out", type=Path, required=True, help="the video, .mp4")
    _add_model(generate)
    generate.add_argument("--paste", action="store_true", help="show the whole picture")
    generate.add_argument("--watermark", action="store_true", help="draw a small visible mark")
    generate.add_argument(
        "--head", metavar="still|natural|VIDEO",
        help="how the head moves: as predicted, as those of the training clips, or as in a video; "
        "default: natural, where the model has movements",
    )  # fmt: skip
    generate.add_argument(
        "--blink", action=argparse.BooleanOptionalAction, default=True,
        help="close the lids now and then; default: yes",
    )  # fmt: skip
    generate.add_argument(
        "--emotion", type=Path, metavar="CSV", help="MSEF's belief per second; printed too"
    )
    generate.add_argument(
        "--save-landmarks", type=Path, metavar="NPZ", help="the predicted landmarks"
    )
    _add_hardware(generate)
    generate.add_argument("--quiet", action="store_true", help="no progress bar")

    export = commands.add_parser("export", help="a trained method as one file")
    export.set_defaults(run=_export)
    _add_run(export)
    export.add_argument("--model", type=Path, required=True, help="a run's folder results/")
    export.add_argument("--out", type=Path, required=True, help="the bundle, .h5")

    info = commands.add_parser("info", help="what is in a bundle, or in a run's folder")
    info.set_defaults(run=_info)
    _add_model(info)

    metrics = commands.add_parser("metrics", help="every metric by every convention")
    metrics.set_defaults(run=_metrics)

    plan = commands.add_parser("plan", help="what a run takes: jobs, memory, disk, hours")
    plan.set_defaults(run=_plan)
    plan.add_argument(
        "--config", type=Path, nargs="+", required=True, metavar="YAML",
        help="laid over this folder's config.yaml, if there is one, as by snakemake --configfile",
    )  # fmt: skip
    plan.add_argument("--nodes", type=int, default=1, help="machines; default: 1")
    plan.add_argument("--cores", type=int, default=16, help="of a machine; default: 16")
    plan.add_argument("--gpus", type=int, default=1, help="of a machine; default: 1")
    plan.add_argument("--tflops", type=float, default=50.0, help="that a GPU sustains; default: 50")
    plan.add_argument(
        "--split", type=Path, metavar="CSV", help="count its clips: results/split.csv, once made"
    )
    plan.add_argument(
        "--measure", action="store_true", help="time a few steps of each training on this machine"
    )

    serve = commands.add_parser("serve", help="a page for the browser, on this machine alone")
    serve.set_defaults(run=_serve)
    serve.add_argument(
        "--model", type=Path, action="append", required=True,
        help="a bundle; give it twice to compare two side by side",
    )  # fmt: skip
    serve.add_argument("--host", default="127.0.0.1", help="address; default: this machine alone")
    serve.add_argument("--port", type=int, default=7860, help="default: 7860")
    _add_hardware(serve)
    _add_limits(serve)

    study = commands.add_parser("study", help="a user study: take its answers, or make some up")
    study.set_defaults(run=_study)
    study.add_argument(
        "--study", type=Path, default=Path("results/study"), metavar="FOLDER",
        help="what `snakemake study` made; default: results/study",
    )  # fmt: skip
    study.add_argument(
        "--answers", type=Path, required=True, metavar="FOLDER", help="where answers go"
    )
    action = study.add_mutually_exclusive_group(required=True)
    action.add_argument("--serve", type=int, metavar="PORT", help="show the study, take answers")
    action.add_argument("--simulate", type=int, metavar="N", help="answers of N made-up raters")
    study.add_argument("--host", default="127.0.0.1", help="address; default: this machine alone")
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", type=Path, required=True, help="a bundle, or a run's folder results/"
    )
    _add_run(parser)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--method", default="ours", help="of a run's folder; default: ours")
    parser.add_argument("--seed", type=int, default=0, help="of a run's folder; default: 0")
    parser.add_argument(
        "--configfile", type=Path, nargs="+", default=[], metavar="YAML",
        help="all that the run was started with, config.yaml first; default: config.yaml beside "
        "its folder",
    )  # fmt: skip


def _add_hardware(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="default: auto"
    )
    parser.add_argument(
        "--precision", choices=("auto", "int8", "bf16", "float32"), default="auto",
        help="of the translator; default: auto, the fastest that the hardware has",
    )  # fmt: skip


def _add_limits(parser: argparse.ArgumentParser) -> None:
    """A flag for each of the page's limits."""
    helps = {
        "upload_megabytes": "largest file that is taken",
        "seconds": "longest sound",
        "keep_minutes": "how long the files of a page that stays open are kept",
        "waiting": "requests that may wait for their turn",
    }
    for limit in fields(Limits):
        parser.add_argument(
            f"--{limit.name.replace('_', '-')}", type=type(limit.default), default=limit.default,
            help=f"{helps[limit.name]}; default: {limit.default:g}",
        )  # fmt: skip


def _generate(flags: argparse.Namespace) -> None:
    from emohead.generate.generate import check_names, generate

    check_names([flags.model], [flags.out, flags.save_landmarks, flags.emotion])
    bundle = _read_model(flags).to(_chosen_device(flags))
    made = generate(
        flags.audio, flags.face, flags.out, bundle,
        paste=flags.paste, watermark=flags.watermark,
        head=flags.head or bundle.usual_head, blink=flags.blink,
        save_landmarks=flags.save_landmarks, emotion=flags.emotion, precision=flags.precision,
        progress=not flags.quiet,
    )  # fmt: skip
    for note in made.notes:
        print(f"{flags.audio}: {note}")
    if made.faces_in_picture > 1:
        print(f"{flags.face}: {made.faces_in_picture} faces are seen; the largest one speaks")
    if flags.emotion is not None:
        print(belief_table(made.emotion))
    print(f"{flags.out}: {made.seconds:.1f} s, {made.frames} frames")


def _chosen_device(flags: argparse.Namespace) -> str:
    """What `auto` means here; ValueError when a GPU is asked for that isn't there."""
    import torch

    if flags.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("there is no GPU that torch can use: take --device auto")
    if flags.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return flags.device


def belief_table(belief: "ndarray") -> str:
    """MSEF's belief [seconds, 8] for reading: a line a second, in per cent."""
    lines = ["second " + "".join(f"{emotion:>10}" for emotion in EMOTIONS)]
    for second, row in enumerate(belief):
        lines.append(f"{second:>6} " + "".join(f"{100 * share:>9.0f}%" for share in row))
    return "\n".join(lines)


def _export(flags: argparse.Namespace) -> None:
    from emohead.generate.bundle import export_bundle, run_part

    part = run_part(flags.model, flags.method, flags.seed, flags.configfile)
    export_bundle(part.landmarks, part.translator, flags.out, card=part.card, head=part.head)
    print(f"{flags.out}: {flags.out.stat().st_size / 1e6:.1f} MB")


def _info(flags: argparse.Namespace) -> None:
    from emohead.generate.describe import describe

    print(describe(_read_model(flags)))


def _metrics(flags: argparse.Namespace) -> None:
    from emohead.evaluation.catalogue import METRICS

    better = {True: "; lower is better", False: "; higher is better", None: ""}
    for each in METRICS:
        print(f"{each.name}, {each.convention}: {each.heading}, {each.unit}", end="")
        print(better[each.lower_is_better], f"  {each.formula}", sep="\n")
        if each.used_by != "–":
            print(f"  used by: {each.used_by}")


def _plan(flags: argparse.Namespace) -> None:
    from emohead.generate.bundle import read_config
    from emohead.plan.plan import plan
    from emohead.plan.work import Machine

    for name in ("nodes", "cores", "tflops"):
        if not getattr(flags, name) > 0:
            raise ValueError(f"--{name} {getattr(flags, name)}: it must be above 0")
    if flags.gpus < 0:
        raise ValueError(f"--gpus {flags.gpus}: it must not be below 0")
    machine = Machine(flags.cores, flags.gpus, flags.tflops)
    base = [path for path in (Path("config.yaml"),) if path.is_file()]
    config = read_config([*base, *flags.config])
    print(
        plan(config, machine=machine, nodes=flags.nodes, split=flags.split, measure=flags.measure)
    )


def _serve(flags: argparse.Namespace) -> None:
    from emohead.serve.server import read_models, serve

    limits = Limits(**{limit.name: getattr(flags, limit.name) for limit in fields(Limits)})
    device = _chosen_device(flags)
    models = {name: bundle.to(device) for name, bundle in read_models(flags.model).items()}
    serve(models, host=flags.host, port=flags.port, limits=limits, precision=flags.precision)


def _study(flags: argparse.Namespace) -> None:
    from emohead.generate.places import writing
    from emohead.study.key import read_key
    from emohead.study.server import serve_study
    from emohead.study.simulate import simulate_answers

    if flags.serve is not None:
        serve_study(flags.study, flags.answers, host=flags.host, port=flags.serve)
        return
    if flags.simulate < 1:
        raise ValueError(f"--simulate {flags.simulate}: it must be above 0")
    key = read_key(flags.study / "key.json")
    with writing(flags.answers):
        simulate_answers(key, flags.simulate, flags.answers)
    print(f"{flags.answers}: {flags.simulate} answers that are made up")


def _read_model(flags: argparse.Namespace) -> "Bundle":
    """A bundle's file, or a method of a run's folder."""
    from emohead.generate.bundle import read_bundle, read_run

    if flags.model.is_dir():
        return read_run(flags.model, flags.method, flags.seed, flags.configfile)
    return read_bundle(flags.model)
