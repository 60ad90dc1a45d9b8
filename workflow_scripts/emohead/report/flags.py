"""Flags that the report's scripts share."""

import argparse
from pathlib import Path

from emohead.report.methods import read_methods

FLAGS = {
    "output": {"type": Path, "nargs": "+", "metavar": "FILE", "help": "a form for each suffix"},
    "scores": {"type": Path, "nargs": "+", "metavar": "FILE", "help": "the first protocol's first"},
    "methods": {
        "type": read_methods,
        "metavar": "JSON",
        "help": "in the order of the rows, as emohead.report.methods.Method",
    },
    "reference": {"help": "the reference face to show"},
    "emotions": {"nargs": "+", "help": "a clip or a column each"},
    "clips": {"type": Path, "help": "the accepted clips, .csv"},
    "split": {"type": Path, "help": ".csv"},
    "features": {"type": Path, "nargs": "+", "help": "feature shards"},
}


def report_parser(doc: str | None, *names: str) -> argparse.ArgumentParser:
    """A parser with --output and those of `FLAGS` that are named."""
    parser = argparse.ArgumentParser(description=doc)
    for name in ("output", *names):
        parser.add_argument(f"--{name}", required=True, **FLAGS[name])
    return parser
