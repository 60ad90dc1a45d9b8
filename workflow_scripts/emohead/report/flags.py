"""Flags that the report's scripts share."""

import argparse
from pathlib import Path


def name_and_text(flag: str) -> tuple[str, str]:
    """`ours=Ours` as ("ours", "Ours"), for argparse's `type`."""
    name, equals, text = flag.partition("=")
    if not (name and equals and text):
        raise argparse.ArgumentTypeError(f"{flag!r} is not NAME=VALUE")
    return name, text


def name_and_path(flag: str) -> tuple[str, Path]:
    """`ours=results/ours` as ("ours", Path("results/ours")), for argparse's `type`."""
    name, text = name_and_text(flag)
    return name, Path(text)


def add_method_flags(parser: argparse.ArgumentParser, path: str) -> None:
    """Add --method ID=PATH and --label ID=TEXT, both repeatable; `path` says what PATH is."""
    parser.add_argument(
        "--method",
        action="append",
        required=True,
        type=name_and_path,
        metavar="ID=PATH",
        help=f"a row: its id and {path}; repeat, in the order of the rows",
    )
    add_label_flag(parser)


def add_score_flags(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add --scores FILE ... and --label ID=TEXT, which is repeatable and orders the rows."""
    parser.add_argument(
        "--scores",
        type=Path,
        nargs="+",
        action="extend",
        required=required,
        default=[],
        metavar="FILE",
        help="tables of scores (.parquet), the first protocol's first",
    )
    add_label_flag(parser)


def add_given_flag(parser: argparse.ArgumentParser) -> None:
    """Add --given ID=TEXT, repeatable."""
    parser.add_argument(
        "--given",
        action="append",
        default=[],
        type=name_and_text,
        metavar="ID=TEXT",
        help="what the method sees beside the sound; only those that see the same are compared",
    )


def add_label_flag(parser: argparse.ArgumentParser) -> None:
    """Add --label ID=TEXT, repeatable."""
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        type=name_and_text,
        metavar="ID=TEXT",
        help="the name that readers see (default: the paper's, else the id); repeat",
    )
