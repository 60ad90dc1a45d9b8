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
