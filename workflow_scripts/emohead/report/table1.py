"""Table 1: this run beside the paper's figures, as .csv, .md, .tex and .html."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from emohead.files import whole_file
from emohead.report.methods import BUILT_IN, Method
from emohead.report.paper import SOURCE, TABLE_1, PaperRow
from emohead.report.render import render_template
from emohead.report.scores import METRICS, Score, check_same_clips, read_scores, score

HEADINGS = {"f_lmd": "F-LMD", "m_lmd": "M-LMD", "ssim": "SSIM", "psnr": "PSNR"}
LOWER_IS_BETTER = {"f_lmd": True, "m_lmd": True, "ssim": False, "psnr": False}
DECIMALS = {"f_lmd": 2, "m_lmd": 2, "ssim": 3, "psnr": 2}
PAPER_DECIMALS = 2
MISSING, NOT_RUN = "–", "not run"

CAPTION = (
    "F-LMD, M-LMD: mean distance between the landmarks in rendered and ground-truth frames "
    "(all 68, the mouth's 20), in pixels of a 128-pixel crop. SSIM; PSNR (RGB) in dB. Mean over "
    "test clips per seed, then over seeds (± standard deviation over seeds). Bold: the best method "
    f"of this run. Paper: {SOURCE}, as printed; it does not state its crop size or its PSNR, so "
    "the two halves are not on one scale."
)


@dataclass(frozen=True)
class Row:
    """A row of Table 1; `scores` is None for a row of the paper that was not run."""

    id: str
    label: str
    paper: PaperRow
    scores: dict[str, Score] | None = None
    seeds: int = 0
    clips: int = 0
    frames: int = 0
    faces_missed: int = 0

    def shown(self, metric: str) -> str:
        """This run's mean as printed: `1.23`, `∞`, `–` for no value, or `not run`."""
        if self.scores is None:
            return NOT_RUN
        return number(self.scores[metric].mean, DECIMALS[metric])

    def spread(self, metric: str) -> str:
        """The standard deviation over seeds as printed, empty for a single seed."""
        if self.scores is None or math.isnan(self.scores[metric].sd):
            return ""
        return number(self.scores[metric].sd, DECIMALS[metric])

    def shown_paper(self, metric: str) -> str:
        """The paper's figure as printed there."""
        return number(getattr(self.paper, metric), PAPER_DECIMALS)


@dataclass(frozen=True)
class Table1:
    """All rows, and the plain notes that go under the table wherever it is shown."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def is_best(self, row: Row, metric: str) -> bool:
        """Whether no other method of this run is better, as far as the printed digits say."""
        values = [
            float(each.shown(metric).replace("∞", "inf"))
            for each in self.rows
            if _competes(each) and each.shown(metric) != MISSING
        ]
        if not values or not _competes(row) or row.shown(metric) == MISSING:
            return False
        best = min(values) if LOWER_IS_BETTER[metric] else max(values)
        return float(row.shown(metric).replace("∞", "inf")) == best


def number(value: float | None, decimals: int) -> str:
    """A number with fixed decimals; `∞`, `-∞`; `–` for None and NaN."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{decimals}f}"


def build_table1(
    methods: Sequence[Method], *, seeds: Sequence[int] | None = None, notes: Sequence[str] = ()
) -> Table1:
    """Table 1 from `<method.path>/seed<k>/clips.csv` of every method.

    Rows stand in the order of `methods`; a row of the paper that was not run follows its
    predecessor in the paper. ValueError for missing results or differing sets of clips.
    """
    scores = {method.id: read_scores(method, seeds) for method in methods}
    check_same_clips(scores)
    rows = [_run_row(method, scores[method.id]) for method in methods]
    return Table1(
        tuple(_with_rows_not_run(rows)), (*notes, *_missing_values(methods, scores), *_faces(rows))
    )


def write_table1(
    methods: Sequence[Method],
    *,
    seeds: Sequence[int] | None,
    notes: Sequence[str],
    csv: Path,
    md: Path,
    tex: Path,
    html: Path,
) -> None:
    """Build Table 1 and write its four forms; errors as `build_table1`."""
    table = build_table1(methods, seeds=seeds, notes=notes)
    forms = {csv: to_csv, md: to_markdown, tex: to_latex, html: to_html}
    for path, form in forms.items():
        with whole_file(path) as unfinished:
            unfinished.write_text(form(table), encoding="utf-8", newline="\n")


def to_csv(table: Table1) -> str:
    """One line a row, six decimals, nothing rounded further; empty where there is no value."""
    return pd.DataFrame(
        [
            {"method": row.id, "label": row.label}
            | {name: getattr(row, name) for name in ("seeds", "clips", "frames", "faces_missed")}
            | {m: row.scores[m].mean if row.scores else None for m in METRICS}
            | {f"{m}_sd": row.scores[m].sd if row.scores else None for m in METRICS}
            | {f"paper_{m}": getattr(row.paper, m) for m in METRICS}
            for row in table.rows
        ]
    ).to_csv(index=False, float_format="%.6f", lineterminator="\n")


