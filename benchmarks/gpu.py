"""Whether everything computes on this GPU what it computes on a CPU, and how fast.

    python benchmarks/gpu.py --out gpu.json

Needs the checkout, torch, and what stands in benchmarks/gpu_requirements.txt; makes its own data.
Ends within eight minutes (`--minutes`), with status 1 when a check failed. Writes the figures as
JSON and, beside it, as a Markdown table (gpu.md). On a CPU everything is small, and takes a minute.

Every part runs in a process of its own, with a time limit of its own: one that fails, hangs or
breaks the GPU's context says so, and the others go on. What was measured until then stays.
"""

import argparse
import json
import math
import multiprocessing
import os
import platform
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))

import gpu_checks as checks
import gpu_speed as speed
import torch
from gpu_samples import write_shards

from emohead.features.store import StoredClip, open_clips
from emohead.training.hardware import bf16_is_fast
from emohead.training.machine import cores

# Packages without which a part is left out and nothing has failed.
OPTIONAL = ("lightning", "tensorboardX", "torchmetrics", "torchvision", "av", "dlib", "librosa",
            "PIL", "scipy", "skimage", "tqdm", "yaml", "matplotlib")  # fmt: skip


@dataclass(frozen=True)
class Check:
    """Something that is right or wrong: what was found, and what is allowed."""

    part: str
    name: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Figure:
    """Something that was measured."""

    part: str
    name: str
    value: float
    unit: str


@dataclass
class Results:
    """All of a run. `left_out` and `failed` say why a part came to no end, by its name."""

    machine: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """Where a part runs: its device, its scale, and a folder that holds the shards.

    On a CPU a part that takes minutes is left out unless it is `asked_for` by name.
    """

    device: str
    scale: speed.Scale
    folder: Path
    asked_for: bool = False

    def use_all_cores(self) -> None:
        """For what a GPU is held against."""
        if self.device == "cuda":
            torch.set_num_threads(cores())

    def shards(self, kind: str) -> list[Path]:
        return sorted((self.folder / kind).glob("*.h5"))

    def clips(self, kind: str) -> dict[str, StoredClip]:
        return open_clips(self.shards(kind))

    def new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder))


# What a part says as it goes: facts of the machine, checks, or figures.
Said = Iterator[tuple]


def look_at_machine(setting: Setting) -> Said:
    yield "machine", "torch", torch.__version__
    yield "machine", "Python", platform.python_version()
    yield "machine", "CPU cores", str(cores())
    if setting.device == "cuda":
        facts = torch.cuda.get_device_properties(0)
        yield "machine", "device", facts.name
        yield "machine", "compute capability", f"{facts.major}.{facts.minor}"
        yield "machine", "memory", f"{facts.total_memory / 2**30:.0f} GiB"
        yield "machine", "GPUs", str(torch.cuda.device_count())
        yield "machine", "CUDA", str(torch.version.cuda)
        yield "machine", "cuDNN", str(torch.backends.cudnn.version())
        yield "machine", "compiler for Triton", "yes" if checks.can_compile_on("cuda") else "none"
    else:
        yield "machine", "device", "CPU"
    yield "machine", "bf16 is fast", "yes" if bf16_is_fast(setting.device) else "no"


def make_samples(setting: Setting) -> Said:
    for kind, size, clips, frames in (
        ("small", checks.SIZE, 8, 16),
        ("large", setting.scale.crop, setting.scale.clips, setting.scale.frames),
    ):
        (setting.folder / kind).mkdir()
        write_shards(setting.folder / kind, size=size, clips=clips, frames=frames)
    yield from ()


def check_models(setting: Setting) -> Said:
    setting.use_all_cores()
    for bf16 in (False, True):
        for name, options in checks.TRANSLATORS.items():
            if not (bf16 and options.residual_blocks):
                yield translator_check(setting, name, bf16=bf16)
        for name in checks.LANDMARK_MODELS:
            yield landmark_check(setting, name, bf16=bf16)
        for name in checks.COMPARATORS:
            yield comparator_check(setting, name, bf16=bf16)


