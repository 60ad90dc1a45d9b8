import csv
import math
import re
import shutil
import statistics
import subprocess

import pandas as pd
import pytest
from pyarrow import parquet
from score_factory import COLUMNS, SCALES, clip_ids, random_scores, scores_by_hand, write_scores

from emohead.evaluation import scores as tables
from emohead.evaluation.catalogue import METRICS, THEVAL
from emohead.evaluation.published import SOURCES
from emohead.evaluation.shown import clip_per_emotion, of_emotions
from emohead.evaluation.summary import of_reference, read_scores, references_of, score_by
from emohead.evaluation.table1 import table1_numbers
from emohead.methods.video_notes import Note, write_notes
from emohead.report.methods import Method, label_methods
from emohead.report.pictures import spread_frames
from emohead.report.published_forms import published_groups, theval_figures
from emohead.report.table1_forms import table1, write_table1
from emohead.report.tables import Tables, number, to_html, to_latex, to_markdown

F_LMD = ("f_lmd", "redetected/centred/128")
M_LMD = ("m_lmd", "redetected/centred/128")
SSIM, PSNR = ("ssim", "frame"), ("psnr", "frame")
LEGACY = ("psnr_legacy", "grey_wrapped")
PREDICTED = {f"{name}_predicted": (name, "predicted/centred/128") for name in ("f_lmd", "m_lmd")}
FORMS = ("csv", "md", "tex", "html")


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


def table_of(tmp_path, *runs, labels=None, notes=(), given=None):
    """The numbers of Table 1, and the tables that readers see."""
    scores = read(tmp_path, *runs)
    numbers = table1_numbers(scores, label_methods(scores, labels or {}), given or {})
    return numbers, table1(scores, numbers, labels or {}, notes)


def row_of(numbers, method: str, protocol: int = 0):
    return numbers[numbers["method"] == method].iloc[protocol]


def best(numbers, name: str) -> set[str]:
    return set(numbers.loc[numbers[f"{name}_best"], "method"])


def test_the_factory_knows_the_catalogue():
    known = {(each.name, each.convention) for each in METRICS}
    assert known - set(SCALES) == {("emotion_accuracy", "sound")}  # in the ablations alone
    assert set(SCALES) <= known


def test_mean_over_clips_then_seeds_and_deviation(tmp_path):
    numbers, _ = table_of(
        tmp_path, run("ours", [1.0, 2.0], seed=1), run("ours", [2.5, 4.5], seed=2)
    )
    row = row_of(numbers, "ours")
    assert row["f_lmd"] == pytest.approx((1.5 + 3.5) / 2)
    assert row["f_lmd_sd"] == pytest.approx(statistics.stdev([1.5, 3.5]))
    assert row["f_lmd_low"] < row["f_lmd"] < row["f_lmd_high"]


def test_table_1_recomputed_from_the_files(tmp_path):
    """Every number of table1.csv is a mean of the files' rows, by Python's own arithmetic."""
    paths = write_scores(
        tmp_path, random_scores(seeds=(0, 1), clips=clip_ids(("W901",)), networks=False)
    )
    out = {form: tmp_path / f"table1.{form}" for form in FORMS}
    write_table1(paths, [], [*out.values()], notes=[])
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
    numbers, shown_tables = table_of(
        tmp_path,
        run("ground_truth", [0.0]),
        run("ours", [1.0]),
        run("ours", [3.0], reference="neutral"),
        run("evp", [2.0]),
    )
    ours = numbers[numbers["method"] == "ours"]
    assert list(zip(ours["reference"], ours["f_lmd"], strict=True)) == [
        ("same_emotion", 1.0), ("neutral", 3.0)
    ]  # fmt: skip
    assert ours["paper_psnr"].tolist()[0] == 33.32 and math.isnan(ours["paper_psnr"].iloc[1])
    second = numbers[numbers["reference"] == "neutral"]
    assert list(second["method"]) == ["ground_truth", "ours"]
    first, second = to_markdown(shown_tables).split("### Neutral reference face")
    assert "33.32" in first and "33.32" not in second and "not run" not in second


