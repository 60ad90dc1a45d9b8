"""The plan as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from emohead.cost.text import number, size, table
from emohead.plan.rates import FRAME_SIZE, MEASURED_ON, Rates
from emohead.plan.work import MIB, Machine, Work, passing_bytes, phase_hours

NOTES = """\
- Each phase waits for the whole one before, so the hours of the phases add up; Snakemake lets some
  of them overlap.
- A training on GPUs takes its operations, counted, at the rate that is assumed, and several devices
  are assumed to be as many times as fast. No training on a GPU was measured for this. Waiting for
  data and validation are not in it, nor that small models, and LSTMs above all, sustain less.
- Memory: peaks of the mini run, plus what is known to grow with the data and the model; where
  frames are held, times their pixels. Activations on a GPU are in the GPU's memory: docs/cost.md.
- Rendering: several cores are assumed to be as many times as fast as one; `precision: auto` to be
  bf16, which that machine is fast at. A GPU's time is the translator's operations at the assumed
  rate and the writing of frames.
- Disk: the clips themselves, archives and what a training keeps for going on are not in it. Frames
  on their way are there from when a job begins to render them until they are scored; scores are
  made first where there is a choice.
- Hours of the network (archives), and of the networks' metrics on a GPU, are not known: –."""


def page(phases: Mapping[str, Sequence[Work]], about: str, machine: Machine, nodes: int) -> str:
    """All of it; `about` is a sentence on the data."""
    return "\n".join(
        [
            "# What this run takes", "", about, "",
            "## Jobs", "", *table(_jobs(phases)), "",
            "## Hours", "", *table(_hours(phases, machine, nodes)), "",
            f"A GPU is assumed to sustain {machine.tflops:g} TFLOP/s.", "",
            "## Where the numbers are from", "",
            f"Measured on {MEASURED_ON}; other machines differ. Rates of frames are of "
            f"{FRAME_SIZE} px, scaled by the pixels of the config's crops.", "",
            *(f"- {r.name}: {r.default.value:g} {r.default.unit} ({r.default.source})."
              for r in fields(Rates)),
            NOTES, "",
        ]
    )  # fmt: skip


def _jobs(phases: Mapping[str, Sequence[Work]]) -> Iterable[Sequence[str]]:
    yield ("rule", "jobs", "cores of a job", "GPUs of a job", "memory of a job", "h, longest job",
           "core hours", "GPU hours", "disk")  # fmt: skip
    everything = [work for phase in phases.values() for work in phase if work.jobs]
    for work in everything:
        yield (
            work.rule, f"{work.jobs:,}", str(work.cores), str(work.gpus or "–"),
            "–" if work.memory is None else size(work.memory * MIB),
            "–" if work.hours is None else number(max(work.hours)),
            *_used(work.hours is not None, work.core_hours, work.gpu_hours, work.disk),
        )  # fmt: skip
    totals = (
        sum(getattr(w, name) for w in everything) for name in ("core_hours", "gpu_hours", "disk")
    )
    yield "all", f"{sum(w.jobs for w in everything):,}", "", "", "", "", *_used(True, *totals)


def _used(known: bool, core_hours: float, gpu_hours: float, disk: float) -> Iterable[str]:
    yield number(core_hours) if known else "–"
    yield number(gpu_hours) if gpu_hours else "–"
    yield size(disk) if disk else "–"


def _hours(
    phases: Mapping[str, Sequence[Work]], machine: Machine, nodes: int
) -> Iterable[Sequence[str]]:
    counts = sorted({1, nodes})
    yield "phase", *(f"{n} machine{'s' * (n != 1)} ({machine})" for n in counts)
    total = dict.fromkeys(counts, 0.0)
    for name, phase in phases.items():
        hours = {n: phase_hours(phase, machine, n) for n in counts}
        total = {n: total[n] + hours[n] for n in counts}
        if any(hours.values()):
            yield name, *map(number, hours.values())
    yield "all", *map(number, total.values())
    passing = [sum(passing_bytes(p, machine, n) for p in phases.values()) for n in counts]
    yield "disk of frames on their way", *map(size, passing)
