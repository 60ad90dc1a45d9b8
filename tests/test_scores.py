"""Tables of scores: what is in them, on disk and off it, and their errors."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from emohead.evaluation.scores import (
    COLUMNS,
    ROW,
    SCHEMA,
    collect_scores,
    provenance_of,
    read_table,
    score_table,
    summarize,
    values_from_json,
    values_to_json,
    write_scores,
)
from emohead.provenance import Provenance

HAPPY, SAD = "W901-front-happy-3-001", "W901-front-sad-3-002"
BY = Provenance("3.11.7", "2.14", "CPU", "32-true", "abc", 3.5)
VALUES = {
    SAD: {("ssim", "frame"): 0.25, ("psnr", "frame"): math.inf},
    HAPPY: {("ssim", "frame"): 0.75, ("psnr", "frame"): 20.0, ("f_lmd", "x"): 1.23456789},
}


def table(method="ours", values=VALUES, *, reference="neutral", seed=0):
    return score_table(values, method=method, reference=reference, seed=seed)


def plain(found):
    """Rows, without pandas' types."""
    return [tuple(row) for row in found.astype(object).itertuples(index=False)]


def test_a_table_has_a_row_for_each_value_in_their_order():
    assert plain(table(seed=3)) == [
        (HAPPY, "ours", "neutral", 3, "f_lmd", "x", 1.234568),
        (HAPPY, "ours", "neutral", 3, "psnr", "frame", 20.0),
        (HAPPY, "ours", "neutral", 3, "ssim", "frame", 0.75),
        (SAD, "ours", "neutral", 3, "psnr", "frame", math.inf),
        (SAD, "ours", "neutral", 3, "ssim", "frame", 0.25),
    ]
    assert tuple(table().columns) == COLUMNS


def test_a_value_that_does_not_exist_has_no_row_and_no_mean():
    found = table(values={SAD: {("ssim", "frame"): 0.5, ("psnr", "frame"): math.nan}})
    assert found["metric"].tolist() == ["ssim"]
    row = summarize(found).iloc[0]
    assert row["ssim"] == 0.5 and math.isnan(row["psnr"])


def test_the_row_has_the_means_over_clips():
    row = summarize(table()).iloc[0]
    assert list(row.index) == list(ROW)
    assert (row["ssim"], row["psnr"]) == (0.5, math.inf)


def test_a_table_comes_back_from_disk(tmp_path):
    write_scores(table(), tmp_path / "made" / "scores.parquet")
    again = read_table(tmp_path / "made" / "scores.parquet")
    assert plain(again) == plain(table())
    assert all(again[name].dtype == "category" for name in COLUMNS if name not in ("seed", "value"))
    assert provenance_of(tmp_path / "made" / "scores.parquet") == []


def test_a_table_without_rows_comes_back_too(tmp_path):
    write_scores(table(values={}), tmp_path / "scores.parquet")
    again = read_table(tmp_path / "scores.parquet")
    assert len(again) == 0 and tuple(again.columns) == COLUMNS