def test_best_is_bold_ties_as_printed_and_built_in_rows_do_not_compete(tmp_path):
    numbers, shown_tables = table_of(
        tmp_path,
        run("ground_truth", [0.0], psnr=[math.inf]),
        run("copy_reference", [0.5], psnr=[35]),
        run("baseline", [1.231], psnr=[20]),
        run("ours", [1.234], psnr=[25]),
    )
    assert best(numbers, "f_lmd") == {"baseline", "ours"} and best(numbers, "psnr") == {"ours"}
    assert "**25.00**" in to_markdown(shown_tables) and "**35.00**" not in to_markdown(shown_tables)


def test_both_readings_of_the_papers_row_have_its_figures(tmp_path):
    readings = ("ours_wo_msef", "ours_wo_msef_joint")
    numbers, _ = table_of(tmp_path, *(run(name, [1.0]) for name in readings))
    for name in readings:
        row = row_of(numbers, name)
        assert [row[f"paper_{each}"] for each in ("f_lmd", "m_lmd", "psnr")] == [2.38, 3.06, 33.3]
    # A row that wasn't run is not there twice.
    alone, _ = table_of(tmp_path / "alone", run("ours", [1.0]))
    assert list(alone["label"]).count("Ours w/o MSEF") == 1 and len(alone) == 6


def test_predicted_landmarks_have_columns_of_their_own(tmp_path):
    """Of somebody else's videos there are none, which needs no note."""
    ours = run("ours", [1.0, 2.0])
    predicted = scores_by_hand("ours", {PREDICTED["f_lmd_predicted"]: [0.5, 0.7]})
    numbers, shown_tables = table_of(tmp_path, ours, predicted, run("evp", [3.0, 4.0]))
    assert row_of(numbers, "ours")["f_lmd_predicted"] == pytest.approx(0.6)
    assert math.isnan(row_of(numbers, "evp")["f_lmd_predicted"])
    assert shown_tables.tables[0].notes == []


def test_only_methods_that_are_given_the_same_compete(tmp_path):
    one, video = "one, own, voice, seen", "video, other, voice, seen"
    numbers, shown_tables = table_of(
        tmp_path,
        run("ground_truth", [0.0]),
        run("baseline", [1.3], psnr=[20]),
        run("evp", [1.1], psnr=[30]),
        run("ours", [1.2], psnr=[25]),
        given={"ground_truth": one, "baseline": one, "evp": video, "ours": one},
    )
    assert best(numbers, "f_lmd") == {"ours"}  # evp is alone with what it sees
    unknown = dict.fromkeys(("evp", "ours"), "not stated")
    runs = run("evp", [1.1]), run("ours", [1.2])
    assert not best(table_of(tmp_path / "unknown", *runs, given=unknown)[0], "f_lmd")
    for form in (to_markdown, to_html, to_latex):
        text = form(shown_tables)
        rows = text.split("<tr>") if form is to_html else text.splitlines()
        (line,) = [row for row in rows if video in row]
        assert "1.1" in line
        assert text.count(one) == 2  # the ground truth is no method


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
    gates = [gates_file(tmp_path, "0", True), gates_file(tmp_path, "1", passed)]
    methods = [Method("evp", "EVP (reimplemented)", gates=gates), Method("ours", "Ours")]
    write_table1(paths, methods, [tmp_path / "table1.md"], notes=[])
    text = (tmp_path / "table1.md").read_text()
    assert ("| EVP (reimplemented) (swap gate failed) " in text) is not passed
    assert "| Ours " in text
    (note,) = [line for line in text.splitlines() if "held back" in line]
    found = "4.00" if passed else "6.00"
    assert f"swapped windows are {found} from the true ones, the aligned takes 6.00" in note
    assert f"aligned takes 6.00 (passed by {1 + passed} of 2 seeds)" in note
    assert "50% of the clips' emotions, MFCC statistics 75% (passed by 0 of 2 seeds)" in note
    assert "failed by" not in note  # which would be of how many seeds?