def translator_check(
    setting: Setting, name: str, *, bf16: bool, compiled: bool = False
) -> tuple:  # fmt: skip
    return _agreement(
        name, bf16, compiled,
        lambda: checks.translator_agreement(
            checks.TRANSLATORS[name], checks.LOSS, size=checks.SIZE, device=setting.device,
            bf16=bf16, compiled=compiled,
        ),
    )  # fmt: skip


def landmark_check(setting: Setting, name: str, *, bf16: bool, compiled: bool = False) -> tuple:
    return _agreement(
        name, bf16, compiled,
        lambda: checks.landmark_agreement(
            checks.LANDMARK_MODELS[name], device=setting.device, bf16=bf16, compiled=compiled
        ),
    )  # fmt: skip


def comparator_check(setting: Setting, name: str, *, bf16: bool) -> tuple:
    measure = partial(checks.comparator_agreement, name, device=setting.device, bf16=bf16)
    return _agreement(name, bf16, False, measure)


def _agreement(
    name: str, bf16: bool, compiled: bool, measure: Callable[[], checks.Agreement]
) -> tuple:
    """The check of one model; one that breaks doesn't keep the others from being checked."""
    name = f"{name}{' compiled' if compiled else ''}, {'bf16' if bf16 else 'float32'}"
    limits = checks.BF16 if bf16 else checks.FLOAT32
    try:
        found = measure()
    except ImportError:
        raise
    except Exception as error:
        return "check", name, False, _text(error)
    text = (
        f"loss {found.loss:.1e} (at most {limits.loss:.0e}), "
        f"gradient {found.gradient:.1e} (at most {limits.gradient:.0e})"
    )
    return "check", name, found.within(limits), text


def check_paper_size(setting: Setting) -> Said:
    """The loss of AATU as large as the paper's, VGG-19 and all."""
    setting.use_all_cores()
    scale = setting.scale
    found = checks.translator_agreement(
        scale.translator, scale.loss, size=min(scale.crop, 128), device=setting.device
    )
    yield _at_most("AATU at full size: loss", found.loss, 1e-4)
    # With two residual blocks on every map it is no more than that: see checks.TRANSLATORS.
    finite = math.isfinite(found.gradient)
    yield "check", "the same: gradient", finite, "finite" if finite else "not finite"


def _at_most(name: str, found: float, limit: float) -> tuple:
    return "check", name, found <= limit, f"{found:.2g} (at most {limit:g})"


def check_trainings(setting: Setting) -> Said:
    folder, clips = setting.new_folder(), setting.clips("small")
    trainings: dict[str, Callable] = {
        "AATU": checks.translator_curves,
        "Audio2Head, recurrent": checks.motion_audio_curves,
        **{
            name: lambda clips, place, name=name, **machine: checks.landmark_curves(
                clips, name, place, **machine
            )
            for name in ("MSEF", "AT-net")
        },
    }
    # Convolutions of float32 are TF32's on a GPU, unless cuDNN is told not to.
    limits = {"float32": 0.02, "TF32": 0.15, "bf16": 0.15}
    if setting.device == "cpu":
        limits = {"bf16": 0.15}  # float32 is what it is held against
    for name, train in trainings.items():
        true = train(clips, folder / f"{name}-true", device="cpu")
        for numbers, limit in limits.items():
            torch.backends.cudnn.allow_tf32 = numbers != "float32"
            found = train(
                clips, folder / f"{name}-{numbers}", device=setting.device, compile=False,
                workers=2, precision="bf16-mixed" if numbers == "bf16" else "32-true",
            )  # fmt: skip
            yield _at_most(
                f"losses of a training, {name}, {numbers}",
                checks.curve_deviation(found, true),
                limit,
            )


