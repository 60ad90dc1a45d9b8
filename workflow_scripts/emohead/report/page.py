"""The report's page: one HTML file that holds everything it shows and asks nobody for anything."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from emohead.data.mead import EMOTIONS
from emohead.evaluation.catalogue import HEADLINE, Metric, metric
from emohead.evaluation.scores import provenance_of
from emohead.evaluation.shown import clips_to_show
from emohead.evaluation.statistics import mean_over_seeds
from emohead.files import whole_file
from emohead.report.claims import VERDICTS, overall_verdict, read_claims
from emohead.report.data import group_by_cause, read_tables
from emohead.report.embedding import embed_figure
from emohead.report.made_by import hash_of, made_alike, read_provenance, read_run_times
from emohead.report.methods import BUILT_IN, Method, labels_of
from emohead.report.player import build_player
from emohead.report.render import render_template
from emohead.report.scores import (
    clips_of,
    count,
    label_methods,
    of_reference,
    read_scores,
    references_of,
    table_of,
    whom_intervals_speak_of,
)
from emohead.report.tables import MISSING, Share, duration, number

CAUSES_SHOWN = 5
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
    rejected: Path,
    data_page: Path,
    provenance: Mapping[str, Path],
    benchmarks: Path,
    config: str,
    notes: Sequence[str],
    missing: Sequence[str],
) -> None:
    """Write `out`, a self-contained page.

    `methods` in the order of the rows; `scores` the tables of scores; `claims` is claims.csv;
    `table1`, `published` and `study` (Table 2) are .html fragments; `figures` .png by reference and
    name; `bases` basis.csv by landmark model; `data_page` the data report, which lies beside `out`;
    `provenance` provenance.json of the models, by their names (that of the scores lies with them);
    `benchmarks` Snakemake's folder; `config` the run's configuration, YAML text; `missing`
    sentences on what was not computed. ValueError for a missing file.
    """
    for path in filter(None, (table1, published, study, *bases.values())):
        if not path.is_file():
            raise ValueError(f"the page needs {path}, which is not there")
    if unknown := sorted({name for each in figures.values() for name in each} - set(FIGURES)):
        raise ValueError(f"no figure {unknown[0]!r}: the page knows {', '.join(FIGURES)}")
    rows, data = read_scores(scores), read_tables(clips, rejected, split)
    references, named = references_of(rows), label_methods(rows, labels_of(methods))
    findings = read_claims(claims)
    page = render_template(
        "page.html.j2",
        notes=notes,
        missing=missing,
        references=references,
        findings=findings,
        tallies=tallies(findings, references),
        overall=overall_verdict,
        table1=Markup(table1.read_text(encoding="utf-8")),
        published=Markup(published.read_text(encoding="utf-8")),
        study=study and Markup(study.read_text(encoding="utf-8")),
        player=build_player(methods, clips_to_show(split), references),
        per_emotion=list(per_emotion(rows, named)),
        figures={
            name: {each: embed_figure(paths[name], photos=photos)
                   for each, paths in figures.items() if name in paths}
            for name, (_, _, photos) in FIGURES.items()
        },
        kinds=FIGURES,
        of_intervals=whom_intervals_speak_of(rows["speaker"].nunique()),
        training=embed_figure(training_figure, photos=False),
        bases=_read_bases(bases),
        data=data,
        causes=group_by_cause(data.rejected)[:CAUSES_SHOWN],
        data_page=data_page.name,
        data_page_in_zip=place_in_zip(data_page),
        scored=list(scored_runs(rows, named)),
        data_hash=hash_of([clips, split]),
        made=made_alike(
            [*((name, read_provenance(path)) for name, path in provenance.items()),
             *(made for path in scores for made in provenance_of(path))]
        ),
        times=shown_times(read_run_times(benchmarks)),
        config=config,
    )  # fmt: skip
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def _read_bases(paths: Mapping[str, Path]) -> dict[str, tuple[list[str], list[list[str]]]]:
    """What PCA bases leave, head and rows, by the landmark models that share one."""
    models: dict[str, list[str]] = {}
    for model, path in paths.items():
        models.setdefault(path.read_text(encoding="utf-8"), []).append(model)
    found = {}
    for text, names in models.items():
        table = pd.read_csv(StringIO(text)).set_index("components")
        used = table.pop("used")
        cells = table.map("{:.2f}".format)
        cells = cells.mask(used, cells.map("**{}**".format))
        rows = [[str(row[0]), *row[1:]] for row in cells.itertuples()]
        found[", ".join(names)] = (["Components", *table], rows)
    return found


def place_in_zip(path: Path) -> str:
    """A file as other files of the zip of `snakemake --report` see it.

    There each file has a folder, called by a hash of its path; as `snakemake.report_href` has it.
    """
    return f"../{hashlib.sha256(str(path).encode()).hexdigest()[:16]}/{path.name}"


def tallies(findings: pd.DataFrame, references: Sequence[str]) -> dict[str, dict[str, int]]:
    """For each protocol, how many headline claims have which verdict."""
    headline = findings[findings["part"] == "headline"]
    overall = headline.groupby(["reference", "claim"])["verdict"].agg(overall_verdict)
    counts = {
        each: overall.loc[each].value_counts().to_dict()
        for each in references
        if each in overall.index
    }
    return {each: {v: found[v] for v in VERDICTS if v in found} for each, found in counts.items()}


class Heat(NamedTuple):
    """One metric with one reference by emotion: for each method's label (text, heat) of each.

    Heat lies between the table's best (0) and worst (1); None for the rows that show what a metric
    forgives, which compete with no method.
    """

    reference: str
    metric: Metric
    emotions: list[str]
    rows: list[tuple[str, list[tuple[str, float | None]]]]

    @property
    def id(self) -> str:
        """The metric and its convention, in one word for the page's picker."""
        return f"{self.metric.name}-{self.metric.convention.replace('/', '-')}"


