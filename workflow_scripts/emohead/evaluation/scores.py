"""Tables of scores: one value a row, whichever metric it is; Parquet files on disk.

Tables of any methods, references and seeds can be put one after another.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from emohead.evaluation.catalogue import HEADLINE
from emohead.files import whole_file
from emohead.provenance import Provenance, provenance_from_json, provenance_json

SCHEMA = pa.schema(
    {
        **dict.fromkeys(("clip_id", "method", "reference"), pa.dictionary(pa.int32(), pa.string())),
        "seed": pa.int32(),
        **dict.fromkeys(("metric", "convention"), pa.dictionary(pa.int32(), pa.string())),
        "value": pa.float64(),
    }
)
COLUMNS: tuple[str, ...] = tuple(SCHEMA.names)

#: The values of one clip by (metric, convention); nan for what doesn't exist.
Values = Mapping[tuple[str, str], float]

#: The columns of row.csv, (metric, convention) each: those of Table 1, and what they don't see.
ROW = {name: (name, convention) for name, convention in HEADLINE.items()} | {
    "ssim_face": ("ssim", "face"),
    "psnr_face": ("psnr", "face"),
    "lip_correlation": ("lip_correlation", "redetected"),
}

# In a file's metadata.
_PROVENANCE = b"provenance"


def score_table(
    clips: Mapping[str, Values], *, method: str, reference: str, seed: int
) -> pd.DataFrame:
    """The values of a method's clips, columns COLUMNS, sorted by clip, metric and convention.

    Values are rounded to six decimals; one that doesn't exist (nan) has no row.
    """
    rows = [
        (clip_id, method, reference, seed, metric, convention, round(float(value), 6))
        for clip_id, values in clips.items()
        for (metric, convention), value in values.items()
        if not math.isnan(value)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["clip_id", "metric", "convention"], ignore_index=True)


def values_to_json(values: Values) -> str:
    """The values of a clip as JSON; inf and nan stay."""
    return json.dumps([[*name, value] for name, value in values.items()])


def values_from_json(text: str) -> Values:
    """The values that `values_to_json` wrote."""
    return {(metric, convention): float(value) for metric, convention, value in json.loads(text)}


def write_scores(
    table: pd.DataFrame, path: Path, made_by: Sequence[tuple[str, Provenance]] = ()
) -> None:
    """Write a table of scores, and what it was made by: named results, such as frames."""
    _write(pa.Table.from_pandas(table, SCHEMA, preserve_index=False), path, made_by)


def provenance_of(path: Path) -> list[tuple[str, Provenance]]:
    """The provenance in a file of scores; empty where there is none."""
    told = (parquet.read_schema(path).metadata or {}).get(_PROVENANCE)
    return provenance_from_json(told.decode()) if told else []


def read_table(path: Path) -> pd.DataFrame:
    """The rows of a file of scores; columns of text are categorical.

    ValueError names a file that is missing or holds something else.
    """
    if not path.is_file():
        raise ValueError(f"no scores {path}: run the evaluation first")
    try:
        there = parquet.read_schema(path).names
        missing = [name for name in COLUMNS if name not in there]
        if missing:
            raise ValueError(f"no column {', '.join(missing)}")
        table = parquet.read_table(path, columns=list(COLUMNS), partitioning=None).cast(SCHEMA)
    except (ValueError, KeyError, pa.ArrowException) as error:
        raise ValueError(f"{path}: is not a table of scores ({error}): evaluate again") from error
    if any(column.null_count for column in table.columns):
        raise ValueError(f"{path}: has empty cells: evaluate again")
    return table.to_pandas()


def collect_scores(paths: Sequence[Path], collected: Path) -> None:
    """Put tables of scores one after another into one file, with what each was made with."""
    tables = [parquet.read_table(path, schema=SCHEMA, partitioning=None) for path in paths]
    made_by = [made for path in paths for made in provenance_of(path)]
    _write(pa.concat_tables(tables).unify_dictionaries(), collected, made_by)


def summarize(clips: pd.DataFrame) -> pd.DataFrame:
    """The row of means over clips, columns ROW, of a table of scores."""
    means = clips.groupby(["metric", "convention"], observed=True)["value"].mean()
    row = {column: means.get(each, float("nan")) for column, each in ROW.items()}
    return pd.DataFrame([row])


def _write(table: pa.Table, path: Path, made_by: Sequence[tuple[str, Provenance]]) -> None:
    told = {_PROVENANCE: provenance_json(made_by)}
    with whole_file(path) as unfinished:
        parquet.write_table(table.replace_schema_metadata(told), unfinished, compression="zstd")
