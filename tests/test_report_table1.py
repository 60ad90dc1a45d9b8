import csv
import math
import re
import statistics
from pathlib import Path

import pytest

from emohead.report.methods import clip_per_emotion, named_methods, spread_frames
from emohead.report.table1 import build_table1, number, to_csv, to_html, to_latex, to_markdown

HEADER = ["clip_id", "emotion", "frames", "faces_missed", "f_lmd", "m_lmd", "ssim", "psnr"]


def write_clips(folder: Path, seed: int, rows: list[list]) -> None:
    path = folder / f"seed{seed}" / "clips.csv"
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *rows])


def clip(number_: int, f_lmd, m_lmd=2.0, ssim=0.7, psnr=20.0, missed=0) -> list:
    return [f"W901-front-happy-3-{number_:03d}", "happy", 50, missed, f_lmd, m_lmd, ssim, psnr]


def table_of(tmp_path: Path, *ids: str, labels=(), **options):
    return build_table1(named_methods([(i, tmp_path / i) for i in ids], labels), **options)


def row_of(table, row_id: str):
    return next(row for row in table.rows if row.id == row_id)


def test_mean_over_clips_then_seeds_and_deviation(tmp_path):
    write_clips(tmp_path / "ours", 1, [clip(1, 1.0), clip(2, 2.0)])
    write_clips(tmp_path / "ours", 2, [clip(1, 2.5), clip(2, 4.5)])
    score = row_of(table_of(tmp_path, "ours"), "ours").scores["f_lmd"]
    assert score.mean == pytest.approx((1.5 + 3.5) / 2)
    assert score.sd == pytest.approx(statistics.stdev([1.5, 3.5]))


def test_seeds_can_be_chosen(tmp_path):
    write_clips(tmp_path / "ours", 1, [clip(1, 1.0)])
    write_clips(tmp_path / "ours", 2, [clip(1, 9.0)])
    score = row_of(table_of(tmp_path, "ours", seeds=[1]), "ours").scores["f_lmd"]
    assert score.mean == 1.0 and math.isnan(score.sd)


def test_best_is_bold_ties_as_printed_and_built_in_rows_do_not_compete(tmp_path):
    write_clips(tmp_path / "ground_truth", 1, [clip(1, 0.0, psnr="inf")])
    write_clips(tmp_path / "copy_reference", 1, [clip(1, 0.5, psnr=30)])
    write_clips(tmp_path / "baseline", 1, [clip(1, 1.231, psnr=20)])
    write_clips(tmp_path / "ours", 1, [clip(1, 1.234, psnr=25)])
    table = table_of(tmp_path, "ground_truth", "copy_reference", "baseline", "ours")
    best = {m: {r.id for r in table.rows if table.is_best(r, m)} for m in ("f_lmd", "psnr")}
    assert best == {"f_lmd": {"baseline", "ours"}, "psnr": {"ours"}}


def test_numbers_that_are_none_nan_or_infinite():
    assert [number(v, 2) for v in (None, math.nan, math.inf, 1.005e3, -1)] == [
        "–", "–", "∞", "1005.00", "-1.00"
    ]  # fmt: skip


def test_clips_without_a_value_are_left_out_and_said(tmp_path):
    write_clips(tmp_path / "ours", 1, [clip(1, ""), clip(2, 3.0, missed=4)])
    table = table_of(tmp_path, "ours")
    assert row_of(table, "ours").scores["f_lmd"].mean == 3.0
    assert any("F-LMD could not be measured on 1 of 2 clips" in note for note in table.notes)
    assert any("no face was found in 4 of 100" in note for note in table.notes)


def test_rows_not_run_stand_where_the_paper_has_them(tmp_path):
    for name in ("ground_truth", "baseline", "plain", "ours"):
        write_clips(tmp_path / name, 1, [clip(1, 1.0)])
    table = table_of(tmp_path, "ground_truth", "baseline", "plain", "ours")
    assert [row.id for row in table.rows] == [
        "ground_truth", "baseline", "evp", "audio2head", "ours_wo_msef", "ours_wo_aatu", "plain",
        "ours",
    ]  # fmt: skip
    assert row_of(table, "evp").shown("psnr") == "not run"
    assert row_of(table, "evp").shown_paper("psnr") == "29.53"
    assert row_of(table, "audio2head").shown_paper("f_lmd") == "–"
    assert row_of(table, "plain").shown_paper("psnr") == "–"


