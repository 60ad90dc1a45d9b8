"""One table in its forms: numbers as .csv, and for readers .md, .tex and .html."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler
from tabulate import tabulate

from emohead.evaluation.catalogue import Metric, metric
from emohead.evaluation.statistics import FEWEST_SPEAKERS
from emohead.files import whole_file
from emohead.report.page_parts import render_template
from emohead.report.style import save_figure

MISSING = "–"
#: Columns of text, and those of the paper's figures, in a page.
_TEXT = "text-align: left; white-space: normal; min-width: 8rem; max-width: 26rem"
_SOFT = "color: var(--soft)"
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

    @property
    def sides(self) -> list[str]:
        """Columns of figures are `right`, those of text `left`."""
        figures = [
            self.cells[name].str.match(r"(\*\*|[-+<] ?)*[\d–∞]|not run|$").all()
            and self.cells[name].str.contains(r"\d").any()
            for name in self.cells
        ]
        return ["right" if right else "left" for right in [False, *figures[1:]]]

    def to_html(self) -> Markup:
        """The `<table>`, with heat as the variable `--heat`, and verdicts as classes."""
        cells = self.cells.reset_index(drop=True)
        # The id, by which the look is found: of this table alone among a page's.
        told = (self.heading, self.reference, self.metric, cells.to_csv())
        style = Styler(cells, uuid=f"{zlib.crc32(repr(told).encode()):x}", cell_ids=False)
        style.hide(axis="index").format(_html_cell).format_index(escape="html", axis=1)
        looks = {n: _TEXT for n, side in zip(cells, self.sides, strict=True) if side == "left"}
        looks |= {name: _SOFT for name in cells if name[0] == "Paper"}
        style.set_table_styles({n: [{"selector": "", "props": look}] for n, look in looks.items()})
        if self.heat is not None:
            heat = self.heat.reset_index(drop=True).map("--heat: {:.3f}".format, na_action="ignore")
            style.apply(lambda _: heat.fillna(""), axis=None)
        if "Verdict" in cells:
            style.set_td_classes(cells[["Verdict"]].map(lambda text: text.strip("*")))
        return Markup(style.to_html())


@dataclass(frozen=True)
class Tables:
    """Tables that belong together; `kind` is the class of their section in a page.

    A `warning` stands on top, and in each LaTeX caption.
    """

    kind: str
    tables: Sequence[Table]
    introduction: str = ""
    warning: str = ""
    caption: str = ""
    notes: Sequence[str] = ()


def write_forms(
    paths: Sequence[Path],
    *,
    tables: Tables | None = None,
    numbers: pd.DataFrame | None = None,
    figure: Figure | None = None,
) -> None:
    """Write each form, by suffix: `numbers` are the .csv's, `figure` the .png's.

    A .html is a fragment that doesn't say its encoding: it is ASCII, with character references.
    """
    forms = {".md": to_markdown, ".tex": to_latex, ".html": to_html}
    for path in paths:
        if path.suffix == ".csv":
            write_csv(path, numbers)
        elif path.suffix in forms:
            coding = ("ascii", "xmlcharrefreplace") if path.suffix == ".html" else ("utf-8",)
            with whole_file(path) as unfinished:
                unfinished.write_text(forms[path.suffix](tables), *coding, newline="\n")
        else:
            save_figure(figure, [path])


def write_csv(path: Path, numbers: pd.DataFrame) -> None:
    """Six decimals, nothing rounded further; empty where there is no value."""
    with whole_file(path) as unfinished:
        numbers.to_csv(unfinished, index=False, float_format="%.6f", lineterminator="\n")


def to_markdown(tables: Tables) -> str:
    """For each table a heading, a pipe table and its notes; the caption at the end."""
    parts = [tables.warning and f"**{tables.warning.upper()}**", tables.introduction]
    for table in tables.tables:
        cells = table.cells.map(lambda text: markdown_text(text).replace("\n", " "))
        body = tabulate(
            cells, headers=[*map(_flat, cells)], tablefmt="pipe", showindex=False,
            disable_numparse=True, colalign=table.sides,
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
    for i, table in enumerate(tables.tables):
        common = () if i else (tables.caption, *tables.notes)
        said = [f"{table.heading}.", *common, table.about, *table.notes]
        lines = pd.DataFrame(_latex_lines(table.cells), columns=table.cells.columns)
        text = lines.style.hide(axis="index").format_index(latex_text, axis=1).to_latex(
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


def number(value: float, decimals: int) -> str:
    """A number with fixed decimals; `∞`, `-∞`; `–` for NaN."""
    return f"{value:.{decimals}f}".replace("inf", "∞").replace("nan", MISSING)


def with_interval(text: str, low: float, high: float, decimals: int) -> str:
    """The text and below it `[1.20, 1.26]`, unless that is unknown or without width."""
    ends = f"\n[{number(low, decimals)}, {number(high, decimals)}]"
    return text + ends if low < high else text


def heading_of(measured: Metric) -> str:
    """A metric's heading with the direction of better: `F-LMD ↓`."""
    return f"{measured.heading} {'↓' if measured.lower_is_better else '↑'}"


def stage_heading(name: str, convention: str) -> str:
    """A metric's heading among those of a stage, of which some are of one name."""
    heading, arrow = heading_of(metric(name, convention)).rsplit(" ", 1)
    return f"{heading}, {convention} {arrow}" if name in ("ssim", "psnr") else f"{heading} {arrow}"


def interval_note(speakers: int) -> str:
    """The sentence that goes under intervals: whether they are of any speakers, or of these few."""
    if speakers >= FEWEST_SPEAKERS:
        return f"Intervals have the speaker as their unit ({speakers} speakers)."
    numeral = ("", "", "two", "three", "four", "five")[speakers]
    these = f"these {numeral} speakers" if numeral else "this one speaker"
    return (
        f"Intervals are of {these}, by clips: they say nothing of other people, for whom the "
        f"speaker is the unit, from {FEWEST_SPEAKERS} on."
    )


def duration(seconds: float) -> str:
    """`42 s`, `7.9 min` or `29.4 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def percent(part: float, whole: float = 1) -> str:
    """`5 %`, `1.6 %`, or `< 0.1 %` for what is more than nothing; of nothing `0 %`."""
    fraction = part / whole if whole else 0
    if 0 < fraction < 0.001:
        return "< 0.1 %"
    return f"{100 * fraction:.1f}".removesuffix(".0") + " %"


def _html_cell(text: object) -> Markup:
    above, _, below = _BOLD.sub(r"<strong>\1</strong>", str(escape(text))).partition("\n")
    return Markup(f"{above}<br><small>{below}</small>" if below else above)


def _flat(column: str | tuple[str, str]) -> str:
    group, heading = column if isinstance(column, tuple) else ("", column)
    return f"{heading} ({group.lower()})" if group else heading


def _quoted(note: str) -> str:
    return f"> {markdown_text(note)}"


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