def test_a_motion_field_that_has_not_converged_says_so_in_its_row(tmp_path):
    paths = write_scores(tmp_path / "scores", pd.concat([run("audio2head", [1.0])]))
    rows = [
        ("psnr", 2.5, 1.5, True), ("lips", 0.25, 0.5, False), ("apart", 0.1, 0.05, True),
        ("equivariance", 0.01, 0.15, True),
    ]  # fmt: skip
    gates = tmp_path / "gates.csv"
    pd.DataFrame(rows, columns=["name", "found", "bar", "passed"]).to_csv(gates, index=False)
    methods = [Method("audio2head", "Audio2Head (reimplemented)", gates=[gates])]
    write_table1(paths, methods, [tmp_path / "table1.md"], notes=[])
    text = (tmp_path / "table1.md").read_text()
    assert "| Audio2Head (reimplemented) (not converged) " in text
    (note,) = [line for line in text.splitlines() if "held back" in line]
    assert "2.5 dB over a copy and should have 1.5 (passed)" in note
    assert "correlation is 0.25, and should be 0.50 (failed)" in note


def test_numbers_that_are_nan_or_infinite():
    shown = [number(value, 2) for value in (math.nan, math.inf, -math.inf, 1.005e3, -1)]
    assert shown == ["–", "∞", "-∞", "1005.00", "-1.00"]


def test_clips_without_a_value_or_a_face_are_said(tmp_path):
    numbers, shown_tables = table_of(tmp_path, run("ours", [math.nan, 3.0], missed=[0, 4]))
    assert row_of(numbers, "ours")["f_lmd"] == 3.0
    (lacking, faceless) = shown_tables.tables[0].notes
    assert "F-LMD" in lacking and "1 of 2 clips" in lacking
    assert "4 of 100 rendered frames" in faceless


def test_a_method_that_lacks_clips_is_named_with_them(tmp_path):
    few = run("evp", [1.0] * 6)
    few = few[~few["clip_id"].isin(clip_ids()[:5])]
    numbers, shown_tables = table_of(
        tmp_path, run("ours", [1.0] * 6), few, labels={"evp": "EVP", "x": "X"}
    )
    clips = clip_ids()
    (note,) = shown_tables.tables[0].notes
    assert note.startswith("EVP is scored on 1 of 6 clips")
    assert note.endswith(f"it lacks {clips[0]}, {clips[1]}, {clips[2]} and 2 more.")
    assert row_of(numbers, "evp")["clips"] == 1
    assert "X: none of its clips could be scored." in shown_tables.notes


def test_clips_that_all_rows_have_are_a_table_of_their_own(tmp_path):
    """Its means, by hand: one row lacks the first clips, another the last one."""
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    few, fewer = run("evp", values), run("eat", values)
    few = few[~few["clip_id"].isin(clip_ids()[:3])]
    fewer = fewer[~fewer["clip_id"].isin(clip_ids()[5:6])]
    numbers, shown_tables = table_of(tmp_path, run("ours", values), few, fewer)
    common = numbers[numbers["over"] == "common"].set_index("method")
    assert common["f_lmd"].to_dict() == {"ours": 12.0, "evp": 12.0, "eat": 12.0}
    assert set(common["clips"]) == {2} and shown_tables.tables[1].notes == []
    assert row_of(numbers, "ours")["f_lmd"] == 10.5
    for form in (to_markdown, to_html, to_latex):
        assert "the 2 clips that all rows have" in form(shown_tables)


@pytest.mark.parametrize("kept", [slice(0, 6), slice(3, 6)])
def test_without_clips_to_leave_out_or_to_share_there_is_one_table(tmp_path, kept):
    """All have all six clips; or one has the first three and one the others."""
    one, other = run("ours", [1.0] * 6), run("evp", [1.0] * 6)
    clips = clip_ids()[:6]
    others = [clip for clip in clips if kept == slice(0, 6) or clip not in clips[kept]]
    numbers, _ = table_of(
        tmp_path, one[one["clip_id"].isin(clips[kept])], other[other["clip_id"].isin(others)]
    )
    assert set(numbers["over"]) == {"all"}


def test_notes_on_rows_and_on_somebody_elses_videos_stand_under_the_table(tmp_path):
    notes = tmp_path / "notes.csv"
    write_notes([Note(clip, "scored", "", lip_lag=3) for clip in clip_ids()[:4]], notes)
    method = Method("evp", "EVP", note="restored by GFPGAN.", placed=[notes])
    paths = write_scores(tmp_path, run("evp", [1.0] * 4))
    write_table1(paths, [method], [tmp_path / "table.md"], notes=["Made up."])
    text = (tmp_path / "table.md").read_text()
    assert "> Made up." in text and "> EVP: restored by GFPGAN." in text
    assert "> EVP: the lips move 3 frames (0.12 s) later than the true ones" in text


