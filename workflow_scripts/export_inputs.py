"""Rule export_inputs: the inputs of every speaker -> one table of them, sorted by protocol."""

import argparse
from pathlib import Path

import pandas as pd

from emohead.files import whole_file

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--folders", type=Path, nargs="+", required=True, help="one for each speaker")
parser.add_argument("--output", type=Path, required=True, help="inputs.csv")

if __name__ == "__main__":
    flags = parser.parse_args()
    tables = [
        pd.read_csv(folder / "inputs.csv", dtype=str, keep_default_na=False)
        for folder in flags.folders
    ]
    order = ["reference", "framing", "size", "clip_id"]
    with whole_file(flags.output) as unfinished:
        pd.concat(tables).sort_values(order).to_csv(unfinished, index=False)
