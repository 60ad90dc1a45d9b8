import csv
import io
import math
import re
import shutil
import statistics
import subprocess

import pandas as pd
import pytest
from pyarrow import parquet
from score_factory import (
    COLUMNS,
    SCALES,
    clip_ids,
    random_scores,
    scores_by_hand,
    write_scores,
)

from emohead.evaluation import scores as tables
from emohead.evaluation.catalogue import METRICS, THEVAL
from emohead.evaluation.shown import clip_per_emotion, of_emotions
from emohead.methods.video_notes import Note, write_notes
from emohead.report.methods import spread_frames
from emohead.report.published import GROUPS
from emohead.report.published_forms import published_groups, theval_group
from emohead.report.published_forms import to_markdown as published_markdown
from emohead.report.scores import (
    label_methods,
    of_reference,
    read_scores,
    references_of,
    score_by,
)
from emohead.report.table1 import build_table1, number
from emohead.report.table1_forms import to_csv, to_html, to_latex, to_markdown, write_table1

F_LMD = ("f_lmd", "redetected/centred/128")
M_LMD = ("m_lmd", "redetected/centred/128")
SSIM, PSNR = ("ssim", "frame"), ("psnr", "frame")
LEGACY = ("psnr_legacy", "grey_wrapped")
PREDICTED = {f"{name}_predicted": (name, "predicted/centred/128") for name in ("f_lmd", "m_lmd")}


def run(method, f_lmd, *, seed=0, reference="same_emotion", missed=(), **others):
    """Rows of a run with these F-LMD per clip, and headline figures that don't matter."""
    clips = len(f_lmd)
    values = {
        F_LMD: f_lmd,
        M_LMD: others.get("m_lmd", [2.0] * clips),
        SSIM: others.get("ssim", [0.7] * clips),
        PSNR: others.get("psnr", [20.0] * clips),
        LEGACY: others.get("psnr_legacy", [30.0] * clips),
        ("frames", "count"): [50] * clips,
        ("faces_missed", "count"): missed or [0] * clips,
    }
    return scores_by_hand(method, values, seed=seed, reference=reference)


def read(tmp_path, *runs):
    paths = [path for i, each in enumerate(runs) for path in write_scores(tmp_path / str(i), each)]
    return read_scores(paths)


def table_of(tmp_path, *runs, labels=(), notes=(), given=None):
    return build_table1(read(tmp_path, *runs), labels, notes, given=given)


def row_of(table, row_id: str, protocol: int = 0):
    return next(row for row in table.protocols[protocol].rows if row.id == row_id)


def test_the_factory_knows_the_catalogue():
    known = {(each.name, each.convention) for each in METRICS}
    assert known - set(SCALES) == {("emotion_accuracy", "sound")}  # in the ablations alone
    assert set(SCALES) <= known


def test_mean_over_clips_then_seeds_and_deviation(tmp_path):
    table = table_of(tmp_path, run("ours", [1.0, 2.0], seed=1), run("ours", [2.5, 4.5], seed=2))
    score = row_of(table, "ours").scores["f_lmd"]
    assert score.mean == pytest.approx((1.5 + 3.5) / 2)
    assert score.sd == pytest.approx(statistics.stdev([1.5, 3.5]))
    assert score.low < score.mean < score.high


def test_table_1_recomputed_from_the_files(tmp_path):
    """Every number of table1.csv is a mean of the files' rows, by Python's own arithmetic."""
    paths = write_scores(
        tmp_path, random_scores(seeds=(0, 1), clips=clip_ids(("W901",)), networks=False)
    )
    out = {form: tmp_path / f"table1.{form}" for form in ("csv", "md", "tex", "html")}
    write_table1(paths, labels=[], notes=[], given={}, **out)
    values = {}
    for path in paths:
        for row in parquet.read_table(path).to_pylist():
            key = (row["method"], row["reference"], row["metric"], row["convention"])
            values.setdefault(key, {}).setdefault(row["seed"], []).append(row["value"])
    shown = 0
    for row in csv.DictReader(out["csv"].open(encoding="utf-8")):
        if row["seeds"] == "0":
            continue
        of_truth = row["method"] == "ground_truth"
        reference = "same_emotion" if of_truth else row["reference"]
        columns = {key[0]: key for key in (F_LMD, M_LMD, SSIM, PSNR, LEGACY)} | PREDICTED
        for column, key in columns.items():
            of_run = values.get((row["method"], reference, *key))
            if of_run is None:
                assert column in PREDICTED and row[column] == ""
                continue
            by_seed = of_run.values()
            mean = statistics.fmean(statistics.fmean(clips) for clips in by_seed)
            assert float(row[column]) == pytest.approx(mean, abs=2e-6)
            assert float(row[f"{column}_low"]) <= mean + 2e-6
            assert float(row[f"{column}_high"]) >= mean - 2e-6
            shown += 1
    assert shown == 7 * 2 * 5 + 5 * 2 * 2
    # The fragment is right in any encoding: a browser that opens it alone isn't told of one.
    assert "&#8734;" in out["html"].read_bytes().decode("ascii")
    truth = next(csv.DictReader(out["csv"].open()))
    assert [truth[each] for each in ("f_lmd", "m_lmd", "ssim", "psnr")] == [
        "0.000000", "0.000000", "1.000000", "inf"
    ]  # fmt: skip


