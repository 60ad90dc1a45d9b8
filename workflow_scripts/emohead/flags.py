"""What scripts make of flags that name things, for argparse's `type`."""

import argparse
from pathlib import Path


def name_and_path(flag: str) -> tuple[str, Path]:
    """`ours=results/ours` as ("ours", Path("results/ours"))."""
    name, equals, text = flag.partition("=")
    if not (name and equals and text):
        raise argparse.ArgumentTypeError(f"{flag!r} is not NAME=VALUE")
    return name, Path(text)