def to_markdown(table: Table1) -> str:
    """A pipe table, the caption and the notes."""
    names = [_heading(metric) for metric in METRICS]
    head = ["Method", *(f"{n} (this run)" for n in names), *(f"{n} (paper)" for n in names)]
    lines = [head, ["---"] + ["---:"] * 8]
    for row in table.rows:
        cells = [_styled(table, row, metric, "**{}**", "{} ± {}") for metric in METRICS]
        label = row.label.replace("|", r"\|")
        lines.append([label, *cells, *(row.shown_paper(metric) for metric in METRICS)])
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    notes = "".join(f"\n> {note}\n" for note in table.notes)
    return f"{body}\n\n{CAPTION}\n{notes}"


def to_html(table: Table1) -> str:
    """A `<figure>` with the table, to be set into a page."""
    return render_template("table1.html.j2", table=table, headings=_headings(), caption=CAPTION)


def to_latex(table: Table1) -> str:
    """A whole document with one booktabs table, so that it compiles by itself."""
    columns = " & ".join(
        rf"{HEADINGS[m]} ${'downarrow' if LOWER_IS_BETTER[m] else 'uparrow'}$".replace(
            "$", "$\\", 1
        )
        for m in METRICS
    )
    lines = []
    for row in table.rows:
        cells = [
            _styled(table, row, metric, r"\textbf{{{}}}", r"{} $\pm$ {}") for metric in METRICS
        ]
        if row.scores is None:
            cells = [rf"\multicolumn{{4}}{{c}}{{{NOT_RUN}}}"]
        parts = [_latex_text(row.label), *cells, *(row.shown_paper(metric) for metric in METRICS)]
        lines.append(" & ".join(parts).replace("∞", r"$\infty$").replace(MISSING, "--") + r" \\")
    caption = " ".join(_latex_text(text) for text in (CAPTION, *table.notes))
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage[T1]{fontenc}",
            r"\usepackage{booktabs}",
            r"\usepackage[landscape,margin=2cm]{geometry}",
            r"\begin{document}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            r"\begin{tabular}{l@{\quad}rrrr@{\quad}rrrr}",
            r"\toprule",
            r" & \multicolumn{4}{c}{This run} & \multicolumn{4}{c}{Paper} \\",
            r"\cmidrule(lr){2-5}\cmidrule(lr){6-9}",
            rf"Method & {columns} & {columns} \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            r"\end{document}",
            "",
        ]
    )


def _competes(row: Row) -> bool:
    return row.scores is not None and row.id not in BUILT_IN


def _heading(metric: str) -> str:
    return f"{HEADINGS[metric]} {'↓' if LOWER_IS_BETTER[metric] else '↑'}"


def _headings() -> dict[str, str]:
    return {metric: _heading(metric) for metric in METRICS}


def _styled(table: Table1, row: Row, metric: str, bold: str, with_spread: str) -> str:
    shown, spread = row.shown(metric), row.spread(metric)
    shown = bold.format(shown) if table.is_best(row, metric) else shown
    return with_spread.format(shown, spread) if spread else shown


def _latex_text(text: str) -> str:
    specials = {each: f"\\{each}" for each in "&%$#_{}"} | {
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "±": r"$\pm$", "∞": r"$\infty$", "–": "--", "×": r"$\times$",
    }  # fmt: skip
    return "".join(specials.get(letter, letter) for letter in text)


def _run_row(method: Method, scores: pd.DataFrame) -> Row:
    return Row(
        method.id,
        method.label,
        TABLE_1.get(method.id, PaperRow(method.label)),
        {metric: score(scores, metric) for metric in METRICS},
        seeds=scores["seed"].nunique(),
        clips=scores["clip_id"].nunique(),
        frames=int(scores["frames"].sum()),
        faces_missed=int(scores["faces_missed"].sum()),
    )


def _with_rows_not_run(rows: Sequence[Row]) -> list[Row]:
    result = list(rows)
    for place, (paper_id, paper) in enumerate(TABLE_1.items()):
        if paper.has_figures and paper_id not in [row.id for row in result]:
            before = list(TABLE_1)[:place]
            places = [i for i, row in enumerate(result) if row.id in before]
            result.insert(max(places, default=-1) + 1, Row(paper_id, paper.label, paper))
    return result


def _missing_values(methods: Sequence[Method], scores: dict[str, pd.DataFrame]) -> list[str]:
    notes = []
    for method in methods:
        rows = scores[method.id]
        for metric in METRICS:
            missing = int(rows[metric].isna().sum())
            if missing:
                notes.append(
                    f"{method.label}: {HEADINGS[metric]} could not be measured on {missing} of "
                    f"{len(rows)} clips, which its mean leaves out."
                )
    return notes


def _faces(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row.label}: no face was found in {row.faces_missed} of {row.frames} rendered frames."
        for row in rows
        if row.faces_missed
    ]
