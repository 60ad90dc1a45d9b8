"""What the report's numbers were made by: of data, models and scores, as those say themselves."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emohead.provenance import Provenance
from emohead.report.data_tables import duration


@dataclass(frozen=True)
class MadeAlike:
    """Results that were made alike; `by` has the time of all of them together."""

    names: tuple[str, ...]
    by: Provenance

    @property
    def shown(self) -> tuple[str, ...]:
        """Device, precision, time, versions of torch and Python, and commit, as printed."""
        by = self.by
        return (
            by.device, by.precision, duration(by.seconds), by.torch or "–", by.python, by.commit,
        )  # fmt: skip


def group_alike(results: Iterable[tuple[str, Provenance]]) -> list[MadeAlike]:
    """The results, by name, put together where nothing but their time differs; in their order."""
    groups: dict[Provenance, list[str]] = {}
    seconds: Counter[Provenance] = Counter()
    for name, provenance in results:
        kind = replace(provenance, seconds=0.0)
        groups.setdefault(kind, []).append(name)
        seconds[kind] += provenance.seconds
    return [
        MadeAlike(tuple(dict.fromkeys(names)), replace(kind, seconds=seconds[kind]))
        for kind, names in groups.items()
    ]


def read_provenance(path: Path) -> Provenance:
    """What is in a provenance.json; ValueError when the file is none."""
    try:
        return Provenance.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: no provenance of a result ({error})") from error


def hash_of(paths: Sequence[Path]) -> str:
    """SHA-256 of the files' bytes, one after the other, as `cat FILE ... | sha256sum` gives it."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
