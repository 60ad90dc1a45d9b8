"""Table 1 as .csv, .md, .tex and .html."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from emohead.methods.video_notes import concerns_of, read_notes
from emohead.report.forms import latex_text, write_forms
from emohead.report.gates import gate_notes, label_of, read_gates
from emohead.report.render import render_template
from emohead.report.scores import read_scores
from emohead.report.table1 import (
    CAPTION,
    COLUMNS,
    NOT_RUN,
    PAPER_CAPTION,
    PAPER_COLUMNS,
    Protocol,
    Row,
    Table1,
    build_table1,
    heading_of,
)


def write_table1(
    scores: Sequence[Path],
    *,
    labels: Sequence[tuple[str, str]],
    notes: Sequence[str],
    row_notes: Sequence[tuple[str, str]] = (),
    placed: Sequence[tuple[str, Path]] = (),
    given: Mapping[str, str],
    gates: Sequence[tuple[str, Path]] = (),
    csv: Path,
    md: Path,
    tex: Path,
    html: Path,
) -> None:
    """Build Table 1 from tables of scores and write its four forms; errors as `read_scores`.

    `notes` stand under the table; so do `row_notes` on methods, by their ids, and what speaks for a
    mistake in somebody else's videos: `placed` are their notes.csv. `given` says by name what the
    methods see, see `build_table1`; `gates` are the files of those with a disentangler.
    """
    named, tried = dict(labels), read_gates(gates)
    concerns = [
        (name, f"{text}.") for name, path in placed for text in concerns_of(read_notes([path]))
    ]
    about_rows = [f"{named.get(name, name)}: {text}" for name, text in [*row_notes, *concerns]]
    notes = [*notes, *about_rows, *gate_notes(tried, named)]
    labels = [(m, label_of(text, tried[m]) if m in tried else text) for m, text in labels]
    table = build_table1(read_scores(scores), labels, notes, given=given)
    write_forms(
        {csv: to_csv(table), md: to_markdown(table), tex: to_latex(table), html: to_html(table)}
    )


def to_csv(table: Table1) -> str:
    """One line a row, six decimals, nothing rounded further; empty where there is no value."""
    counts = ("seeds", "clips", "frames", "faces_missed")
    ends = ("mean", "sd", "low", "high")
    return pd.DataFrame(
        [
            {"method": row.id, "reference": protocol.reference, "over": protocol.over}
            | {"label": row.label, "given": row.given}
            | {name: getattr(row, name) for name in counts}
            | {
                name if end == "mean" else f"{name}_{end}": (
                    getattr(row.scores[name], end) if row.scores else None
                )
                for end in ends
                for name in COLUMNS
            }
            | {
                f"paper_{name}": getattr(row.paper, name) if protocol.has_paper else None
                for name in PAPER_COLUMNS
            }
            for protocol in table.protocols
            for row in protocol.rows
        ]
    ).to_csv(index=False, float_format="%.6f", lineterminator="\n")


def to_markdown(table: Table1) -> str:
    """For each protocol a heading, a pipe table and its notes; the captions at the end."""
    parts = []
    for protocol in table.protocols:
        columns = [f"{heading_of(name)} (this run)" for name in COLUMNS]
        paper = [f"{heading_of(name)} (paper)" for name in PAPER_COLUMNS]
        head = ["Method", "Given", *columns, *(paper if protocol.has_paper else [])]
        lines = [head, ["---"] * 2 + ["---:"] * (len(head) - 2)]
        for row in protocol.rows:
            cells = [_markdown_cell(protocol, row, name) for name in COLUMNS]
            if protocol.has_paper:
                cells += [row.shown_paper(name) for name in PAPER_COLUMNS]
            lines.append([row.label.replace("|", r"\|"), row.given, *cells])
        body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts += [f"### {protocol.heading}", body, *(f"> {note}" for note in protocol.notes)]
    notes = [f"> {note}" for note in table.notes]
    return "\n\n".join([*parts, f"{CAPTION} {PAPER_CAPTION}", *notes]) + "\n"


def to_html(table: Table1) -> str:
    """A `<section>` with a figure for each protocol, to be set into a page."""
    return render_template(
        "table1.html.j2",
        table=table,
        columns={name: heading_of(name) for name in COLUMNS},
        paper_columns={name: heading_of(name) for name in PAPER_COLUMNS},
        caption=f"{CAPTION} {PAPER_CAPTION}",
    )


def to_latex(table: Table1) -> str:
    """A whole document with a booktabs table for each protocol, so that it compiles by itself."""
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage[T1]{fontenc}",
            r"\usepackage[utf8]{inputenc}",
            r"\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}",
            r"\usepackage{booktabs}",
            r"\usepackage[landscape,margin=1.5cm]{geometry}",
            r"\begin{document}",
            *(_latex_table(table, protocol) for protocol in table.protocols),
            r"\end{document}",
            "",
        ]
    )


def _markdown_cell(protocol: Protocol, row: Row, name: str) -> str:
    shown = row.shown(name)
    shown = f"**{shown}**" if protocol.is_best(row, name) else shown
    spread = f"± {row.spread(name)}" if row.spread(name) else ""
    return " ".join(part for part in (shown, spread, row.interval(name)) if part)


def _latex_table(table: Table1, protocol: Protocol) -> str:
    this_run, paper = len(COLUMNS), len(PAPER_COLUMNS) if protocol.has_paper else 0
    caption = [f"{protocol.heading}.", CAPTION, *([PAPER_CAPTION] if paper else [])]
    headings = [latex_text(heading_of(name)) for name in COLUMNS]
    headings += [latex_text(heading_of(name)) for name in PAPER_COLUMNS][:paper]
    groups = rf" & & \multicolumn{{{this_run}}}{{c}}{{This run}}"
    rules = rf"\cmidrule(lr){{3-{2 + this_run}}}"
    if paper:
        groups += rf" & \multicolumn{{{paper}}}{{c}}{{Paper}}"
        rules += rf"\cmidrule(lr){{{3 + this_run}-{2 + this_run + paper}}}"
    lines = [line for row in protocol.rows for line in _latex_lines(protocol, row)]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\small",
            rf"\caption{{{latex_text(' '.join([*caption, *protocol.notes, *table.notes]))}}}",
            rf"\begin{{tabular}}{{ll@{{\quad}}{'r' * this_run}@{{\quad}}{'r' * paper}}}",
            r"\toprule",
            rf"{groups} \\",
            rules,
            rf"Method & Given & {' & '.join(headings)} \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _latex_lines(protocol: Protocol, row: Row) -> list[str]:
    """The line of means, and below it that of the intervals, where there are any."""
    paper = PAPER_COLUMNS if protocol.has_paper else ()
    if row.scores is None:
        cells = [rf"\multicolumn{{{len(COLUMNS)}}}{{c}}{{{NOT_RUN}}}"]
    else:
        cells = [_latex_cell(protocol, row, name) for name in COLUMNS]
    cells += [latex_text(row.shown_paper(name)) for name in paper]
    # pdfLaTeX has no letters beyond Latin-1.
    label = row.label if max(map(ord, row.label)) < 256 else row.id
    lines = [" & ".join([latex_text(label), latex_text(row.given), *cells]) + r" \\"]
    intervals = [row.interval(name) for name in COLUMNS]
    if any(intervals):
        small = [rf"{{\scriptsize {latex_text(each)}}}" if each else "" for each in intervals]
        lines.append(" & ".join(["", "", *small, *("" for _ in paper)]) + r" \\[2pt]")
    return lines


def _latex_cell(protocol: Protocol, row: Row, name: str) -> str:
    shown = latex_text(row.shown(name))
    shown = rf"\textbf{{{shown}}}" if protocol.is_best(row, name) else shown
    return rf"{shown} $\pm$ {row.spread(name)}" if row.spread(name) else shown