def check_resume(setting: Setting) -> Said:
    found = checks.repeated(
        setting.clips("small"), setting.new_folder(), device=setting.device, compile=False
    )
    # On a CPU to the bit; of a GPU that is promised nowhere, and said here.
    limit = 0.0 if setting.device == "cpu" else 1e-2
    yield _at_most("weights of the same training, done twice", found.twice, limit)
    yield _at_most("weights of a training, killed in an epoch and resumed", found.resumed, limit)
    same = found.twice == 0 and found.resumed == 0
    yield "machine", "trainings repeat to the bit", "yes" if same else "no"


def check_loader(setting: Setting) -> Said:
    right = checks.loaders_agree(setting.clips("small"), 2, pin=setting.device == "cuda")
    yield "check", "batches by workers and by none", right, "the same" if right else "others"


def check_rendering(setting: Setting) -> Said:
    for name, found in checks.rendering_differences(setting.device).items():
        rough = "bf16" in name or "TF32" in name
        mean, far = (1.0, 0.2) if rough else (0.01, 0.0)
        yield (
            "check", f"frames, {name}", found.mean <= mean and found.far <= far,
            f"mean {found.mean:.2g} levels (at most {mean:g}), "
            f"{100 * found.far:.2g} % off by 2 or more (at most {100 * far:g} %)",
        )  # fmt: skip
    for name, found in checks.predicted_deviations(setting.device).items():
        yield _at_most(f"landmarks, {name}, px of 256", found, 0.01)


def check_networks(setting: Setting) -> Said:
    for name, found in checks.network_deviations(setting.device).items():
        yield _at_most(name, found, 1e-2 if name == "FID" else 1e-3)


def check_sharing(setting: Setting) -> Said:
    said = checks.second_training_waits(setting.device)
    yield "check", "a second training waits for the GPU", True, "; ".join(said)
    yield "check", "one GPU too many is refused", True, checks.too_many_devices(setting.device)


def check_compiled(setting: Setting) -> Said:
    if not checks.can_compile_on(setting.device):
        yield "left out", "torch.compile finds no compiler here"
        return
    if setting.device == "cpu" and not setting.asked_for:
        yield "left out", "it takes minutes on a CPU; --only 'check compiled'"
        return
    setting.use_all_cores()
    yield translator_check(setting, "AATU", bf16=False, compiled=True)
    if setting.device == "cuda":
        yield translator_check(setting, "AATU", bf16=True, compiled=True)
        for name in ("MSEF", "AT-net"):
            torch._dynamo.reset()
            yield landmark_check(setting, name, bf16=False, compiled=True)


def figures(measured: speed.Figures) -> Said:
    for name, value, unit in measured:
        yield "figure", name, float(value), unit


def time_ceilings(setting: Setting) -> Said:
    yield from figures(speed.ceilings(setting.device, setting.scale))


def time_training(setting: Setting) -> Said:
    yield from figures(
        speed.training(setting.device, setting.scale, compiled=False, peak=_peak(setting))
    )


def time_compiled(setting: Setting) -> Said:
    if setting.device == "cpu" or not checks.can_compile_on(setting.device):
        yield "left out", "for GPUs with a C compiler for Triton beside them"
        return
    yield from figures(
        speed.training(setting.device, setting.scale, compiled=True, peak=_peak(setting))
    )


def _peak(setting: Setting) -> float | None:
    """The bf16 matrix peak of this device in FLOP/s, measured here again: it takes a second."""
    if not bf16_is_fast(setting.device):
        return None
    for name, value, _ in speed.ceilings(setting.device, setting.scale):
        if "bf16" in name:
            return value * 1e12
    return None


def time_landmark_steps(setting: Setting) -> Said:
    yield from figures(
        speed.landmark_steps(setting.device, setting.scale, setting.clips("large"))
    )  # fmt: skip


def time_data(setting: Setting) -> Said:
    yield from figures(
        speed.data(setting.device, setting.scale, setting.clips("large"), setting.shards("large"))
    )


def time_trainers(setting: Setting) -> Said:
    yield from figures(
        speed.trainers(
            setting.device, setting.scale, setting.clips("large"), setting.new_folder()
        )
    )  # fmt: skip


def time_variants(setting: Setting) -> Said:
    yield from figures(speed.variants(setting.device, setting.scale))


