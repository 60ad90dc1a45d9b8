"""Writes the forms of a table: .csv, .md, .tex, and .html to be set into a page."""

from collections.abc import Mapping
from pathlib import Path

from emohead.files import whole_file


def write_forms(forms: Mapping[Path, str]) -> None:
    """Write each text to its path.

    A .html is a fragment that doesn't say its encoding; other than ASCII letters become character
    references, so that it is read right by itself too.
    """
    for path, text in forms.items():
        coding = ("ascii", "xmlcharrefreplace") if path.suffix == ".html" else ("utf-8", "strict")
        with whole_file(path) as unfinished:
            unfinished.write_text(text, *coding, newline="\n")


def latex_text(text: str) -> str:
    """A text as LaTeX, in letters that pdfLaTeX has."""
    specials = {each: f"\\{each}" for each in "&%$#_{}"} | {
        "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
        "±": r"$\pm$", "∞": r"$\infty$", "–": "--", "×": r"$\times$",
        "↓": r"$\downarrow$", "↑": r"$\uparrow$",
    }  # fmt: skip
    # pdfLaTeX stops at letters beyond Latin-1.
    return "".join(specials.get(each, each if ord(each) < 256 else "?") for each in text)
