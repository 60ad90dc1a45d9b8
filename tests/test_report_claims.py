import csv
import html
import math
import re

import numpy as np
import pandas as pd
import pytest
from score_factory import METHODS, clip_ids, random_scores, scores_by_hand, write_scores

from emohead.evaluation.claims import CLAIMS, COLUMNS, overall_verdict, summary
from emohead.evaluation.published import PAPER_LABELS
from emohead.evaluation.statistics import holm, paired_difference
from emohead.evaluation.summary import read_scores
from emohead.report.claims_forms import judge_claims, write_claims
from emohead.report.methods import Method
from emohead.report.tables import to_html, to_markdown

CONVENTIONS = {
    "f_lmd": "redetected/centred/128",
    "m_lmd": "redetected/centred/128",
    "ssim": "frame",
    "psnr": "frame",
}
SPREAD = np.linspace(-1, 1, 16)


def run(method, f_lmd=1.0, m_lmd=1.0, ssim=0.7, psnr=20.0, *, seed=0, spread=0.0, **others):
    """A run of 16 clips around these means; `spread` is another for each method, clip by clip."""
    means = {"f_lmd": f_lmd, "m_lmd": m_lmd, "ssim": ssim, "psnr": psnr}
    values = {
        (name, convention): np.broadcast_to(means[name], 16) + spread * np.cos(40 * SPREAD)
        for name, convention in CONVENTIONS.items()
    }
    extra = others.pop("values", {})
    return scores_by_hand(method, values | extra, seed=seed, **others)


def methods_of(given, labels):
    """The rows of the methods that have a label of their own, or something given."""
    return [
        Method(name, labels.get(name, PAPER_LABELS.get(name, name)), given.get(name, ""))
        for name in dict.fromkeys([*labels, *given])
    ]


def judge(tmp_path, *runs, labels=None, given=None):
    """The findings, a row each, and the tables."""
    paths = [path for i, each in enumerate(runs) for path in write_scores(tmp_path / str(i), each)]
    return judge_claims(read_scores(paths), methods_of(given or {}, labels or {}))


def find(tmp_path, *runs, **known):
    """The findings, a row each, and the notes."""
    findings, tables = judge(tmp_path, *runs, **known)
    return findings, tables.notes


def headline(findings, text, reference="same_emotion", part="headline"):
    same = (findings["claim"] == text) & (findings["reference"] == reference)
    return findings[same & (findings["part"] == part)]


def verdicts(findings, part="headline"):
    """By claim and metric, under the first protocol."""
    here = findings[(findings["part"] == part) & (findings["reference"] == "same_emotion")]
    return {
        claim: dict(zip(group["metric"], group["verdict"], strict=True))
        for claim, group in here.groupby("claim", sort=False)
    }


def test_claims_are_made_among_those_that_are_given_the_same(tmp_path):
    scores = read_scores(write_scores(tmp_path, random_scores(networks=False)))
    given = dict.fromkeys(METHODS, "one, own, voice, seen")
    everyone, _ = judge_claims(scores, methods_of(given, {}))
    pd.testing.assert_frame_equal(everyone, judge_claims(scores, [])[0])
    told, tables = judge_claims(
        scores, methods_of(given | {"baseline": "one, own, label, seen"}, {})
    )
    assert set(told["against_method"]) == set(everyone["against_method"]) - {"baseline"}
    (note,) = (note for note in tables.notes if "label" in note)
    assert "voice" in note and "Baseline" in note


