"""The look shared by all figures: colours, sizes, and saving with reproducible bytes."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from emohead.files import whole_file

# Okabe and Ito's colour-blind safe palette; greys for what competes with no method.
METHOD_COLOURS = {
    "ground_truth": "#333333",
    "copy_reference": "#888888",
    "baseline": "#D55E00",
    "ours_wo_msef": "#009E73",
    "ours_wo_aatu": "#CC79A7",
    "ours": "#0072B2",
}
OTHER_COLOURS = ("#E69F00", "#56B4E9", "#8C6D31", "#7B5EA7", "#117777", "#AA4466")
TRAIN_COLOUR, VALIDATION_COLOUR = "#0072B2", "#D55E00"
FAINT = "#C9C9C9"

RC = {
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
    others = [method_id for method_id in method_ids if method_id not in METHOD_COLOURS]
    extra = {each: OTHER_COLOURS[i % len(OTHER_COLOURS)] for i, each in enumerate(others)}
    return {each: (METHOD_COLOURS | extra)[each] for each in method_ids}


def label_inches(labels: Sequence[str]) -> float:
    """Room for the longest row label at font size 9."""
    return 0.085 * max(len(label) for label in labels) + 0.15


def save_figure(figure: Figure, paths: Sequence[Path], dpi: int = 160) -> None:
    """Write the figure as .png or .pdf, by suffix; without dates, equal figures are equal bytes."""
    for path in paths:
        if path.suffix not in (".png", ".pdf"):
            raise ValueError(f"{path}: figures are written as .png or .pdf")
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        with whole_file(path) as unfinished:
            figure.savefig(unfinished, dpi=dpi, metadata=metadata)