def time_graphs(setting: Setting) -> Said:
    if setting.device == "cpu" or not checks.can_compile_on(setting.device):
        yield "left out", "for GPUs with a C compiler for Triton beside them"
        return
    yield from figures(speed.graphs(setting.device, setting.scale))


def time_profile(setting: Setting) -> Said:
    yield from figures(speed.profile(setting.device, setting.scale))


def time_rendering(setting: Setting) -> Said:
    yield from figures(speed.rendering(setting.device, setting.scale, setting.new_folder()))


def time_scoring(setting: Setting) -> Said:
    yield from figures(speed.scoring(setting.device, setting.scale))


def time_generate(setting: Setting) -> Said:
    yield from figures(speed.both_stages(setting.device, setting.scale))


def time_whole_generate(setting: Setting) -> Said:
    yield from figures(speed.whole_generate(setting.device, setting.scale, setting.new_folder()))


@dataclass(frozen=True)
class Part:
    """`run` says what it finds; `seconds` are its limit on a GPU."""

    name: str
    run: Callable[[Setting], Said]
    seconds: int

    @property
    def checks(self) -> bool:
        return self.name.startswith("check")


# What matters most comes first: where the time runs out, the rest is left out.
PARTS = (
    Part("machine", look_at_machine, 40),
    Part("samples", make_samples, 60),
    Part("check models", check_models, 60),
    Part("check full size", check_paper_size, 40),
    Part("check rendering", check_rendering, 40),
    Part("check sharing", check_sharing, 45),
    Part("check loader", check_loader, 30),
    Part("check trainings", check_trainings, 75),
    Part("check resume", check_resume, 60),
    Part("ceilings", time_ceilings, 30),
    Part("training", time_training, 60),
    Part("data", time_data, 60),
    Part("rendering", time_rendering, 40),
    Part("check compiled", check_compiled, 90),
    Part("training, compiled", time_compiled, 120),
    Part("variants", time_variants, 50),
    Part("profile", time_profile, 30),
    Part("trainer", time_trainers, 110),
    Part("check networks", check_networks, 40),
    Part("scoring", time_scoring, 30),
    Part("landmark training", time_landmark_steps, 30),
    Part("generate", time_generate, 30),
    Part("generate, whole", time_whole_generate, 40),
    Part("training, graphs", time_graphs, 90),
)


def work(part: Part, setting: Setting, connection: Connection) -> None:
    """A part in its own process, a group of its own, so that its workers end with it."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Before the first product: the trainer's own set_up_torch may come after it.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    try:
        # What the library prints is for logs; what goes wrong still reaches the screen.
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
            for said in part.run(setting):
                connection.send(said)
        connection.send(("end",))
    except ImportError as error:
        root = (error.name or "").partition(".")[0]
        if root in OPTIONAL:
            connection.send(("left out", f"there is no package {root} here"))
        else:
            connection.send(("failed", _text(error)))
    except BaseException as error:
        traceback.print_exc()
        connection.send(("failed", _text(error)))


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


def run_part(part: Part, setting: Setting, seconds: float, results: Results) -> None:
    """Run a part, print and keep what it says."""
    print(f"{part.name}", flush=True)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(part, setting, theirs))
    start = time.monotonic()
    process.start()
    theirs.close()
    ended = False
    try:
        while not ended:
            left = start + seconds - time.monotonic()
            if left <= 0 or not ours.poll(left):
                results.failed[part.name] = f"was not done after {seconds:.0f} s"
                break
            try:
                ended = keep(part, ours.recv(), results)
            except EOFError:
                results.failed[part.name] = "its process ended without a word"
                break
    finally:
        process.join(5 if ended else 0)
        end_group(process)
        results.seconds[part.name] = time.monotonic() - start
    if part.name in results.failed:
        print(f"  FAILED: {results.failed[part.name]}", flush=True)


def end_group(process) -> None:
    """End what is left of a part: its process and those that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()  # it may not have got its group yet
    process.join()