def test_rows_follow_the_labels_and_rows_not_run_the_paper(tmp_path):
    names = ("ground_truth", "baseline", "plain", "ours")
    numbers, shown_tables = table_of(tmp_path, *(run(name, [1.0]) for name in names))
    assert list(numbers["method"]) == [
        "ground_truth", "baseline", "evp", "audio2head", "ours_wo_msef", "ours_wo_aatu", "plain",
        "ours",
    ]  # fmt: skip
    assert "not run" in shown_tables.tables[0].cells.loc["evp"].tolist()
    assert row_of(numbers, "evp")["paper_psnr"] == 29.53
    assert math.isnan(row_of(numbers, "audio2head")["paper_f_lmd"])
    assert math.isnan(row_of(numbers, "plain")["paper_psnr"])
    scores = read(tmp_path / "again", *(run(name, [1.0]) for name in names))
    assert list(label_methods(scores, {"ours": "O", "baseline": "B"}).items()) == [
        ("ground_truth", "Ground truth"), ("ours", "O"), ("baseline", "B"), ("plain", "plain")
    ]  # fmt: skip


def test_all_forms_hold_the_same_numbers(tmp_path):
    _, shown_tables = table_of(
        tmp_path,
        run("baseline", [1.257], m_lmd=[3.333], ssim=[0.6789], psnr=[21.987], psnr_legacy=[31.2]),
        run("ours", [1.111], m_lmd=[2.222], ssim=[0.7777], psnr=[math.inf]),
        notes=["mini & small"],
    )
    markdown, latex, html = (form(shown_tables) for form in (to_markdown, to_latex, to_html))
    expected = ["1.26", "3.33", "0.679", "21.99", "31.20", "2.39", "3.38", "0.69", "32.38"]
    lines = [
        next(line for line in markdown.splitlines() if line.startswith("| Baseline")),
        next(line for line in latex.splitlines() if line.startswith("Baseline")),
        re.sub("<[^>]*>", " ", html.split(">Baseline</td>")[1].split("</tr>")[0]),
    ]
    for line in lines:
        assert re.findall(r"\d+\.\d+", line) == expected
    assert r"\textbf{$\infty$}" in latex and "**∞**" in markdown and "<strong>∞</strong>" in html
    assert r"mini \& small" in latex and "mini &amp; small" in html


def test_intervals_are_in_all_forms(tmp_path):
    _, shown_tables = table_of(tmp_path, run("ours", [1.0, 1.2, 1.4, 1.6]))
    # Student's t of four clips, by hand: 1.3 -+ 3.1824 * .2582 / 2.
    for form in (to_markdown, to_latex, to_html):
        assert "[0.89, 1.71]" in form(shown_tables)


