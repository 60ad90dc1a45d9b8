"""The report's page: one HTML file that holds everything it shows and asks nobody for anything."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from emohead.evaluation.scores import provenance_of
from emohead.evaluation.shown import clips_to_show
from emohead.files import whole_file
from emohead.provenance import Provenance
from emohead.report.data_page import rejected_share, totals
from emohead.report.data_tables import read_tables
from emohead.report.embedding import Picture, embed_figure
from emohead.report.health import scored_runs
from emohead.report.per_emotion import per_emotion_tables
from emohead.report.provenance import group_alike, hash_of
from emohead.report.rejects import group_by_cause
from emohead.report.render import render_template
from emohead.report.run_times import read_run_times
from emohead.report.scores import (
    label_methods,
    read_scores,
    references_of,
    whom_intervals_speak_of,
)
from emohead.report.verdicts import VERDICTS, read_verdicts
from emohead.report.videos import Run, build_player

TITLE = "Emotional talking heads: results"
CAUSES_SHOWN = 5


@dataclass(frozen=True)
class FigureKind:
    """What a figure of every reference is called, and what it shows in a sentence."""

    heading: str
    caption: str
    photos: bool = False
    intervals: bool = False


#: By the name in `--figure REFERENCE/NAME=PATH`, in the page's order.
FIGURES = {
    "landmarks": FigureKind(
        "Landmarks",
        "Landmarks that each method predicts, over the ground truth's in grey; lips tinted. "
        "Columns are moments spread over one test clip per emotion.",
    ),
    "frames": FigureKind(
        "Frames",
        "The reference face, the ground truth, and the frames that each method renders at the "
        "same moments of one test clip per emotion.",
        photos=True,
    ),
    "emotions": FigureKind(
        "By emotion",
        "Table 1's metrics by emotion: means over test clips and seeds with their 95 % intervals.",
        intervals=True,
    ),
}
TRAINING_CAPTION = (
    "Losses per epoch of every landmark model and translator; one line per seed. Validation clips "
    "are not trained on."
)


@dataclass(frozen=True)
class ShownFigure:
    """A figure of the page with one reference."""

    reference: str
    kind: FigureKind
    picture: Picture


def write_page(
    out: Path,
    *,
    claims: Path,
    table1: Path,
    published: Path,
    scores: Sequence[Path],
    labels: Sequence[tuple[str, str]],
    runs: Mapping[Run, Path],
    figures: Mapping[tuple[str, str], Path],
    training_figure: Path,
    bases: Mapping[str, Path],
    study: Path | None = None,
    clips: Path,
    split: Path,
    rejected: Path,
    data_page: Path,
    provenance: Mapping[str, Provenance],
    benchmarks: Path,
    config: str,
    notes: Sequence[str],
    missing: Sequence[str],
) -> None:
    """Write `out`, a self-contained page.

    `claims` is claims.csv; `table1`, `published` and `study` (Table 2) are .html fragments;
    `scores` the tables of scores; `labels` (method, name) in the order of the rows; `runs` their
    folders, by method and reference; `figures` .png by reference and name; `bases` basis.csv by
    landmark model; `data_page` the data
    report, which lies beside `out`; `provenance` of the models, by their names (that of the scores
    lies with them); `benchmarks` Snakemake's folder; `config` the run's configuration, YAML text;
    `missing` sentences on what was not computed. ValueError for a missing file.
    """
    for path in filter(None, (table1, published, study, *bases.values())):
        if not path.is_file():
            raise ValueError(f"the page needs {path}, which is not there")
    unknown = sorted({name for _, name in figures} - set(FIGURES))
    if unknown:
        raise ValueError(f"no figure {unknown[0]!r}: the page knows {', '.join(FIGURES)}")
    rows, tables = read_scores(scores), read_tables(clips, rejected, split)
    references, named = references_of(rows), label_methods(rows, labels)
    speakers = {*tables.clips["speaker"], *tables.lost["speaker"]}
    page = render_template(
        "page.html.j2",
        title=TITLE,
        notes=notes,
        missing=missing,
        references=references,
        verdict_names=VERDICTS,
        verdicts=read_verdicts(claims, references),
        table1=Markup(table1.read_text(encoding="utf-8")),
        published=Markup(published.read_text(encoding="utf-8")),
        study=study and Markup(study.read_text(encoding="utf-8")),
        player=build_player(runs, clips_to_show(split), named, references),
        per_emotion=per_emotion_tables(rows, named),
        figures=_shown_figures(figures, whom_intervals_speak_of(rows["speaker"].nunique())),
        training_figure=embed_figure(training_figure, photos=False),
        training_caption=TRAINING_CAPTION,
        bases=_read_bases(bases),
        totals=totals(tables, len(speakers)),
        rejected_share=rejected_share(tables),
        causes=group_by_cause(tables.rejected)[:CAUSES_SHOWN],
        data_page=data_page.name,
        data_page_in_zip=place_in_zip(data_page),
        scored=scored_runs(rows, named),
        data_hash=hash_of([clips, split]),
        made=group_alike(
            [*provenance.items(), *(made for path in scores for made in provenance_of(path))]
        ),
        run_times=read_run_times(benchmarks),
        config=config,
    )
    with whole_file(out) as unfinished:
        unfinished.write_text(page, encoding="utf-8", newline="\n")


def _read_bases(paths: Mapping[str, Path]) -> dict[str, pd.DataFrame]:
    """The tables of what PCA bases leave, by the landmark models that share one."""
    models: dict[str, list[str]] = {}
    for model, path in paths.items():
        models.setdefault(path.read_text(encoding="utf-8"), []).append(model)
    return {", ".join(names): pd.read_csv(StringIO(text)) for text, names in models.items()}


def place_in_zip(path: Path) -> str:
    """A file as other files of the zip of `snakemake --report` see it.

    There each file has a folder, called by a hash of its path; as `snakemake.report_href` has it.
    """
    return f"../{hashlib.sha256(str(path).encode()).hexdigest()[:16]}/{path.name}"


def _shown_figures(
    figures: Mapping[tuple[str, str], Path], of_intervals: str
) -> dict[str, list[ShownFigure]]:
    """The figures by name, in the page's order; of each name, one for every reference."""
    kinds = {
        name: replace(kind, caption=f"{kind.caption} {of_intervals}") if kind.intervals else kind
        for name, kind in FIGURES.items()
    }
    shown = {
        name: [
            ShownFigure(reference, kind, embed_figure(path, photos=kind.photos))
            for (reference, each), path in figures.items()
            if each == name
        ]
        for name, kind in kinds.items()
    }
    return {name: versions for name, versions in shown.items() if versions}