def keep(part: Part, said: tuple, results: Results) -> bool:
    """Keep what a part said; True when that was its last word."""
    kind, *rest = said
    if kind == "end":
        return True
    if kind == "left out":
        results.left_out[part.name] = rest[0]
        print(f"  left out: {rest[0]}", flush=True)
        return True
    if kind == "failed":
        results.failed[part.name] = rest[0]
        return True
    if kind == "machine":
        results.machine[rest[0]] = rest[1]
        print(f"  {rest[0]}: {rest[1]}", flush=True)
    elif kind == "check":
        check = Check(part.name, *rest)
        results.checks.append(check)
        print(f"  {'ok  ' if check.passed else 'BAD '} {check.name}: {check.found}", flush=True)
    else:
        figure = Figure(part.name, *rest)
        results.figures.append(figure)
        print(f"  {figure.name}: {number(figure.value)} {figure.unit}", flush=True)
    return False


def number(value: float) -> str:
    """With three digits, or as a whole."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def good(results: Results) -> bool:
    """Whether every check passed, and every part that checks came to its end."""
    return all(check.passed for check in results.checks) and not any(
        part.checks and part.name in results.failed for part in PARTS
    )


def table(results: Results) -> str:
    """The run as one Markdown table."""
    rows = [("what", "measured"), ("---", "---")]
    rows += results.machine.items()
    for part in PARTS:
        made = [check for check in results.checks if check.part == part.name]
        if made:
            bad = [check for check in made if not check.passed]
            text = f"{len(made) - len(bad)} of {len(made)} right"
            rows.append((part.name, text))
            rows += [(f"**wrong**: {check.name}", check.found) for check in bad]
        rows += [
            (figure.name, f"{number(figure.value)} {figure.unit}".strip())
            for figure in results.figures
            if figure.part == part.name
        ]
        if part.name in results.left_out:
            rows.append((part.name, f"left out: {results.left_out[part.name]}"))
        if part.name in results.failed:
            rows.append((part.name, f"**failed**: {results.failed[part.name]}"))
    return "\n".join(f"| {a} | {b} |".replace("\n", " ") for a, b in rows) + "\n"


def write(results: Results, out: Path) -> None:
    content = asdict(results) | {"date": date.today().isoformat(), "good": good(results)}
    out.write_text(json.dumps(content, indent=1))
    out.with_suffix(".md").write_text(table(results))


def find_device() -> str:
    """In a process of its own: one that has asked for CUDA can't fork others that use it."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return "cuda" if pool.apply(torch.cuda.is_available) else "cpu"


def chosen_parts(names: Iterable[str]) -> list[Part]:
    """The parts whose names begin with one of `names`, and those that all others need."""
    wanted = tuple(names)
    needed = ("machine", "samples")
    return [part for part in PARTS if not wanted or part.name.startswith((*wanted, *needed))]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="default: gpu.json")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--minutes", type=float, default=8, help="for everything (default: 8)")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="PART",
        help=f"parts whose names begin so: {', '.join(part.name for part in PARTS)}",
    )  # fmt: skip
    flags = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that the part at hand ends, too
    device = find_device() if flags.device == "auto" else flags.device
    scale = speed.PAPER if device == "cuda" else speed.SMALL
    deadline = time.monotonic() + 60 * flags.minutes
    results = Results()
    with tempfile.TemporaryDirectory(prefix="emohead-gpu-") as folder:
        setting = Setting(device, scale, Path(folder), asked_for=bool(flags.only))
        for part in chosen_parts(flags.only):
            left = deadline - time.monotonic()
            if left < 5:
                results.left_out[part.name] = f"{flags.minutes:g} minutes were over"
                continue
            seconds = part.seconds if device == "cuda" else 60 * flags.minutes
            run_part(part, setting, min(seconds, left), results)
            write(results, flags.out)
    write(results, flags.out)
    print(f"\n{table(results)}\n{'all checks passed' if good(results) else 'CHECKS FAILED'}")
    return 0 if good(results) else 1


if __name__ == "__main__":
    sys.exit(main())