def test_all_forms_hold_the_same_numbers(tmp_path):
    write_clips(tmp_path / "baseline", 1, [clip(1, 1.257, 3.333, 0.6789, 21.987)])
    write_clips(tmp_path / "ours", 1, [clip(1, 1.111, 2.222, 0.7777, "inf")])
    table = table_of(tmp_path, "baseline", "ours", notes=["mini & small"])
    expected = ["1.26", "3.33", "0.679", "21.99", "2.39", "3.38", "0.69", "32.38"]
    markdown = next(line for line in to_markdown(table).splitlines() if "Baseline" in line)
    latex = next(line for line in to_latex(table).splitlines() if line.startswith("Baseline"))
    html = to_html(table).split('<th scope="row">Baseline</th>')[1].split("</tr>")[0]
    for text in (markdown, latex, re.sub("<[^>]*>", " ", html)):
        assert re.findall(r"\d+\.\d+", text) == expected
    assert r"\textbf{$\infty$}" in to_latex(table) and "**∞**" in to_markdown(table)
    assert "<strong>∞</strong>" in to_html(table)
    assert r"mini \& small" in to_latex(table) and "mini &amp; small" in to_html(table)


def test_latex_rows_have_nine_columns_and_braces_close(tmp_path):
    write_clips(tmp_path / "ours", 1, [clip(1, 1.0)])
    latex = to_latex(table_of(tmp_path, "ours", labels=[("ours", "Ours_100% & {x}")]))
    assert r"Ours\_100\% \& \{x\} & " in latex and latex.isascii()
    bare = re.sub(r"\\.", "", latex)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    body = latex.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    for line in body:
        spanned = 3 if "multicolumn" in line else 0
        assert len(re.findall(r"(?<!\\)&", line)) + 1 + spanned == 9


def test_csv_is_full_precision_and_the_same_twice(tmp_path):
    write_clips(tmp_path / "ours", 1, [clip(1, 1 / 3, psnr="inf")])
    first, second = (to_csv(table_of(tmp_path, "ours")) for _ in range(2))
    assert first == second
    row = next(r for r in csv.DictReader(first.splitlines()) if r["method"] == "ours")
    assert row["f_lmd"] == "0.333333" and row["psnr"] == "inf" and row["f_lmd_sd"] == ""
    assert row["paper_psnr"] == "33.320000"


def test_errors_name_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match="'ours': no folder"):
        table_of(tmp_path, "ours")
    (tmp_path / "ours").mkdir()
    with pytest.raises(ValueError, match="no seed<k> folder"):
        table_of(tmp_path, "ours")
    write_clips(tmp_path / "ours", 1, [clip(1, 1.0)])
    write_clips(tmp_path / "baseline", 1, [clip(2, 1.0)])
    with pytest.raises(ValueError, match="not scored on the same clips"):
        table_of(tmp_path, "ours", "baseline")
    with pytest.raises(ValueError, match="more than once"):
        table_of(tmp_path, "ours", "ours")
    with pytest.raises(ValueError, match="--label for typo"):
        table_of(tmp_path, "ours", labels=[("typo", "x")])


def test_clips_are_chosen_by_level_with_speakers_in_turn():
    ids = [f"{s}-front-{e}-{n}-00{k}" for s in ("W901", "W902") for e in ("angry", "sad")
           for n in (1, 3) for k in (1, 2)]  # fmt: skip
    assert clip_per_emotion(ids, ["angry", "happy", "sad"]) == {
        "angry": "W901-front-angry-3-001", "sad": "W901-front-sad-3-001"
    }  # fmt: skip
    assert clip_per_emotion(ids, ["angry", "sad"])["sad"] == "W902-front-sad-3-001"
    # Where there are none of those asked for, all there are.
    assert set(clip_per_emotion(ids, ["happy"])) == {"angry", "sad"}
    assert spread_frames(10, 5) == [1, 3, 5, 7, 9]