def test_protocols_stand_apart_and_the_ground_truth_serves_both(tmp_path):
    table = table_of(
        tmp_path,
        run("ground_truth", [0.0]),
        run("ours", [1.0]),
        run("ours", [3.0], reference="neutral"),
        run("evp", [2.0]),
    )
    assert [each.reference for each in table.protocols] == ["same_emotion", "neutral"]
    assert row_of(table, "ours").scores["f_lmd"].mean == 1.0
    assert row_of(table, "ours", 1).scores["f_lmd"].mean == 3.0
    assert [row.id for row in table.protocols[1].rows] == ["ground_truth", "ours"]
    rows = list(csv.DictReader(to_csv(table).splitlines()))
    ours = [row for row in rows if row["method"] == "ours"]
    assert [(row["reference"], row["paper_psnr"]) for row in ours] == [
        ("same_emotion", "33.320000"), ("neutral", "")
    ]  # fmt: skip
    first, second = to_markdown(table).split("### Neutral reference face")
    assert "33.32" in first and "33.32" not in second and "not run" not in second


def test_best_is_bold_ties_as_printed_and_built_in_rows_do_not_compete(tmp_path):
    table = table_of(
        tmp_path,
        run("ground_truth", [0.0], psnr=[math.inf]),
        run("copy_reference", [0.5], psnr=[30]),
        run("baseline", [1.231], psnr=[20]),
        run("ours", [1.234], psnr=[25]),
    )
    protocol = table.protocols[0]
    best = {m: {r.id for r in protocol.rows if protocol.is_best(r, m)} for m in ("f_lmd", "psnr")}
    assert best == {"f_lmd": {"baseline", "ours"}, "psnr": {"ours"}}


def test_both_readings_of_the_papers_row_have_its_figures(tmp_path):
    readings = ("ours_wo_msef", "ours_wo_msef_joint")
    table = table_of(tmp_path, *(run(name, [1.0]) for name in readings))
    for name in readings:
        shown = [row_of(table, name).shown_paper(each) for each in ("f_lmd", "m_lmd", "psnr")]
        assert shown == ["2.38", "3.06", "33.30"]
    # A row that wasn't run is not there twice.
    alone = table_of(tmp_path / "alone", run("ours", [1.0]))
    labels = [row.label for row in alone.protocols[0].rows]
    assert labels.count("Ours w/o MSEF") == 1 and len(labels) == 6


def test_predicted_landmarks_have_columns_of_their_own(tmp_path):
    """Of somebody else's videos there are none, which needs no note."""
    ours = run("ours", [1.0, 2.0])
    predicted = scores_by_hand("ours", {PREDICTED["f_lmd_predicted"]: [0.5, 0.7]})
    table = table_of(tmp_path, ours, predicted, run("evp", [3.0, 4.0]))
    assert row_of(table, "ours").shown("f_lmd_predicted") == "0.60"
    assert row_of(table, "evp").shown("f_lmd_predicted") == "–"
    assert table.protocols[0].notes == ()


