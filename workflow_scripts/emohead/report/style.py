"""The look shared by all figures: colours, sizes, and saving with reproducible bytes."""

from collections.abc import Sequence
from functools import cache
from itertools import cycle
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from emohead.files import whole_file

# Okabe and Ito's colour-blind safe palette; greys for what competes with no method.
METHOD_COLOURS = {
    "ground_truth": "#333333",
    "copy_reference": "#888888",
    "baseline": "#D55E00",
    "ours_wo_msef": "#009E73",
    "ours_wo_msef_joint": "#8C6D31",
    "ours_wo_aatu": "#CC79A7",
    "ours": "#0072B2",
    "ours_warp": "#56B4E9",
}
OTHER_COLOURS = ("#E69F00", "#7B5EA7", "#117777", "#AA4466")
BLUE, ORANGE, FAINT = "#0072B2", "#D55E00", "#C9C9C9"
#: Letters that the first one lacks are drawn with the others.
FONTS = ["DejaVu Sans", *sorted(n for n in font_manager.get_font_names() if "CJK" in n)]
RC = {
    "font.family": FONTS,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,
}


def method_colours(method_ids: Sequence[str]) -> dict[str, str]:
    """A colour per method: fixed for the paper's rows, else the next of `OTHER_COLOURS`."""
    others = cycle(OTHER_COLOURS)
    return {each: METHOD_COLOURS.get(each) or next(others) for each in method_ids}


def figure_label(name: str, label: str) -> str:
    """A label as a figure's text, in which no `$` begins a formula.

    It is `name` in its place, which is ASCII, where no font of `FONTS` has its letters.
    """
    if not {ord(letter) for letter in label} - {ord("\n")} <= _letters():
        print(
            f"no font on this machine has the letters of {label!r}: the figures say {name} "
            "(install one, for example Noto Sans CJK)",
            flush=True,
        )
        label = name
    return label.replace("$", r"\$")


@cache
def _letters() -> frozenset[int]:
    """The characters that the figures' fonts have."""
    fonts = [FT2Font(font_manager.findfont(name)) for name in FONTS]
    return frozenset().union(*(font.get_charmap() for font in fonts))


def save_figure(figure: Figure, paths: Sequence[Path]) -> None:
    """Write the figure as .png or .pdf, by suffix; without dates, equal figures are equal bytes."""
    # Seaborn puts a legend beside the figure, which is then made wider.
    box = "tight" if figure.legends else None
    for path in paths:
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        with whole_file(path) as unfinished:
            figure.savefig(unfinished, dpi=160, metadata=metadata, bbox_inches=box)
