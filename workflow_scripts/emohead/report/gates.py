"""What Table 1 says of a method whose disentangler was tried (`emohead.disentangler.gates`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

#: By the gate's name, with what was found and what it is held against.
SENTENCES = {
    "swapped": "swapped windows are {found:.2f} from the true ones, the aligned takes {bar:.2f}",
    "emotion": "emotion codes tell {found:.0%} of the clips' emotions, MFCC statistics {bar:.0%}",
    "content": "content codes tell {found:.0%} of them, and should at most {bar:.0%}",
    "partner": "{found:.0%} of the content codes find their moment in another emotion, {bar:.0%} "
    "of the emotion codes",
}
FAILED = "swap gate failed"


def read_gates(files: Sequence[tuple[str, Path]]) -> dict[str, pd.DataFrame]:
    """By method, for each gate its means over seeds, and how many of the `seeds` it `passed`."""
    tables: dict[str, list[pd.DataFrame]] = {}
    for method, path in files:
        tables.setdefault(method, []).append(pd.read_csv(path))
    return {
        method: pd.concat(of_seeds)
        .groupby("name", sort=False)
        .agg(found=("found", "mean"), bar=("bar", "mean"), passed=("passed", "sum"),
             seeds=("passed", "size"))
        for method, of_seeds in tables.items()
    }  # fmt: skip


def label_of(label: str, gates: pd.DataFrame) -> str:
    """A row's label, which says where the first gate isn't passed by every seed."""
    failed = gates.loc["swapped", "passed"] < gates.loc["swapped", "seeds"]
    return f"{label} ({FAILED})" if failed else label


def gate_notes(gates: Mapping[str, pd.DataFrame], labels: Mapping[str, str]) -> list[str]:
    """A sentence for each method with a disentangler."""
    notes = []
    for method, table in gates.items():
        told = "; ".join(
            f"{SENTENCES[row.Index].format(found=row.found, bar=row.bar)} "
            f"({'passed' if row.passed == row.seeds else 'failed'}"
            f"{f' by {row.passed} of {row.seeds} seeds' if row.seeds > 1 else ''})"
            for row in table.itertuples()
        )
        notes.append(
            f"{labels.get(method, method)}, its disentangler, on sentences held back: {told}."
        )
    return notes