def test_the_same_table_is_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_scores(table(), tmp_path / name, [("ours", BY)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_table_says_what_it_was_made_with(tmp_path):
    told = [("ours/neutral/seed0: frames", BY), ("ours/neutral/seed0: scores", BY)]
    write_scores(table(), tmp_path / "scores.parquet", told)
    assert provenance_of(tmp_path / "scores.parquet") == told
    assert plain(read_table(tmp_path / "scores.parquet")) == plain(table())


def test_json_keeps_inf_and_nan_and_all_digits():
    values = {("psnr", "frame"): math.inf, ("lip_lag", "x"): math.nan, ("ssim", "a/b"): 1 / 3}
    again = values_from_json(values_to_json(values))
    assert list(again) == list(values)
    np.testing.assert_array_equal(list(again.values()), list(values.values()))


# --- collecting ---


def test_collecting_keeps_the_order_of_runs_and_inf(tmp_path):
    methods = ("ours", "baseline", "a_method_of_another")
    expected = []
    for k, method in enumerate(methods):
        write_scores(
            table(method, seed=k), tmp_path / f"{k}.parquet", [(method, replace(BY, seconds=k))]
        )
        expected += plain(table(method, seed=k))
    paths = [tmp_path / f"{k}.parquet" for k in range(3)]
    collect_scores(paths, tmp_path / "all.parquet")
    again = read_table(tmp_path / "all.parquet")
    assert plain(again) == expected
    assert again["value"].tolist().count(math.inf) == 3
    assert list(again["method"].unique()) == list(methods)
    assert provenance_of(tmp_path / "all.parquet") == [
        (method, replace(BY, seconds=k)) for k, method in enumerate(methods)
    ]
    collect_scores(paths[::-1], tmp_path / "all.parquet")
    assert list(read_table(tmp_path / "all.parquet")["method"].unique()) == list(methods[::-1])


def test_the_script_collects_run_by_run(tmp_path, run_script):
    """Speakers and files in a run's folder, then the run's own."""
    runs = [tmp_path / name for name in ("ours/neutral/seed0", "baseline/neutral/seed0")]
    for run in runs:
        for speaker in ("W902", "W901"):
            for name, metric in (("scores", "ssim"), ("networks", "lpips")):
                clip = {f"{speaker}-front-sad-3-001": {(metric, "x"): 0.5}}
                write_scores(table(run.parts[-3], clip), run / speaker / f"{name}.parquet")
        write_scores(table(run.parts[-3], {"all": {("fid", "x"): 3.0}}), run / "fid.parquet")
    out = tmp_path / "results" / "scores.parquet"
    run_script(
        "collect_scores.py", "--runs", *runs, "--speakers", "W902", "W901", "--names",
        "scores.parquet", "networks.parquet", "--of-runs", "fid.parquet", "--output", out,
    )  # fmt: skip
    found = [(row[1], row[0][:4], row[4]) for row in plain(read_table(out))]
    assert found == [
        (method, clip, metric)
        for method in ("ours", "baseline")
        for clip, metric in (
            ("W902", "ssim"), ("W902", "lpips"), ("W901", "ssim"), ("W901", "lpips"), ("all", "fid")
        )
    ]  # fmt: skip


def test_the_script_summarizes_all_speakers(tmp_path, run_script):
    for k, speaker in enumerate(("W901", "W902")):
        clips = {f"{speaker}-front-sad-3-00{n}": {("ssim", "frame"): 0.5 * k} for n in range(k + 1)}
        write_scores(table(values=clips), tmp_path / f"{speaker}.parquet")
    speakers = tmp_path.glob("*.parquet")
    run_script("summarize_run.py", "--scores", *speakers, "--row", tmp_path / "row.csv")
    row = pd.read_csv(tmp_path / "row.csv")
    assert len(row) == 1
    assert row["ssim"][0] == pytest.approx((0 + 0.5 + 0.5) / 3, abs=1e-6)


# --- what is wrong ---


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^no scores .*nothing\.parquet: run the evaluation"):
        read_table(tmp_path / "nothing.parquet")


def test_what_is_no_table_of_scores_is_named(tmp_path):
    path = tmp_path / "bad.parquet"

    def told(content: bytes | pa.Table):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            parquet.write_table(content, path)
        with pytest.raises(ValueError, match=r"bad\.parquet: .*: evaluate again$") as raised:
            read_table(path)
        return str(raised.value)

    good = pa.Table.from_pandas(table(), SCHEMA, preserve_index=False)
    assert "is not a table of scores" in told(b"clip_id,method\nx,y\n")
    assert "is not a table of scores" in told(b"")
    assert "(no column reference, seed)" in told(good.drop_columns(["seed", "reference"]))
    words = pa.array(["many"] * len(good))
    assert "is not a table of scores" in told(good.set_column(6, "value", words))
    nothing = pa.array([None] * len(good), pa.float64())
    assert "has empty cells" in told(good.set_column(6, "value", nothing))
    write_scores(table(), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="is not a table of scores"):
        read_table(path)
