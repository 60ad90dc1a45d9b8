"""One table in its forms: numbers as .csv, and for readers .md, .tex and .html."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup, escape
from tabulate import tabulate

from emohead.evaluation.catalogue import Metric
from emohead.files import whole_file
from emohead.report.page_parts import render_template

MISSING = "–"
_BOLD = re.compile(r"\*\*(.+?)\*\*")
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
    Of a page alone: the table can be `folded`, be one of several that a reader picks by `metric`,
    and have colours, `heat` from 0 to 1 in the shape of the cells (NaN: none).
    """

    heading: str
    cells: pd.DataFrame
    about: str = ""
    notes: Sequence[str] = ()
    reference: str = ""
    folded: bool = False
    metric: str = ""
    heat: pd.DataFrame | None = None

    @cached_property
    def sides(self) -> list[str]:
        """Columns of figures are `right`, those of text `left`."""
        figures = [
            self.cells[name].str.match(r"(\*\*|[-+<] ?)*[\d–∞]|not run|$").all()
            and self.cells[name].str.contains(r"\d").any()
            for name in self.cells
        ]
        return ["right" if right else "left" for right in [False, *figures[1:]]]

    @property
    def heads(self) -> list[tuple[str, str]]:
        """(group, heading) of each column; the group may be empty."""
        return [each if isinstance(each, tuple) else ("", each) for each in self.cells]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The groups of columns, each with how many it has."""
        groups = groupby(group for group, _ in self.heads)
        return [(group, len(list(columns))) for group, columns in groups]

    def html_rows(self) -> Iterator[list[tuple[Markup, Markup]]]:
        """Attributes and content of the HTML cells, row by row."""
        for at, row in enumerate(self.cells.itertuples(index=False)):
            heats = [math.nan] * len(row) if self.heat is None else self.heat.iloc[at]
            yield [
                (self._attributes(column, str(text), heat), _html_cell(text))
                for column, (text, heat) in enumerate(zip(row, heats, strict=True))
            ]

    def _attributes(self, column: int, text: str, heat: float) -> Markup:
        group, heading = self.heads[column]
        kinds = ["paper"] if group == "Paper" else []
        kinds += ["text"] if self.sides[column] == "left" else []
        kinds += [text.strip("*").replace(" ", "-")] if heading == "Verdict" else []
        kind = Markup(' class="{}"').format(" ".join(kinds)) if kinds else ""
        return kind + Markup("" if math.isnan(heat) else f' style="--heat:{heat:.3f}"')


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
            f"{heading} ({group.lower()})" if group else heading for group, heading in table.heads
        ]
        body = tabulate(
            cells, headers="keys", tablefmt="pipe", showindex=False, disable_numparse=True,
            colalign=table.sides,
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
            column_format="".join(side[0] for side in table.sides),
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


def _html_cell(text: object) -> Markup:
    above, _, below = _BOLD.sub(r"<strong>\1</strong>", str(escape(text))).partition("\n")
    return Markup(f"{above}<br><small>{below}</small>" if below else above)


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
        bold = [_BOLD.sub(r"\\textbf{\1}", latex_text(above)) for above, _ in parts]
        lines.append([latex_text(shown), *bold])
        small = [below and rf"{{\scriptsize {latex_text(below)}}}" for _, below in parts]
        if any(small):
            lines.append(["", *small])
    return lines
