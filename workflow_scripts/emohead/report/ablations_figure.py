"""The ablations as a picture: a row for each choice, a panel for each metric."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emohead.report.ablations import STAGE_METRICS, Ablations, Choice
from emohead.report.scores import REFERENCE_LABELS
from emohead.report.style import FAINT, RC, figure_label, label_inches

PANEL_INCHES, ROW_INCHES, TITLE_INCHES = 2.1, 0.24, 0.75
COLOURS = {"better": "#0072B2", "worse": "#D55E00", "": "#777777"}


def draw_ablations(ablations: Ablations) -> Figure:
    """Dots are means with their 95 % intervals over clips, the line is the first model's.

    Blue is better than that one and orange worse, as far as the paired difference can tell.
    """
    blocks = [
        ablations.of(stage, reference)
        for stage in STAGE_METRICS
        for reference in ablations.references
    ]
    columns = max(len(block[0].cells) for block in blocks)
    heights = [TITLE_INCHES + ROW_INCHES * len(block) for block in blocks]
    left = label_inches([_label(choice) for block in blocks for choice in block])
    with rc_context(RC):
        figure = Figure(figsize=(left + PANEL_INCHES * columns, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(blocks), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, block in zip(parts, blocks, strict=True):
            where = REFERENCE_LABELS.get(block[0].reference, block[0].reference)
            part.suptitle(f"{block[0].stage} · {where}", fontsize=10, ha="left", x=0.01)
            axes = part.subplots(1, columns, sharey=True, squeeze=False)[0]
            for place, panel in enumerate(axes):
                _draw_panel(panel, block, place)
    return figure


def _draw_panel(panel: Axes, block: Sequence[Choice], place: int) -> None:
    base = block[0].cells[place]
    panel.axvline(base.score.mean, color=FAINT, lw=1.2, zorder=0)
    for y, choice in enumerate(block):
        cell = choice.cells[place]
        colour = "#000000" if y == 0 else COLOURS[cell.verdict]
        panel.plot([cell.score.low, cell.score.high], [y, y], color=colour, lw=1.3)
        panel.plot(cell.score.mean, y, "o", ms=4, color=colour)
    measured = base.measured
    arrow = "↓" if measured.lower_is_better else "↑"
    where = f", {measured.convention}" if measured.name in ("ssim", "psnr") else ""
    panel.set_title(f"{measured.heading}{where} {arrow}", loc="left")
    panel.set_yticks(range(len(block)), [_label(choice) for choice in block], fontsize=8)
    panel.set_ylim(len(block) - 0.5, -0.5)
    panel.tick_params(axis="x", labelsize=7.5)


def _label(choice: Choice) -> str:
    return figure_label(choice.name, choice.label)
