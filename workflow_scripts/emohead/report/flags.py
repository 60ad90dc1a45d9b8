"""Flags that the report's scripts share."""

import argparse
from pathlib import Path

from emohead.report.methods import read_methods


def report_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser with --output FILE ..., whose forms are told by their suffixes."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--output", type=Path, nargs="+", required=True, metavar="FILE")
    return parser


def add_methods_flag(parser: argparse.ArgumentParser) -> None:
    """Add --methods JSON."""
    parser.add_argument(
        "--methods",
        type=read_methods,
        default=[],
        metavar="JSON",
        help="a list, in the order of the rows, of objects with the fields of "
        "emohead.report.methods.Method",
    )


def add_scores_flags(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add --scores FILE ... and --methods JSON."""
    parser.add_argument(
        "--scores",
        type=Path,
        nargs="+",
        required=required,
        default=[],
        metavar="FILE",
        help="tables of scores (.parquet), the first protocol's first",
    )
    add_methods_flag(parser)


def picture_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser for pictures of one test clip per emotion."""
    parser = report_parser(doc)
    add_methods_flag(parser)
    parser.add_argument("--reference", required=True, help="the reference face to show")
    parser.add_argument("--emotions", nargs="+", required=True, help="one clip each")
    parser.add_argument("--split", type=Path, required=True)
    return parser
