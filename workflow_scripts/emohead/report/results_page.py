"""The report's page: one HTML file that holds everything it shows and asks nobody for anything."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from emohead.data.mead import FPS, ClipName, parse_clip_id
from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.run_clips import RunClip
from emohead.evaluation.scores import provenance_of
from emohead.evaluation.shown import clips_to_show
from emohead.evaluation.summary import BUILT_IN, of_reference, read_scores, references_of
from emohead.files import whole_file
from emohead.provenance import Provenance, read_provenance
from emohead.report.methods import PROTOCOL_LABELS, Method, label_methods, labels_of, open_methods
from emohead.report.page_parts import render_template
from emohead.report.pictures import FACE_LINES
from emohead.report.style import method_colours
from emohead.report.tables import MISSING, Table, duration, heading_of, interval_note, number
from emohead.run_times import read_run_times

#: By emotion, beside Table 1's four, where they were computed.
ALSO_SHOWN = (
    ("lip_correlation", "redetected"),
    ("emotion_accuracy", "landmarks"),
    ("emotion_accuracy", "pixels"),
    ("emotion_accuracy", "msef"),
    ("identity", "dlib_distance"),
)
UNITS_PER_PIXEL = 16  # of the player's landmarks: at most 1/32 px off


def write_page(
    out: Path,
    *,
    methods: Sequence[Method],
    scores: Sequence[Path],
    clips: Path,
    split: Path,
    bases: Mapping[str, Path],
    provenance: Mapping[str, Path],
    benchmarks: Path,
    study: Path | None = None,
    **shown: Any,
) -> None:
    """Write `out`, a self-contained page.

    `bases` are basis.csv and `provenance` provenance.json by model; `benchmarks` is Snakemake's
    folder; `study` is Table 2. `shown` as they are: `claims`, `table1` and `published`, as `study`
    .html fragments; `figures`, .png by reference and name, and `training_figure`; `data_page`,
    which lies beside `out`; `config`, YAML text; `notes`; `missing`, what was not computed.
    """
    rows = read_scores(scores)
    references, names = references_of(rows), label_methods(rows, labels_of(methods))
    with_runs = [method for method in methods if method.runs]
    made = [(name, read_provenance(path)) for name, path in provenance.items()]
    page = render_template(
        "page.html.j2",
        references=references,
        methods=with_runs,
        colours=method_colours([method.id for method in with_runs]),
        player=build_player(methods, clips_to_show(split), references),
        units=UNITS_PER_PIXEL,
        face_lines=[line.tolist() for _, line in FACE_LINES],
        encode_landmarks=encode_landmarks,
        fps=FPS,
        per_emotion=list(per_emotion(rows, names)),
        of_intervals=interval_note(rows["speaker"].nunique()),
        bases=basis_tables(bases),
        data_hash=hashlib.sha256(clips.read_bytes() + split.read_bytes()).hexdigest(),
        made=made_alike([*made, *(each for path in scores for each in provenance_of(path))]),
        times=run_times(read_run_times(benchmarks)),
        study=study,
        **shown,
    )
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


class Screen(NamedTuple):
    """A method with a reference face (empty: with any), and its clip, or why there is none."""

    method: Method
    reference: str
    clip: RunClip | None
    missing: str = ""


def build_player(
    methods: Sequence[Method], clips: Mapping[str, str], references: Sequence[str]
) -> list[tuple[ClipName, list[Screen]]]:
    """The screens of each of `clips`, ids by emotion, of the methods that have runs.

    The ground truth, which is the first of them, has one run, whatever the reference face.
    """
    opened = {r: {each.id: each.clips for each in open_methods(methods, r)} for r in references}
    truth, *others = (method for method in methods if method.runs)
    player = []
    for clip_id in clips.values():
        screens = [Screen(truth, "", opened[references[0]][truth.id][clip_id])]
        for method, reference in product(others, references):
            run, missing = opened[reference].get(method.id), ""
            if run is None:
                kind = reference.replace("_", "-")
                missing = f"{method.label} was not run with a {kind} reference face."
            elif clip_id not in run:
                missing = f"{method.label} has no video of this clip."
            screens.append(Screen(method, reference, None if missing else run[clip_id], missing))
        player.append((parse_clip_id(clip_id), screens))
    return player


def encode_landmarks(landmarks: np.ndarray) -> str:
    """Landmarks [T, 68, 2] in pixels as base64 of little-endian int16, in 1/16 px.

    Empty where any is not finite, as those of a method without landmarks of its own are.
    """
    if not np.isfinite(landmarks).all():
        return ""
    units, limits = np.rint(landmarks * UNITS_PER_PIXEL), np.iinfo(np.int16)
    return base64.b64encode(units.clip(limits.min, limits.max).astype("<i2").tobytes()).decode()


def basis_tables(paths: Mapping[str, Path]) -> list[Table]:
    """What PCA bases leave, a table for the landmark models that share one."""
    texts = pd.Series({model: path.read_text(encoding="utf-8") for model, path in paths.items()})
    tables = []
    for text, models in texts.groupby(texts, sort=False):
        basis = pd.read_csv(StringIO(text), dtype={"components": str})
        left = basis[["face", "mouth"]].map("{:.2f}".format)
        left = left.mask(basis["used"], left.map("**{}**".format))
        left.insert(0, "Components", basis["components"])
        tables.append(Table(f"What the PCA basis leaves ({', '.join(models.index)})", left))
    return tables


def per_emotion(scores: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[Table]:
    """Means over test clips per seed, then over seeds, of what `read_scores` returned.

    A metric and a reference without a value of a method that competes have no table.
    """
    for name, convention in (*HEADLINE.items(), *ALSO_SHOWN):
        of_metric = scores[(scores["metric"] == name) & (scores["convention"] == convention)]
        for reference in references_of(scores):
            if set(of_metric.loc[of_metric["reference"] == reference, "method"]) - set(BUILT_IN):
                rows = of_reference(of_metric, reference)
                yield _heat_table(rows, metric(name, convention), labels, reference)


def _heat_table(
    rows: pd.DataFrame, measured: Metric, labels: Mapping[str, str], reference: str
) -> Table:
    """Heat lies between the table's best (0) and worst (1), of methods that compete."""
    runs = ["method", "seed"]
    rows = rows.astype({"emotion": str, "method": str})
    means = rows.groupby([*runs, "emotion"])["value"].mean().unstack()
    means["all"] = rows.groupby(runs)["value"].mean()
    means = means.groupby("method").mean()
    means = means.loc[[method for method in labels if method in means.index]]
    signed = means if measured.lower_is_better else -means
    signed = signed.drop(index=list(BUILT_IN), errors="ignore").where(np.isfinite)
    best, worst = signed.min(axis=None), signed.max(axis=None)
    heat = ((signed - best) / ((worst - best) or 1)).reindex(means.index)
    decimals = 3 if measured.name in ("ssim", "identity") else 2
    cells = means.map(lambda mean: number(mean, decimals))
    cells.insert(0, "Method", [labels[method] for method in means.index])
    about = (
        f"{measured.convention}, {measured.unit}: mean over test clips and seeds; a stronger "
        "colour is worse."
    )
    heading = f"{heading_of(measured)}. {PROTOCOL_LABELS[reference]}"
    is_headline = HEADLINE.get(measured.name) == measured.convention
    pick = measured.heading + ("" if is_headline else f", {measured.convention}")
    return Table(heading, cells, about, reference=reference, metric=pick, heat=heat)


def made_alike(results: Iterable[tuple[str, Provenance]]) -> Table:
    """A row for each group of named results that were made alike, but for the time they took."""
    rows = pd.DataFrame([{"Results": name, **asdict(made)} for name, made in results])
    alike = ["device", "precision", "torch", "python", "commit"]
    groups = rows.fillna(MISSING).groupby(alike, sort=False, as_index=False).agg(
        {"Results": lambda names: ", ".join(names.unique()), "seconds": "sum"}
    )  # fmt: skip
    groups["time"] = groups["seconds"].map(duration)
    head = ["Results", "device", "precision", "time", "torch", "python", "commit"]
    return Table("Made by", groups[head].rename(columns={"python": "Python"}))


def run_times(times: pd.DataFrame) -> Table:
    """`read_run_times` as printed."""
    memory = times["peak_memory"].map("{:,.0f} MiB".format, na_action="ignore")
    cells = {
        "Rule": times["rule"],
        "time": times["seconds"].map(duration),
        "jobs": times["jobs"].astype(str),
        "longest job": times["longest"].map(duration),
        "processor": times["cpu_seconds"].map(duration),
        "most memory": memory.fillna(MISSING),
    }
    return Table("Run times", pd.DataFrame(cells))