def test_only_methods_that_are_given_the_same_compete(tmp_path):
    one, video = "one, own, voice, seen", "video, other, voice, seen"
    table = table_of(
        tmp_path,
        run("ground_truth", [0.0]),
        run("baseline", [1.3], psnr=[20]),
        run("evp", [1.1], psnr=[30]),
        run("ours", [1.2], psnr=[25]),
        given={"ground_truth": one, "baseline": one, "evp": video, "ours": one},
    )
    protocol = table.protocols[0]
    best = {r.id for r in protocol.rows if protocol.is_best(r, "f_lmd")}
    assert best == {"ours"}  # evp is alone with what it sees
    unknown = dict.fromkeys(("evp", "ours"), "not stated")
    protocol = table_of(
        tmp_path / "unknown", run("evp", [1.1]), run("ours", [1.2]), given=unknown
    ).protocols[0]
    assert not any(protocol.is_best(row, "f_lmd") for row in protocol.rows)
    for form in (to_markdown, to_html, to_latex, to_csv):
        (line,) = [text for text in re.split("</tr>|\n(?=[^<])", form(table)) if video in text]
        assert "1.1" in line
        assert form(table).count(one) == 2  # the ground truth is no method


def gates_file(folder, name: str, swapped: bool):
    rows = [
        ("swapped", 4.0 if swapped else 8.0, 6.0, swapped), ("emotion", 0.5, 0.75, False),
        ("content", 0.25, 0.4, True), ("partner", 0.9, 0.2, True),
    ]  # fmt: skip
    folder.mkdir(exist_ok=True)
    path = folder / name
    pd.DataFrame(rows, columns=["name", "found", "bar", "passed"]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("passed", [True, False])
def test_a_disentangler_that_is_none_says_so_in_its_row(tmp_path, passed):
    paths = write_scores(tmp_path / "scores", pd.concat([run("evp", [1.0]), run("ours", [1.0])]))
    out = {form: tmp_path / f"table1.{form}" for form in ("csv", "md", "tex", "html")}
    labels = [("evp", "EVP (reimplemented)"), ("ours", "Ours")]
    gates = [("evp", gates_file(tmp_path, "0", True)), ("evp", gates_file(tmp_path, "1", passed))]
    write_table1(paths, labels=labels, notes=[], given={}, gates=gates, **out)
    text = out["md"].read_text()
    assert ("| EVP (reimplemented) (swap gate failed) |" in text) is not passed
    assert "| Ours |" in text
    (note,) = [line for line in text.splitlines() if "held back" in line]
    found = "4.00" if passed else "6.00"
    assert f"swapped windows are {found} from the true ones, the aligned takes 6.00" in note
    assert f"({'passed' if passed else 'failed'} by {1 + passed} of 2 seeds)" in note
    assert "50% of the clips' emotions, MFCC statistics 75% (failed by 0 of 2 seeds)" in note


def test_numbers_that_are_none_nan_or_infinite():
    assert [number(v, 2) for v in (None, math.nan, math.inf, 1.005e3, -1)] == [
        "–", "–", "∞", "1005.00", "-1.00"
    ]  # fmt: skip


def test_clips_without_a_value_or_a_face_are_said(tmp_path):
    table = table_of(tmp_path, run("ours", [math.nan, 3.0], missed=[0, 4]))
    assert row_of(table, "ours").scores["f_lmd"].mean == 3.0
    notes = table.protocols[0].notes
    assert "Ours: F-LMD could not be measured on 1 of 2 clips, which its mean leaves out." in notes
    assert "Ours: no face was found in 4 of 100 rendered frames." in notes
    assert len(notes) == 2


def test_a_method_that_lacks_clips_is_named_with_them(tmp_path):
    few = run("evp", [1.0] * 6)
    few = few[~few["clip_id"].isin(clip_ids()[:5])]
    table = table_of(tmp_path, run("ours", [1.0] * 6), few, labels=[("evp", "EVP"), ("x", "X")])
    clips = clip_ids()
    assert table.protocols[0].notes == (
        "EVP is scored on 1 of 6 clips, so that its means can't be held against the others'; it "
        f"lacks {clips[0]}, {clips[1]}, {clips[2]} and 2 more.",
    )
    assert row_of(table, "evp").clips == 1
    assert "X: none of its clips could be scored." in table.notes


def test_clips_that_all_rows_have_are_a_table_of_their_own(tmp_path):
    """Its means, by hand: one row lacks the first clips, another the last one."""
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    few, fewer = run("evp", values), run("eat", values)
    few = few[~few["clip_id"].isin(clip_ids()[:3])]
    fewer = fewer[~fewer["clip_id"].isin(clip_ids()[5:6])]
    table = table_of(tmp_path, run("ours", values), few, fewer)
    whole, common = table.protocols
    assert (whole.over, common.over, common.has_paper) == ("all", "common", False)
    assert {row.id: row.scores["f_lmd"].mean for row in common.rows} == {
        "ours": 12.0, "evp": 12.0, "eat": 12.0,
    }  # fmt: skip
    assert {row.clips for row in common.rows} == {2} and common.notes == ()
    assert row_of(table, "ours").scores["f_lmd"].mean == 10.5
    for form in (to_markdown, to_html, to_latex):
        assert "the 2 clips that all rows have" in form(table)
    over = pd.read_csv(io.StringIO(to_csv(table))).groupby("method")["over"].agg(list)
    assert over["evp"] == ["all", "common"]


@pytest.mark.parametrize("kept", [slice(0, 6), slice(3, 6)])
def test_without_clips_to_leave_out_or_to_share_there_is_one_table(tmp_path, kept):
    """All have all six clips; or one has the first three and one the others."""
    one, other = run("ours", [1.0] * 6), run("evp", [1.0] * 6)
    clips = clip_ids()[:6]
    others = [clip for clip in clips if kept == slice(0, 6) or clip not in clips[kept]]
    table = table_of(
        tmp_path, one[one["clip_id"].isin(clips[kept])], other[other["clip_id"].isin(others)]
    )
    assert [protocol.over for protocol in table.protocols] == ["all"]


def test_notes_on_rows_and_on_somebody_elses_videos_stand_under_the_table(tmp_path):
    write_notes(
        [Note(clip, "scored", "", lip_lag=3) for clip in clip_ids()[:4]], tmp_path / "notes.csv"
    )
    forms = {name: tmp_path / f"table.{name}" for name in ("csv", "md", "tex", "html")}
    write_table1(
        write_scores(tmp_path, run("evp", [1.0] * 4)),
        labels=[("evp", "EVP")], notes=["Made up."], given={},
        row_notes=[("evp", "restored by GFPGAN.")], placed=[("evp", tmp_path / "notes.csv")],
        **forms,
    )  # fmt: skip
    text = forms["md"].read_text()
    assert "> EVP: restored by GFPGAN." in text
    assert "> EVP: the lips move 3 frames (0.12 s) later than the true ones" in text


def test_rows_follow_the_labels_and_rows_not_run_the_paper(tmp_path):
    names = ("ground_truth", "baseline", "plain", "ours")
    table = table_of(tmp_path, *(run(name, [1.0]) for name in names))
    assert [row.id for row in table.protocols[0].rows] == [
        "ground_truth", "baseline", "evp", "audio2head", "ours_wo_msef", "ours_wo_aatu", "plain",
        "ours",
    ]  # fmt: skip
    assert row_of(table, "evp").shown("psnr") == "not run"
    assert row_of(table, "evp").shown_paper("psnr") == "29.53"
    assert row_of(table, "audio2head").shown_paper("f_lmd") == "–"
    assert row_of(table, "plain").shown_paper("psnr") == "–"
    scores = read(tmp_path / "again", *(run(name, [1.0]) for name in names))
    assert label_methods(scores, [("ours", "O"), ("baseline", "B")]) == {
        "ground_truth": "Ground truth", "ours": "O", "baseline": "B", "plain": "plain"
    }  # fmt: skip


def test_all_forms_hold_the_same_numbers(tmp_path):
    table = table_of(
        tmp_path,
        run("baseline", [1.257], m_lmd=[3.333], ssim=[0.6789], psnr=[21.987], psnr_legacy=[31.2]),
        run("ours", [1.111], m_lmd=[2.222], ssim=[0.7777], psnr=[math.inf]),
        notes=["mini & small"],
    )
    expected = ["1.26", "3.33", "0.679", "21.99", "31.20", "2.39", "3.38", "0.69", "32.38"]
    markdown = next(line for line in to_markdown(table).splitlines() if "Baseline" in line)
    latex = next(line for line in to_latex(table).splitlines() if line.startswith("Baseline"))
    html = to_html(table).split('<th scope="row">Baseline</th>')[1].split("</tr>")[0]
    for text in (markdown, latex, re.sub("<[^>]*>", " ", html)):
        assert re.findall(r"\d+\.\d+", text) == expected
    assert r"\textbf{$\infty$}" in to_latex(table) and "**∞**" in to_markdown(table)
    assert "<strong>∞</strong>" in to_html(table)
    assert r"mini \& small" in to_latex(table) and "mini &amp; small" in to_html(table)


def test_intervals_are_in_all_forms(tmp_path):
    table = table_of(tmp_path, run("ours", [1.0, 1.2, 1.4, 1.6]))
    # Student's t of four clips, by hand: 1.3 -+ 3.1824 * .2582 / 2.
    for form in (to_markdown, to_latex, to_html):
        assert "[0.89, 1.71]" in form(table)


def test_latex_calls_a_method_by_its_id_where_its_label_has_letters_that_pdflatex_lacks(tmp_path):
    table = table_of(tmp_path, run("ours", [1.0, 2.0]), labels=[("ours", "方")])
    assert "\nours & " in to_latex(table)


def test_latex_rows_are_equally_wide_and_braces_close(tmp_path):
    table = table_of(tmp_path, run("ours", [1.0, 2.0]), labels=[("ours", "Ours_100% & {x}")])
    latex = to_latex(table)
    assert r"Ours\_100\% \& \{x\} & " in latex and latex.isascii()
    bare = re.sub(r"\\.", "", latex)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    body = latex.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 7  # the paper's six rows, and the line of intervals
    for line in body:
        spanned = 6 if "multicolumn" in line else 0
        assert len(re.findall(r"(?<!\\)&", line)) + 1 + spanned == 13


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    scores = read(tmp_path, random_scores(clips=clip_ids(("W901",)), networks=False))
    table = build_table1(scores, [("ours", "Ours: é_^~\\#$ 方 <x>")], ["±↓∞–"])
    (tmp_path / "table1.tex").write_text(to_latex(table), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table1.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    overfull = re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", done.stdout)
    assert not overfull, "the table is wider than the page"


def test_csv_is_full_precision_and_the_same_twice(tmp_path):
    scores = read(tmp_path, run("ours", [1 / 3], psnr=[math.inf]))
    first, second = (to_csv(build_table1(scores)) for _ in range(2))
    assert first == second
    row = next(r for r in csv.DictReader(first.splitlines()) if r["method"] == "ours")
    assert row["f_lmd"] == "0.333333" and row["psnr"] == "inf" and row["f_lmd_sd"] == ""
    assert row["f_lmd_low"] == "" and row["paper_psnr"] == "33.320000"


def test_scores_know_their_emotion_speaker_and_level(tmp_path):
    clips = ["W901-front-sad-1-001", "W902-front-sad-3-002", "W902-front-happy-3-002"]
    rows = scores_by_hand("ours", {F_LMD: [1.0, 2.0, 6.0]}, clips=clips)
    fid = scores_by_hand("ours", {("fid", "inception"): [9.0]}, clips=["all"])
    scores = read(tmp_path, rows, fid)

    def means(group):
        return {k: v.mean for k, v in score_by(scores, group, "ours", *F_LMD).items()}

    assert means("emotion") == {"happy": 6.0, "sad": 1.5}
    assert means("level") == {1: 1.0, 3: 4.0}
    assert means("speaker") == {"W901": 1.0, "W902": 4.0}
    assert references_of(scores) == ["same_emotion"]


def test_errors_name_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match=r"no scores .*nothing\.parquet"):
        read_scores([tmp_path / "nothing.parquet"])
    path = tmp_path / "bad.parquet"
    path.write_text("clip_id,method\nx,y\n")
    with pytest.raises(ValueError, match=r"bad\.parquet: is not a table of scores"):
        read_scores([path])
    row = scores_by_hand("ours", {SSIM: [0.5]}, clips=["W901-front-sad-1-001"])
    row.drop(columns=["reference", "seed"]).to_parquet(path)
    with pytest.raises(
        ValueError, match=r"bad\.parquet: is not a table of scores .no column reference, seed"
    ):
        read_scores([path])
    row.assign(value="many").to_parquet(path)
    with pytest.raises(ValueError, match=r"bad\.parquet: is not a table of scores .*many"):
        read_scores([path])
    row.assign(value=None).astype({"value": float}).to_parquet(path)
    with pytest.raises(ValueError, match=r"bad\.parquet: has empty cells"):
        read_scores([path])
    tables.write_scores(row[:0], path)
    with pytest.raises(ValueError, match="is the test part empty"):
        read_scores([path])
    tables.write_scores(row, path)
    with pytest.raises(ValueError, match="two values for W901-front-sad-1-001, ours"):
        read_scores([path, path])
    with pytest.raises(ValueError, match="reference 'neutral': there are same_emotion"):
        of_reference(read_scores([path]), "neutral")


def test_tables_of_other_clips_and_methods_and_an_empty_one_are_joined(tmp_path):
    ours = scores_by_hand("ours", {SSIM: [0.5]}, clips=["W901-front-sad-1-001"])
    other = scores_by_hand("NA", {SSIM: [0.5]}, clips=["W901-front-angry-1-001"])
    for name, table in (("a", ours), ("b", other), ("c", ours[:0])):
        tables.write_scores(table, tmp_path / f"{name}.parquet")
    scores = read_scores([tmp_path / f"{name}.parquet" for name in "acb"])
    assert list(scores["method"]) == ["ours", "NA"]
    assert list(scores["emotion"]) == ["sad", "angry"] and list(scores["level"]) == [1, 1]
    assert label_methods(scores) == {"ours": "Ours", "NA": "NA"}
    # As strings, full MEAD's rows would take minutes to compare.
    assert all(
        scores[name].dtype == "category" for name in COLUMNS if name not in ("seed", "value")
    )


def test_published_rows_stand_in_groups_with_their_convention(tmp_path):
    scores = read(tmp_path, run("ours", [1.257]), run("ours", [2.5], reference="neutral"))
    text = published_markdown(published_groups(scores, [("ours", "Mine")]))
    groups = dict(part.split("\n", 1) for part in text.split("### ")[1:])
    assert list(groups)[:3] == [
        "The paper", "This run: reference face in the clip's emotion",
        "This run: neutral reference face",
    ]  # fmt: skip
    assert "| Mine | 1.26 |" in groups["This run: reference face in the clip's emotion"]
    assert "| Ours | 2.35 | 3.02 | 0.72 | 33.32 |" in groups["The paper"]
    assert "F-LMD ↓ | M-LMD ↓ | SSIM ↑ | CPBD ↑ | Sync ↑" in groups["DreamTalk"]
    assert "| EAT | 5.54 | 4.79 | 0.53 | 0.15 | 2.16 | 36.4 |" in groups["DreamTalk"]
    assert "| PD-FGC | 5.50 | 4.10 | 0.49 |" in groups["DreamTalk"]
    assert "| PC-AVS | 3.03 | 2.97 | 0.63 | 28.72 | – | – |" in groups["EAMM"]
    assert all(group.convention and group.source for group in GROUPS)
    without = published_groups(None)
    assert len(without) == len(groups) - 2


def test_thevals_metrics_are_held_against_the_true_clips_that_a_method_has(tmp_path):
    """By hand: 1 - |value - true| / |true|, of means over the same clips."""
    true = {(name, "theval"): [2.0, 4.0, 9.0] for name in THEVAL}
    ours = {(name, "theval"): [1.0, 2.0, math.nan] for name in THEVAL}
    ours["silent_lips", "theval"] = [6.0, 4.0, 5.0]
    scores = read(tmp_path, scores_by_hand("ground_truth", true), scores_by_hand("ours", ours))
    group = theval_group(scores, "same_emotion", {"ground_truth": "Truth", "ours": "Ours"})
    truth, mine = group.rows
    assert set(truth.figures.values()) == {"5 (1.00)", "1.000"}
    assert mine.figures["lip_dynamics"] == "1.5 (0.50)"
    assert mine.figures["silent_lips"] == "5 (1.00)"
    assert mine.figures["theval"] == "0.600"
    assert "| Ours | 1.5 (0.50) |" in published_markdown(published_groups(scores))


def test_clips_are_chosen_by_level_with_speakers_in_turn():
    ids = [f"{s}-front-{e}-{n}-00{k}" for s in ("W901", "W902") for e in ("angry", "sad")
           for n in (1, 3) for k in (1, 2)]  # fmt: skip
    assert clip_per_emotion(ids, ["angry", "happy", "sad"]) == {
        "angry": "W901-front-angry-3-001", "sad": "W901-front-sad-3-001"
    }  # fmt: skip
    assert clip_per_emotion(ids, ["angry", "sad"])["sad"] == "W902-front-sad-3-001"
    every = clip_per_emotion(ids, ["angry", "sad"])
    assert of_emotions(every, ["happy", "sad"]) == {"sad": every["sad"]}
    # Where there are none of those asked for, all there are.
    assert of_emotions(every, ["happy"]) == every
    assert spread_frames(10, 5) == [1, 3, 5, 7, 9]
