"""Which epoch was best, by the validation loss in the history."""

from collections.abc import Mapping, Sequence

WATCHED = "val_loss"


def best_epoch(rows: Sequence[Mapping[str, float]]) -> int | None:
    """The first epoch, counted from 1, of the least validation loss; None without validation."""
    watched = [row for row in rows if WATCHED in row]
    return int(min(watched, key=lambda row: row[WATCHED])["epoch"]) if watched else None


def out_of_patience(rows: Sequence[Mapping[str, float]], patience: int | None) -> bool:
    """Whether the last `patience` epochs brought no better validation loss."""
    best = best_epoch(rows)
    return patience is not None and best is not None and len(rows) - best >= patience
