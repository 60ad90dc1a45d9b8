"""The report's page: one HTML file that holds everything it shows and asks nobody for anything."""

import math
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from emohead.data.mead import EMOTIONS
from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.scores import provenance_of
from emohead.evaluation.shown import clips_to_show
from emohead.files import whole_file
from emohead.report.made_by import hash_of, made_alike, read_provenance, read_run_times
from emohead.report.methods import BUILT_IN, Method, labels_of
from emohead.report.page_parts import embed_figure, render_template
from emohead.report.player import build_player
from emohead.report.scores import (
    clips_of,
    count,
    label_methods,
    of_reference,
    protocol_label,
    read_scores,
    references_of,
    whom_intervals_speak_of,
)
from emohead.report.tables import MISSING, Share, Table, duration, heading_of, number

#: The figures of every reference, in the page's order: heading, what it shows, and whether photos.
FIGURES = {
    "landmarks": (
        "Landmarks",
        "Landmarks that each method predicts, over the ground truth's in grey; lips tinted. "
        "Columns are moments spread over one test clip per emotion.",
        False,
    ),
    "frames": (
        "Frames",
        "The reference face, the ground truth, and the frames that each method renders at the "
        "same moments of one test clip per emotion.",
        True,
    ),
    "emotions": (
        "By emotion",
        "Table 1's metrics by emotion: means over test clips and seeds with their 95 % intervals.",
        False,
    ),
}
#: By emotion, beside Table 1's four, where they were computed.
ALSO_SHOWN = (
    ("lip_correlation", "redetected"),
    ("emotion_accuracy", "landmarks"),
    ("emotion_accuracy", "pixels"),
    ("emotion_accuracy", "msef"),
    ("identity", "dlib_distance"),
)