def test_what_the_paper_says_of_evp_is_a_family_of_its_own(tmp_path):
    lips = ("lip_correlation", "redetected")
    runs = [
        each
        for seed in (0, 1, 2)
        for each in (
            run("ours", 1.0, 1.2, 0.8, 21.0, seed=seed, values={lips: np.full(16, 0.5)}),
            run("evp", 1.3, 1.0, spread=0.01, seed=seed,
                values={lips: 0.7 + 0.01 * np.cos(40 * SPREAD)}),
            run("baseline", spread=0.01, seed=seed),
        )
    ]  # fmt: skip
    findings, tables = judge(tmp_path, *runs)
    of_evp = verdicts(findings, "evp")
    assert of_evp == {
        "Ours beats EVP in F-LMD, SSIM and PSNR": dict.fromkeys(("f_lmd", "ssim", "psnr"), "holds"),
        "EVP beats Ours in M-LMD and lip sync": {"m_lmd": "holds", "lip_correlation": "holds"},
    }
    family = findings[findings["part"] == "evp"]
    assert set(family["family"]) == {5}
    np.testing.assert_allclose(family["p_corrected"], holm(family["p"].to_numpy()))
    assert set(headline(findings, "Ours beats Baseline on all four")["family"]) == {4}
    for form in (to_markdown, to_html):
        assert form(tables).count("EVP beats Ours in M-LMD") == 1
    video = {"ours": "one, own, voice, seen", "evp": "video, other, voice, seen"}
    unequal, notes = find(tmp_path / "video", *runs, given=video)
    assert verdicts(unequal, "evp") == of_evp
    assert any("not said among equals" in note for note in notes)