def per_emotion(scores: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[Heat]:
    """Means over test clips per seed, then over seeds, of what `read_scores` returned.

    A metric and a reference without a value of a method that competes have no table.
    """
    for name, convention in (*HEADLINE.items(), *ALSO_SHOWN):
        of_metric = scores[(scores["metric"] == name) & (scores["convention"] == convention)]
        for reference in references_of(scores):
            if set(of_metric.loc[of_metric["reference"] == reference, "method"]) - set(BUILT_IN):
                rows = of_reference(of_metric, reference)
                yield _heat(rows, metric(name, convention), labels, reference)


def _heat(rows: pd.DataFrame, measured: Metric, labels: Mapping[str, str], reference: str) -> Heat:
    there = [each for each in EMOTIONS if (rows["emotion"] == each).any()]
    parts = {each: rows[rows["emotion"] == each] for each in there} | {"all": rows}
    means = pd.DataFrame(
        {
            name: {
                method: mean_over_seeds(
                    table_of(part, method, measured.name, measured.convention).to_numpy(float)
                )
                for method in labels
                if (rows["method"] == method).any()
            }
            for name, part in parts.items()
        }
    )
    competing = means.drop(index=list(BUILT_IN), errors="ignore").replace(
        [math.inf, -math.inf], math.nan
    )
    best, worst = competing.min(axis=None), competing.max(axis=None)
    if not measured.lower_is_better:
        best, worst = worst, best
    heat = (competing - best) / ((worst - best) or 1)
    decimals = 3 if measured.name in ("ssim", "identity") else 2

    def cell(method: str, name: str) -> tuple[str, float | None]:
        known = method in heat.index and not math.isnan(heat.loc[method, name])
        warmth = round(float(heat.loc[method, name]), 3) if known else None
        return number(means.loc[method, name], decimals), warmth

    body = [(labels[method], [cell(method, name) for name in parts]) for method in means.index]
    return Heat(reference, measured, list(parts), body)


def scored_runs(scores: pd.DataFrame, labels: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """What each method with each reference was scored on; the ground truth once.

    Label, reference, seeds, clips (of all test clips, where some are missing), frames of all seeds,
    and those in which dlib found no face again.
    """
    test_clips = max(len(clips_of(scores, method)) for method in labels)
    for reference in references_of(scores):
        for method, label in labels.items():
            rows = scores[(scores["reference"] == reference) & (scores["method"] == method)]
            if rows.empty:
                continue
            clips = len(clips_of(rows, method))
            missed = Share(count(rows, method, "faces_missed"), count(rows, method, "frames"))
            yield (
                label,
                reference.replace("_", "-"),
                str(rows["seed"].nunique()),
                str(clips) if clips == test_clips else f"{clips} **of {test_clips}**",
                f"{missed.of:,}",
                f"{missed.count} ({missed})" if missed.count else "0",
            )


def shown_times(times: pd.DataFrame) -> list[tuple[str, ...]]:
    """`read_run_times` as printed, with a bar that says how long a rule took beside the longest."""
    return [
        (
            row.Index,
            Markup(
                f'<span style="width:{100 * row.seconds / times["seconds"].max():.2f}%"></span>'
            ),
            duration(row.seconds),
            str(row.jobs),
            duration(row.longest),
            duration(row.cpu_seconds),
            MISSING if math.isnan(row.peak_memory) else f"{row.peak_memory:,.0f} MiB",
        )
        for row in times.itertuples()
    ]
