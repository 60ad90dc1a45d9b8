"""One table in its forms: numbers as .csv, and for readers .md, .tex and .html."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tabulate import tabulate

from emohead.evaluation.catalogue import Metric
from emohead.files import whole_file
from emohead.report.render import BOLD, pair_of, render_template

MISSING = "–"
_LATEX = {each: f"\\{each}" for each in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "±": r"$\pm$", "∞": r"$\infty$", "–": "--", "×": r"$\times$",
    "↓": r"$\downarrow$", "↑": r"$\uparrow$",
}  # fmt: skip
_DOCUMENT = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{booktabs,xcolor}
\usepackage[landscape,margin=1.5cm]{geometry}
\begin{document}
%s\end{document}
"""


@dataclass(frozen=True)
class Table:
    """A table as readers see it, of text.

    The first column names the rows; where LaTeX lacks its letters, the index does. In the other
    columns `**text**` is bold, and what follows a line break is smaller. Columns may be pairs of
    (group, heading). `reference` is the protocol that the table is of, `notes` stand under it.
    """

    heading: str
    cells: pd.DataFrame
    about: str = ""
    notes: Sequence[str] = ()
    reference: str = ""


@dataclass(frozen=True)
class Tables:
    """Tables that belong together, with an introduction, and a caption and notes for all of them.

    `kind` is the class of their section in a page; a `warning` stands on top, and in each caption.
    """

    kind: str
    tables: Sequence[Table]
    introduction: str = ""
    warning: str = ""
    caption: str = ""
    notes: Sequence[str] = ()


def write_tables(
    paths: Sequence[Path], tables: Tables, numbers: pd.DataFrame | None = None
) -> None:
    """Write each form, by suffix; `numbers` are the .csv's.

    A .html is a fragment that doesn't say its encoding; other than ASCII letters become character
    references, so that it is read right by itself too.
    """
    forms = {".md": to_markdown, ".tex": to_latex, ".html": to_html}
    for path in paths:
        if path.suffix == ".csv":
            write_csv(path, numbers)
            continue
        coding = ("ascii", "xmlcharrefreplace") if path.suffix == ".html" else ("utf-8", "strict")
        with whole_file(path) as unfinished:
            unfinished.write_text(forms[path.suffix](tables), *coding, newline="\n")


def write_csv(path: Path, numbers: pd.DataFrame) -> None:
    """Six decimals, nothing rounded further; empty where there is no value."""
    with whole_file(path) as unfinished:
        numbers.to_csv(unfinished, index=False, float_format="%.6f", lineterminator="\n")


def to_markdown(tables: Tables) -> str:
    """For each table a heading, a pipe table and its notes; the caption at the end."""
    parts = [tables.warning and f"**{tables.warning.upper()}**", tables.introduction]
    for table in tables.tables:
        cells = table.cells.map(lambda text: markdown_text(text).replace("\n", " "))
        cells.columns = [
            f"{each[1]} ({each[0].lower()})" if each[0] else each[1]
            for each in map(pair_of, cells.columns)
        ]
        body = tabulate(
            cells, headers="keys", tablefmt="pipe", showindex=False, disable_numparse=True,
            colalign=_aligned(cells),
        )  # fmt: skip
        parts += [f"### {table.heading}", table.about, body, *map(_quoted, table.notes)]
    parts += [tables.caption, *map(_quoted, tables.notes)]
    return "\n\n".join(filter(None, parts)) + "\n"


def to_html(tables: Tables) -> str:
    """A `<section>` with a figure for each table, to be set into a page."""
    return render_template("tables.html.j2", tables=tables)