def test_latex_rows_are_equally_wide_and_braces_close(tmp_path):
    """A row whose label has letters that pdfLaTeX lacks is called by the method's id."""
    labels = {"ours": "Ours_100% & {x}", "plain": "方"}
    _, shown_tables = table_of(
        tmp_path, run("ours", [1.0, 2.0]), run("plain", [1.0, 3.0]), labels=labels
    )
    latex = to_latex(shown_tables)
    assert r"Ours\_100\% \& \{x\} & " in latex and "\nplain & " in latex and latex.isascii()
    bare = re.sub(r"\\.", "", latex)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    body = latex.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 9  # the paper's six rows, another, and two lines of intervals
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {12}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    scores = random_scores(clips=clip_ids(("W901",)), networks=False)
    _, shown_tables = table_of(
        tmp_path, scores, labels={"ours": "Ours: é_^~\\#$ 方 <x>"}, notes=["±↓∞–"]
    )
    (tmp_path / "table1.tex").write_text(to_latex(shown_tables), encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table1.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    overfull = re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", done.stdout)
    assert not overfull, "the table is wider than the page"


def test_csv_is_full_precision_and_the_same_twice(tmp_path):
    paths = write_scores(tmp_path, run("ours", [1 / 3], psnr=[math.inf]))
    files = [tmp_path / "first.csv", tmp_path / "second.csv"]
    for file in files:
        write_table1(paths, [], [file], notes=[])
    assert files[0].read_bytes() == files[1].read_bytes()
    row = next(r for r in csv.DictReader(files[0].open()) if r["method"] == "ours")
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
    path = tmp_path / "scores.parquet"
    row = scores_by_hand("ours", {SSIM: [0.5]}, clips=["W901-front-sad-1-001"])
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
    assert label_methods(scores, {}) == {"ours": "Ours", "NA": "NA"}
    # As strings, full MEAD's rows would take minutes to compare.
    assert all(
        scores[name].dtype == "category" for name in COLUMNS if name not in ("seed", "value")
    )


def published(scores, labels):
    """The groups of published rows by heading, each row's cells as printed."""
    text = to_markdown(Tables("published", published_groups(scores, labels)))
    groups = dict(part.split("\n", 1) for part in text.split("### ")[1:])
    return {
        heading: re.sub(r" +\|", " |", re.sub(r"\| +", "| ", text))
        for heading, text in groups.items()
    }


def test_published_rows_stand_in_groups_with_their_convention(tmp_path):
    scores = read(tmp_path, run("ours", [1.257]), run("ours", [2.5], reference="neutral"))
    groups = published(scores, {"ours": "Mine"})
    assert next(iter(groups)) == "The paper"
    assert "| Ours | 2.35 | 3.02 | 0.72 | 33.32 |" in groups["The paper"]
    assert "F-LMD ↓ | M-LMD ↓ | SSIM ↑ | CPBD ↑ | Sync ↑" in groups["DreamTalk"]
    assert "| EAT | 5.54 | 4.79 | 0.53 | 0.15 | 2.16 | 36.4 |" in groups["DreamTalk"]
    assert "| PD-FGC | 5.50 | 4.10 | 0.49 |" in groups["DreamTalk"]
    assert "| PC-AVS | 3.03 | 2.97 | 0.63 | 28.72 | – | – |" in groups["EAMM"]
    assert (SOURCES != "").all(axis=None)
    assert not any("THEval" in heading for heading in groups)  # without its metrics


def test_thevals_metrics_are_held_against_the_true_clips_that_a_method_has(tmp_path):
    """By hand: 1 - |value - true| / |true|, of means over the same clips."""
    true = {(name, "theval"): [2.0, 4.0, 9.0] for name in THEVAL}
    ours = {(name, "theval"): [1.0, 2.0, math.nan] for name in THEVAL}
    ours["silent_lips", "theval"] = [6.0, 4.0, 5.0]
    scores = read(tmp_path, scores_by_hand("ground_truth", true), scores_by_hand("ours", ours))
    figures = theval_figures(scores, {"ground_truth": "Truth", "ours": "Ours"})
    assert set(figures.loc["Truth"]) == {"5 (1.00)", "1.000"}
    mine = figures.loc["Ours"]
    assert (mine["lip_dynamics"], mine["silent_lips"]) == ("1.5 (0.50)", "5 (1.00)")
    assert mine["theval"] == "0.600"
    (group,) = [text for name, text in published(scores, {}).items() if "THEval" in name]
    assert "| Ours | 1.5 (0.50) |" in group


def test_what_networks_measured_stands_in_a_table_of_its_own(tmp_path):
    """Means by hand over clips, then seeds; FID is of all clips."""
    by_hand = {("lpips", "alex"): [0.1, 0.2, math.nan], ("emotion_accuracy", "emotion_fan"): [1, 0]}
    first = scores_by_hand("ours", by_hand)
    second = scores_by_hand("ours", {("lpips", "alex"): [0.3, 0.3]}).assign(seed=1)
    whole = first.iloc[:1].assign(clip_id="all", metric="fid", convention="inception", value=41.25)
    scores = read(tmp_path, scores_by_hand("copy_reference", by_hand), first, second, whole)
    (group,) = [text for name, text in published(scores, {}).items() if "by networks" in name]
    assert "| Method | FID ↓ | LPIPS ↓ | Emotion accuracy ↑ |" in group
    assert "| Copy reference | – | 0.150 | 0.500 |" in group
    assert "| Ours | 41.250 | 0.225 | 0.500 |" in group
    assert "Sync" not in group  # whose weights nobody gave
    without = read(tmp_path, run("ours", [1.257]))
    assert not any("networks" in heading for heading in published(without, {}))


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
