"""Markdown tables and their numbers."""

from collections.abc import Iterable, Sequence


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; the first row is its head."""
    head, *body = rows
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)]


def number(value: float) -> str:
    """Three digits, and all those before the point."""
    if value < 0.001:
        return "< 0.001"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def size(bytes_: float) -> str:
    """With three digits, in the unit that suits."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if bytes_ < 1024:
            return f"{number(bytes_)} {unit}"
        bytes_ /= 1024
    return f"{number(bytes_)} TiB"