def to_latex(tables: Tables) -> str:
    """A whole document with a booktabs table for each table, so that it compiles by itself."""
    texts, warning = [], ""
    if tables.warning:
        warning = rf"\textcolor{{red}}{{\textbf{{{latex_text(tables.warning)}}}}} "
    for table in tables.tables:
        lines = pd.DataFrame(
            _latex_lines(table.cells), columns=table.cells.columns.map(_latex_head)
        )
        said = [f"{table.heading}.", table.about, *table.notes]
        if not texts:
            said[1:1] = [tables.caption, *tables.notes]
        text = lines.style.hide(axis="index").to_latex(
            column_format="".join(side[0] for side in _aligned(table.cells)),
            caption=warning + latex_text(" ".join(filter(None, said))),
            hrules=True, multicol_align="c", position_float="centering",
        )  # fmt: skip
        texts.append(text.replace("\\centering\n", "\\centering\\small\n", 1))
    return _DOCUMENT % "".join(texts)


def markdown_text(text: str) -> str:
    """A text as Markdown: all but `**` is text, and no cell, emphasis, tag or formula begins."""
    marks = r"[\\`|$~]|(?<!\*)\*(?!\*)|<(?=[a-zA-Z/!?])|&(?=#?\w+;)|(?<!\w)_|_(?!\w)"
    return re.sub(f"({marks})", r"\\\1", text)


def latex_text(text: str) -> str:
    """A text as LaTeX, in letters that pdfLaTeX has: it stops at those beyond Latin-1."""
    return "".join(_LATEX.get(each, each if ord(each) < 256 else "?") for each in text)


def number(value: float | None, decimals: int) -> str:
    """A number with fixed decimals; `∞`, `-∞`; `–` for None and NaN."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{decimals}f}"


def interval(low: float, high: float, decimals: int) -> str:
    """`[1.20, 1.26]`; empty if unknown or without width."""
    return f"[{number(low, decimals)}, {number(high, decimals)}]" if low < high else ""


def heading_of(measured: Metric) -> str:
    """A metric's heading with the direction of better: `F-LMD ↓`."""
    return f"{measured.heading} {'↓' if measured.lower_is_better else '↑'}"


def duration(seconds: float) -> str:
    """`42 s`, `7.9 min` or `29.4 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def percent(fraction: float) -> str:
    """`5 %`, `1.6 %`, or `< 0.1 %` for what is more than nothing."""
    if 0 < fraction < 0.001:
        return "< 0.1 %"
    return f"{100 * fraction:.1f}".removesuffix(".0") + " %"


@dataclass(frozen=True)
class Share:
    """A part of a whole, as printed in a table."""

    count: int
    of: int

    @property
    def fraction(self) -> float:
        """0 for a part of nothing."""
        return self.count / self.of if self.of else 0.0

    def __str__(self) -> str:
        return percent(self.fraction)


def _aligned(cells: pd.DataFrame) -> list[str]:
    """Columns of figures to the right, those of text to the left."""
    figures = [
        cells[name].str.match(r"(\*\*|[-+<] ?)*[\d–∞]|not run").all()
        and cells[name].str.contains(r"\d").any()
        for name in cells
    ]
    return ["right" if right else "left" for right in [False, *figures[1:]]]


def _quoted(note: str) -> str:
    return f"> {markdown_text(note)}"


def _latex_head(heading: str | tuple[str, str]) -> Any:
    if isinstance(heading, tuple):
        return tuple(map(latex_text, heading))
    return latex_text(heading)


def _latex_lines(cells: pd.DataFrame) -> list[list[str]]:
    """Each row's line and, where it has any, the line of what is smaller below."""
    lines = []
    for name, (label, *texts) in zip(cells.index, cells.itertuples(index=False), strict=True):
        shown = label if max(map(ord, label), default=0) < 256 else str(name)
        parts = [text.partition("\n")[::2] for text in texts]
        bold = [BOLD.sub(r"\\textbf{\1}", latex_text(above)) for above, _ in parts]
        lines.append([latex_text(shown), *bold])
        small = [below and rf"{{\scriptsize {latex_text(below)}}}" for _, below in parts]
        if any(small):
            lines.append(["", *small])
    return lines