def write_page(
    out: Path,
    *,
    methods: Sequence[Method],
    scores: Sequence[Path],
    claims: Path,
    table1: Path,
    published: Path,
    figures: Mapping[str, Mapping[str, Path]],
    training_figure: Path,
    bases: Mapping[str, Path],
    study: Path | None = None,
    clips: Path,
    split: Path,
    data_page: Path,
    provenance: Mapping[str, Path],
    benchmarks: Path,
    config: str,
    notes: Sequence[str],
    missing: Sequence[str],
) -> None:
    """Write `out`, a self-contained page.

    `methods` in the order of the rows; `scores` the tables of scores; `claims`, `table1`,
    `published` and `study` (Table 2) are .html fragments; `figures` .png by reference and name;
    `bases` basis.csv by landmark model; `data_page` the data report, which lies beside `out`;
    `provenance` provenance.json of the models, by their names (that of the scores lies with them);
    `benchmarks` Snakemake's folder; `config` the run's configuration, YAML text; `missing`
    sentences on what was not computed. ValueError for a missing file.
    """
    fragments = {"claims": claims, "table1": table1, "published": published, "study": study}
    for path in filter(None, (*fragments.values(), *bases.values())):
        if not path.is_file():
            raise ValueError(f"the page needs {path}, which is not there")
    if unknown := sorted({name for each in figures.values() for name in each} - set(FIGURES)):
        raise ValueError(f"no figure {unknown[0]!r}: the page knows {', '.join(FIGURES)}")
    rows = read_scores(scores)
    references, named = references_of(rows), label_methods(rows, labels_of(methods))
    player, media = build_player(methods, clips_to_show(split), references)
    page = render_template(
        "page.html.j2",
        notes=notes,
        missing=missing,
        references=references,
        fragments={
            name: path and Markup(path.read_text(encoding="utf-8"))
            for name, path in fragments.items()
        },
        player=player,
        media=media,
        per_emotion=list(per_emotion(rows, named)),
        figures={
            name: {each: embed_figure(paths[name], photos=photos)
                   for each, paths in figures.items() if name in paths}
            for name, (_, _, photos) in FIGURES.items()
        },
        kinds=FIGURES,
        of_intervals=whom_intervals_speak_of(rows["speaker"].nunique()),
        training=embed_figure(training_figure, photos=False),
        bases=basis_tables(bases),
        data_page=data_page.name,
        scored=scored_runs(rows, named),
        data_hash=hash_of([clips, split]),
        made=made_alike(
            [*((name, read_provenance(path)) for name, path in provenance.items()),
             *(made for path in scores for made in provenance_of(path))]
        ),
        times=run_times(read_run_times(benchmarks)),
        config=config,
    )  # fmt: skip
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def basis_tables(paths: Mapping[str, Path]) -> list[Table]:
    """What PCA bases leave, a table for the landmark models that share one."""
    models: dict[str, list[str]] = {}
    for model, path in paths.items():
        models.setdefault(path.read_text(encoding="utf-8"), []).append(model)
    tables = []
    for text, names in models.items():
        basis = pd.read_csv(StringIO(text), dtype={"components": str})
        used = basis.pop("used")
        left = basis.drop(columns="components").map("{:.2f}".format)
        left = left.mask(used, left.map("**{}**".format))
        left.insert(0, "Components", basis["components"])
        tables.append(Table(f"What the PCA basis leaves ({', '.join(names)})", left))
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
    groups = {each: rows[rows["emotion"] == each] for each in EMOTIONS} | {"all": rows}
    means = pd.DataFrame(
        {
            name: part.groupby(["method", "seed"], observed=True)["value"].mean()
            .groupby("method", observed=True).mean()
            for name, part in groups.items() if len(part)
        }
    )  # fmt: skip
    means = means.reindex([method for method in labels if method in means.index])
    signed = means if measured.lower_is_better else -means
    signed = signed.drop(index=list(BUILT_IN), errors="ignore").where(signed.abs() < math.inf)
    best, worst = signed.min(axis=None), signed.max(axis=None)
    heat = ((signed - best) / ((worst - best) or 1)).reindex(means.index)
    decimals = 3 if measured.name in ("ssim", "identity") else 2
    cells = means.map(lambda mean: number(mean, decimals))
    cells.insert(0, "Method", [labels[method] for method in means.index])
    heat.insert(0, "Method", math.nan)
    about = (
        f"{measured.convention}, {measured.unit}: mean over test clips and seeds; a stronger "
        "colour is worse."
    )
    heading = f"{heading_of(measured)}. {protocol_label(reference)}"
    is_headline = HEADLINE.get(measured.name) == measured.convention
    pick = measured.heading + ("" if is_headline else f", {measured.convention}")
    return Table(heading, cells, about, reference=reference, metric=pick, heat=heat)


def scored_runs(scores: pd.DataFrame, labels: Mapping[str, str]) -> Table:
    """What each method with each reference was scored on; the ground truth once.

    Clips are told of all test clips, where some are missing; frames are those of all seeds, with
    those in which dlib found no face again.
    """
    test_clips = max(len(clips_of(scores, method)) for method in labels)
    lines = []
    for reference in references_of(scores):
        for method, label in labels.items():
            rows = scores[(scores["reference"] == reference) & (scores["method"] == method)]
            if rows.empty:
                continue
            clips = len(clips_of(rows, method))
            missed = Share(count(rows, method, "faces_missed"), count(rows, method, "frames"))
            lines.append(
                (
                    label,
                    reference.replace("_", "-"),
                    str(rows["seed"].nunique()),
                    str(clips) if clips == test_clips else f"{clips} **of {test_clips}**",
                    f"{missed.of:,}",
                    f"{missed.count} ({missed})" if missed.count else "0",
                )
            )
    head = ["Method", "reference", "seeds", "clips", "frames, all seeds", "without a face"]
    return Table("What each method was scored on", pd.DataFrame(lines, columns=head))


def run_times(times: pd.DataFrame) -> Table:
    """`read_run_times` as printed."""
    lines = [
        (
            row.Index,
            duration(row.seconds),
            str(row.jobs),
            duration(row.longest),
            duration(row.cpu_seconds),
            MISSING if math.isnan(row.peak_memory) else f"{row.peak_memory:,.0f} MiB",
        )
        for row in times.itertuples()
    ]
    head = ["Rule", "time", "jobs", "longest job", "processor", "most memory"]
    return Table("Run times", pd.DataFrame(lines, columns=head))
