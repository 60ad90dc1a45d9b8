"""Tables as spreadsheet programs save them: .csv in any of their encodings and separators.

Imports nothing but Python itself: the workflow reads tables when it starts.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emohead.files import stand_in

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SEPARATORS = ",;\t"
# What `strip` leaves of a cell that looks empty.
_INVISIBLE = "\ufeff\u200b"
_WAY_OUT = "save it as CSV UTF-8"


@dataclass(frozen=True)
class Row:
    """A row: its line in the file, and its cells by column, stripped; "" for what is missing."""

    line: int
    cells: dict[str, str]


def read_rows(
    path: Path, columns: Sequence[str], optional: Sequence[str] = (), *, free: str
) -> Iterator[Row]:
    """The rows of a table that aren't blank; names of columns in any case.

    In UTF-8 or UTF-16; or Windows-1252 where only the column `free` has other letters than ASCII's,
    so that nothing is read wrong unseen. Separated by commas, semicolons or tabs. Raises ValueError
    that names the file and, where there is one, the way out.
    """
    text, is_sure = _text(Path(path))
    lines = text.splitlines(keepends=True)
    said = lines[0].strip(" \r\n").lower() if lines else ""
    skipped = int(said.startswith("sep=") and len(said) == 5)  # Excel's own
    head = lines[skipped] if len(lines) > skipped else ""
    separator = said[-1] if skipped else max(_SEPARATORS, key=head.count)
    # Strict: else a quote that isn't closed takes all rows that follow into its cell.
    rows = csv.reader(
        io.StringIO("".join(lines[skipped:]), newline=""), delimiter=separator, strict=True
    )
    try:
        names = [_clean(name).casefold() for name in next(rows, [])]
        missing = [column for column in columns if column not in names]
        if missing:
            raise ValueError(
                f"{path}: no column {', '.join(missing)} (has {', '.join(names) or 'nothing'}; "
                f"expected: {','.join([*columns, *optional])})"
            )
        for cells in rows:
            values = dict(zip(names, map(_clean, cells), strict=False))
            if not any(values.values()):
                continue
            row = Row(
                rows.line_num + skipped,
                {column: values.get(column, "") for column in (*columns, *optional)},
            )
            if not is_sure:
                _refuse_guesses(path, row, free)
            yield row
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {rows.line_num + skipped}: {error} (is a quotation mark opened and not "
            f"closed?); {_WAY_OUT}"
        ) from error


def _text(path: Path) -> tuple[str, bool]:
    """A table's text, and whether its encoding is sure."""
    data = path.read_bytes()
    if what := stand_in(path):
        raise ValueError(f"{path}: is no table ({what})")
    if data.startswith(_WORKBOOKS):
        raise ValueError(f"{path}: is a workbook, no table: {_WAY_OUT}")
    mark = next((mark for mark in _MARKS if data.startswith(mark)), None)
    if mark is not None:
        encodings = [_MARKS[mark]]
    elif b"\0" in data[:2000]:
        encodings = ["utf-16-be" if data[:1] == b"\0" else "utf-16-le"]
    else:
        encodings = ["utf-8", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding), encoding != "cp1252"
        except UnicodeDecodeError:
            pass
    raise ValueError(f"{path}: its letters can't be read: {_WAY_OUT}")


def _clean(cell: str) -> str:
    return cell.strip().strip(_INVISIBLE).strip()


def _refuse_guesses(path: Path, row: Row, free: str) -> None:
    """Windows-1252 is a guess: wrong for a name that no file confirms, it would stay unseen."""
    for column, cell in row.cells.items():
        if column != free and not cell.isascii():
            raise ValueError(
                f"{path}, line {row.line}: {column} {cell!r} is not in UTF-8: {_WAY_OUT}"
            )
