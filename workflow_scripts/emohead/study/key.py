"""A study's key: the clip and method of each item, for the analysis alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from emohead.files import whole_file

PRACTICE, RATED, TRAP = "practice", "rated", "trap"
SCALES = ("ls", "ee", "vpq")


@dataclass(frozen=True)
class Item:
    """One video: `sound` is the clip that is heard; of a trap it is another than `clip_id`."""

    id: str
    kind: str
    method: str
    clip_id: str
    sound: str
    seconds: float


@dataclass(frozen=True)
class Key:
    """A study: its id, methods in the table's order, items, and the orders that raters follow.

    An order is a sequence of places in `items`. `points` is the scales' upper end; `hearing` the
    digits that are spoken at the start.
    """

    study: str
    reference: str
    methods: tuple[str, ...]
    points: int
    hearing: str
    items: tuple[Item, ...]
    orders: tuple[tuple[int, ...], ...]

    def order(self, turn: int) -> list[Item]:
        """The items of an order, as its rater sees them; those that come twice are there twice."""
        return [self.items[place] for place in self.orders[turn]]

    @property
    def minutes(self) -> int:
        """How long a session takes, with 6 s for each answer and two minutes to begin with."""
        return round(2 + sum(item.seconds + 6 for item in self.order(0)) / 60)

    @property
    def ours(self) -> str:
        """The method that others are compared with: `ours` if it is there, else the last one."""
        return "ours" if "ours" in self.methods else self.methods[-1]

    @property
    def clip_ids(self) -> list[str]:
        """The rated clips, sorted."""
        return sorted({item.clip_id for item in self.items if item.kind == RATED})


def write_key(key: Key, paths: Sequence[Path]) -> None:
    """Write the key as JSON."""
    for path in paths:
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(asdict(key)) + "\n", encoding="utf-8")


def read_key(path: Path) -> Key:
    """A key from disk; ValueError when it isn't there or isn't one."""
    if not path.is_file():
        raise ValueError(f"no key {path}: make a study first (snakemake --cores all study)")
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Key(
            **fields
            | {
                "methods": tuple(fields["methods"]),
                "items": tuple(Item(**item) for item in fields["items"]),
                "orders": tuple(map(tuple, fields["orders"])),
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: is not the key of a study ({error})") from error