@pytest.fixture(scope="module")
def random_claims(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    return find(folder, random_scores(networks=False))[0]


def test_the_papers_claims_are_all_there_for_both_protocols(random_claims):
    rows = random_claims[random_claims["part"] == "headline"]
    for _, group in rows.groupby("reference"):
        assert list(zip(group["claim"], group["metric"], strict=True)) == [
            ("MSEF lowers F-LMD", "f_lmd"), ("MSEF lowers M-LMD", "m_lmd"),
            ("MSEF alone lowers F-LMD", "f_lmd"), ("MSEF alone lowers M-LMD", "m_lmd"),
            ("AATU raises SSIM", "ssim"), ("AATU raises PSNR", "psnr"),
            *(("Ours beats Baseline on all four", name) for name in CONVENTIONS),
        ]  # fmt: skip
    against = {
        re.match(r"\w+( alone)?", row.claim)[0]: row.against_method
        for row in random_claims.itertuples()
    }
    assert against == {
        "MSEF": "ours_wo_msef", "MSEF alone": "ours_wo_msef_joint", "AATU": "ours_wo_aatu",
        "Ours": "baseline",
    }  # fmt: skip


def test_verdicts_follow_the_direction_of_each_metric(tmp_path):
    runs = [
        each
        for seed in (0, 1, 2)
        for each in (
            run("ours", 0.8, 1.3, 0.8, 19.0, seed=seed),
            *(run(name, spread=0.01, seed=seed)
              for name in ("baseline", "ours_wo_msef", "ours_wo_aatu")),
        )
    ]  # fmt: skip
    findings, _ = find(tmp_path, *runs)
    all_four = {"f_lmd": "holds", "m_lmd": "fails", "ssim": "holds", "psnr": "fails"}
    assert verdicts(findings) == {
        "MSEF lowers F-LMD": {"f_lmd": "holds"},
        "MSEF lowers M-LMD": {"m_lmd": "fails"},
        "AATU raises SSIM": {"ssim": "holds"},
        "AATU raises PSNR": {"psnr": "fails"},
        "Ours beats Baseline on all four": all_four,
    }
    assert overall_verdict(list(all_four.values())) == "fails"
    assert overall_verdict(["holds", "holds"]) == "holds"
    assert summary(list(all_four.values()), "metrics") == "2 of 4 hold, 2 fail."


def test_a_difference_within_the_spread_is_undecided(tmp_path):
    runs = [run("ours", 0.99, seed=k) for k in (0, 1)]
    runs += [run("ours_wo_msef", spread=0.3, seed=k) for k in (0, 1)]
    finding = headline(find(tmp_path, *runs)[0], "MSEF lowers F-LMD").iloc[0]
    assert finding["verdict"] == overall_verdict([finding["verdict"]]) == "undecided"


def test_one_training_decides_nothing_however_great_the_difference(tmp_path):
    runs = [run("ours", 0.1, 0.1, 0.99, 40.0), run("baseline", spread=0.01)]
    findings, _ = find(tmp_path, *runs, run("ours_wo_msef", spread=0.01))
    assert set(findings["verdict"]) == {"not decided by one training"}
    assert overall_verdict(findings["verdict"]) == "not decided by one training"
    finding = headline(findings, "MSEF lowers F-LMD").iloc[0]
    assert finding["high"] < 0  # the interval over clips is there all the same


def test_one_training_of_one_row_is_said_of_that_row_alone(tmp_path):
    """Somebody's videos of the baseline beside three trainings of the others."""
    runs = [run("ours", 0.1, seed=k) for k in (0, 1, 2)]
    runs += [run("ours_wo_msef", spread=0.01, seed=k) for k in (0, 1, 2)]
    findings, tables = judge(tmp_path, *runs, run("baseline", spread=0.01))
    assert headline(findings, "MSEF lowers F-LMD")["verdict"].tolist() == ["holds"]
    (note,) = (note for note in tables.notes if note.startswith("One seed"))
    assert "Baseline" in note and "MSEF" not in note
    about = tables.tables[0].about
    assert about == "1 of 3 hold, 1 undecided, 1 not decided by one training."


def test_intervals_are_of_these_few_speakers_or_of_any(tmp_path):
    rng = np.random.default_rng(0)
    key = ("f_lmd", CONVENTIONS["f_lmd"])
    for count, said in ((2, "of these two speakers, by clips"), (8, "as their unit (8 speakers)")):
        ids = clip_ids([f"W{k:03d}" for k in range(count)])
        of_speakers = np.repeat(rng.normal(size=count), len(ids) // count)
        values = {"ours": 5 + of_speakers, "ours_wo_msef": 5 + rng.normal(size=len(ids))}
        runs = [scores_by_hand(name, {key: each}, clips=ids) for name, each in values.items()]
        findings, notes = find(tmp_path / str(count), *runs)
        finding = headline(findings, "MSEF lowers F-LMD").iloc[0]
        expected = paired_difference(
            *(values[name].round(6)[None] for name in ("ours", "ours_wo_msef")),
            speakers=[clip_id.split("-")[0] for clip_id in ids],
        )
        found = finding[["difference", "low", "high", "p"]].tolist()
        assert found == pytest.approx(list(vars(expected).values())[:4], abs=1e-6)
        assert any(said in note for note in notes)
        assert finding["clips"] == len(ids)


def test_numbers_are_those_of_the_paired_clips_and_seeds(tmp_path):
    rng = np.random.default_rng(4)
    key, runs, f_lmd = ("f_lmd", CONVENTIONS["f_lmd"]), [], {}
    # The other method has a seed and two clips that ours lacks.
    for method, seeds, count in (("ours", (0, 1), 14), ("ours_wo_msef", (0, 1, 2), 16)):
        f_lmd[method] = {seed: rng.uniform(1, 2, count) for seed in seeds}
        for seed, values in f_lmd[method].items():
            runs.append(scores_by_hand(method, {key: values}, seed=seed))
    finding = headline(find(tmp_path, *runs)[0], "MSEF lowers F-LMD").iloc[0]
    ours = np.stack([f_lmd["ours"][seed] for seed in (0, 1)])
    against = np.stack([f_lmd["ours_wo_msef"][seed][:14] for seed in (0, 1)])
    expected = paired_difference(ours.round(6), against.round(6), speakers=["W901"] * 14)
    names = ["difference", "low", "high", "p", "clips", "seeds"]
    assert finding[names].tolist() == list(vars(expected).values())[:6]
    assert (finding["clips"], finding["seeds"]) == (14, 2)
    assert (finding["ours"], finding["against"]) == pytest.approx((ours.mean(), against.mean()))
    assert finding["difference"] == pytest.approx(finding["ours"] - finding["against"])


def test_a_headline_without_values_to_pair_is_undecided_with_a_note(tmp_path):
    scores = random_scores(clips=clip_ids(("W901",)), seeds=(0, 1, 2), networks=False)
    lacking = scores[~((scores["method"] == "ours") & (scores["metric"] == "f_lmd"))]
    findings, notes = find(tmp_path, lacking[lacking["reference"] == "same_emotion"])
    here = findings[(findings["part"] == "headline") & (findings["metric"] == "f_lmd")]
    assert list(here["verdict"]) == ["undecided"] * 3 and here["p"].isna().all()
    assert "f_lmd" not in set(findings.loc[findings["part"] == "other", "metric"])
    *without, of_whom = notes
    assert "this one speaker" in of_whom
    assert [note.split(", F-LMD: ")[0].split(", ")[1] for note in without] == [
        "MSEF lowers F-LMD", "MSEF alone lowers F-LMD", "Ours beats Baseline on all four"
    ]  # fmt: skip


def test_a_claim_on_four_metrics_does_not_hold_by_three(tmp_path):
    """Ours is better by far where it can be measured; no frame of it shows a face."""
    faceless = np.full(16, np.nan)
    runs = [run("ours", faceless, 0.5, 0.9, 30.0, seed=k) for k in (0, 1, 2)]
    runs += [run("baseline", spread=0.01, seed=k) for k in (0, 1, 2)]
    cells = judge(tmp_path, *runs)[1].tables[0].cells
    assert cells["Verdict"].tolist() == ["**undecided**", "undecided", *["holds"] * 3]
    assert cells["Measured by"].iloc[0] == "3 of 4 hold, 1 undecided."


def test_methods_without_a_common_seed_decide_nothing(tmp_path):
    findings, notes = find(tmp_path, run("ours", 0.5), run("baseline", spread=0.01, seed=1))
    assert set(findings["verdict"]) == {"undecided"} and set(findings["seeds"]) == {0}
    assert sum("no clip and seed in common" in note for note in notes) == 4


def test_p_values_are_corrected_over_both_protocols(random_claims):
    rows = random_claims[random_claims["part"] == "headline"]
    assert len(rows) == 20 and set(rows["family"]) == {20}
    np.testing.assert_allclose(rows["p_corrected"], holm(rows["p"].to_numpy()))


def test_other_conventions_are_corrected_in_the_place_of_their_claim(random_claims):
    assert list(random_claims["part"][:20]) == ["headline"] * 20
    other = random_claims[random_claims["part"] == "other"]
    legacy = other[other["metric"] == "psnr_legacy"].iloc[0]
    assert (legacy["claim"], legacy["reference"]) == ("AATU raises PSNR", "same_emotion")
    rest = random_claims[:20]
    same = (rest["claim"] == legacy["claim"]) & (rest["reference"] == legacy["reference"])
    expected = holm(np.array([*rest.loc[~same, "p"], legacy["p"]]))[-1]
    assert legacy["p_corrected"] == pytest.approx(expected)
    lips = other[other["metric"] == "lip_correlation"].iloc[0]
    assert (legacy["family"], lips["family"]) == (20, 21)


def test_every_comparison_exists_in_the_catalogue_and_no_claim_stands_twice():
    keys = [(each.text, each.metric, each.convention) for each in CLAIMS]
    assert len(set(keys)) == len(keys)
    assert all(each.measured.lower_is_better is not None for each in CLAIMS)
    assert {each.metric for each in CLAIMS} == {
        *CONVENTIONS, "psnr_legacy", "lip_correlation", "emotion_accuracy"
    }  # fmt: skip


def test_missing_methods_leave_their_claims_out_with_a_note(tmp_path):
    labels = {"ours_wo_msef": "No M"}
    findings, notes = find(tmp_path, run("ours", 0.5), run("baseline", spread=0.01), labels=labels)
    assert list(verdicts(findings)) == ["Ours beats Baseline on all four"]
    assert "claims on No M and ours_wo_msef_joint and ours_wo_aatu are left out" in notes[0]
    nothing, tables = judge(tmp_path / "nothing", run("baseline"))
    assert nothing.empty and "claims on ours and" in tables.notes[0]
    assert "left out" in to_markdown(tables)


def test_one_seed_and_clips_without_a_value_are_said(tmp_path):
    # One clip is equal to the truth, and dlib finds no face in another, which has no row then.
    values, faceless = np.r_[np.inf, np.full(15, 21.0)], np.r_[np.full(14, 1.0), np.nan, np.nan]
    findings, notes = find(
        tmp_path,
        run("ours", faceless, psnr=values),
        run("ours_wo_aatu", spread=0.01),
        run("ours_wo_msef", spread=0.01),
        run("evp", spread=0.01),
    )
    assert any(note.startswith("One seed:") for note in notes)
    assert any("AATU raises PSNR, PSNR: 1 of 16 clips lack a finite" in note for note in notes)
    assert any("MSEF lowers F-LMD, F-LMD: 2 of 16 clips lack a finite" in note for note in notes)
    assert any("EVP in F-LMD, SSIM and PSNR, F-LMD: 2 of 16 clips" in note for note in notes)
    finding = headline(findings, "AATU raises PSNR").iloc[0]
    assert finding["clips"] == 15 and finding["ours"] == 21
    assert finding["difference"] == pytest.approx(finding["ours"] - finding["against"])


def test_a_row_holds_the_numbers(tmp_path):
    runs = [run("ours", 0.9, seed=k) for k in (0, 1)]
    runs += [run("ours_wo_msef", 1.2, spread=0.02 * (k + 1), seed=k) for k in (0, 1)]
    findings, tables = judge(tmp_path, *runs, labels={"ours": "Mine"})
    found = headline(findings, "MSEF lowers F-LMD").iloc[0]
    cells = tables.tables[0].cells.iloc[0]
    assert cells.tolist() == [
        "MSEF lowers F-LMD", f"**{found['verdict']}**", "F-LMD", "0.90 px\nMine",
        f"{found['against']:.2f} px\nOurs w/o MSEF",
        f"{found['difference']:.3f}\n[{found['low']:.3f}, {found['high']:.3f}]",
        f"{found['p_corrected']:.3f}", "16", "2",
    ]  # fmt: skip


def test_few_clips_have_no_interval(tmp_path):
    one = {("f_lmd", CONVENTIONS["f_lmd"]): [1.0]}
    runs = scores_by_hand("ours", one), scores_by_hand("ours_wo_msef", one)
    cells = judge(tmp_path, *runs)[1].tables[0].cells
    assert cells.iloc[0].tolist()[5:] == ["0.000", "–", "1", "1"]


def test_all_forms_hold_every_finding(tmp_path):
    scores = random_scores(clips=clip_ids(("W901",)), seeds=(0, 1), networks=False)
    paths = write_scores(tmp_path, scores)
    out = {form: tmp_path / f"claims.{form}" for form in ("csv", "md", "html")}
    first = {}
    for _ in range(2):
        write_claims(paths, [Method("ours", "A & <b>")], [*out.values()])
        written = {form: path.read_bytes() for form, path in out.items()}
        assert written == (first or written)
        first = written
    rows = list(csv.DictReader(out["csv"].open(encoding="utf-8")))
    assert list(rows[0]) == COLUMNS
    parts = [row["part"] for row in rows]
    assert parts == ["headline"] * 20 + ["other"] * (len(rows) - 20) and len(rows) > 60
    markdown, page = out["md"].read_text(), html.unescape(out["html"].read_text())
    for row in rows[:20]:
        assert row["claim"] in markdown and row["claim"] in page
        assert float(row["low"]) <= float(row["difference"]) <= float(row["high"])
    # Four tables with their heads; the claim on four metrics has a row of its own, too.
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len(lines) == 4 + 2 + len(rows)
    assert "A &amp; &lt;b&gt;" in out["html"].read_text() and "<b>" not in out["html"].read_text()
    assert "(predicted/raw/128)" in markdown
    assert math.isclose(float(rows[0]["ours"]) - float(rows[0]["against"]),
                        float(rows[0]["difference"]), abs_tol=3e-6)  # fmt: skip
