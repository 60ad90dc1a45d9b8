"""What a trained network must show on held-out data before Table 1 believes its row."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from emohead.files import whole_file


class Gate(NamedTuple):
    """A gate's value, the bar it is compared with, and whether it passes."""

    name: str
    found: float
    bar: float
    passed: bool


def write_gates(gates: Sequence[Gate], table: Path) -> None:
    """Say how the gates went, and write them to `table`, .csv."""
    for gate in gates:
        verdict = "passes" if gate.passed else "fails"
        print(f"gate {gate.name} {verdict}: {gate.found:.3f} against {gate.bar:.3f}")
    with whole_file(table) as unfinished:
        pd.DataFrame(gates, columns=list(Gate._fields)).to_csv(unfinished, index=False)
