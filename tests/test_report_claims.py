import csv
import html
import math
import re

import numpy as np
import pytest
from score_factory import METHODS, clip_ids, random_scores, scores_by_hand, write_scores

from emohead.evaluation.statistics import holm, paired_difference
from emohead.report.claim_sentence import claim_sentence
from emohead.report.claims import CLAIMS, find_claims, overall_verdict
from emohead.report.claims_forms import summary, to_csv, to_html, to_markdown, write_claims
from emohead.report.scores import read_scores

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


def find(tmp_path, *runs, labels=()):
    paths = [path for i, each in enumerate(runs) for path in write_scores(tmp_path / str(i), each)]
    return find_claims(read_scores(paths), labels)


def test_claims_are_made_among_those_that_are_given_the_same(tmp_path):
    paths = write_scores(tmp_path, random_scores(networks=False))
    given = dict.fromkeys(METHODS, "one, own, voice, seen")
    everyone = find_claims(read_scores(paths), given=given)
    assert everyone.findings == find_claims(read_scores(paths)).findings
    told = find_claims(read_scores(paths), given=given | {"baseline": "one, own, label, seen"})
    against = {each.claim.against for each in everyone.findings}
    assert {each.claim.against for each in told.findings} == against - {"baseline"}
    (note,) = (note for note in told.notes if "label" in note)
    assert "voice" in note and "Baseline" in note


def test_what_the_paper_says_of_evp_is_a_family_of_its_own(tmp_path):
    lips = {("lip_correlation", "redetected"): np.full(16, 0.5)}
    runs = [
        each
        for seed in (0, 1, 2)
        for each in (
            run("ours", 1.0, 1.2, 0.8, 21.0, seed=seed, values=lips),
            run("evp", 1.3, 1.0, spread=0.01, seed=seed, values={
                ("lip_correlation", "redetected"): 0.7 + 0.01 * np.cos(40 * SPREAD)
            }),
            run("baseline", spread=0.01, seed=seed),
        )
    ]  # fmt: skip
    claims = find(tmp_path, *runs)
    of_evp = claims.of("evp", "same_emotion")
    verdicts = {text: {e.claim.metric: e.verdict for e in of_evp[text]} for text in of_evp}
    assert verdicts == {
        "Ours beats EVP in F-LMD, SSIM and PSNR": dict.fromkeys(("f_lmd", "ssim", "psnr"), "holds"),
        "EVP beats Ours in M-LMD and lip sync": {"m_lmd": "holds", "lip_correlation": "holds"},
    }
    findings = [each for group in of_evp.values() for each in group]
    assert {each.family for each in findings} == {5}
    expected = holm(np.array([each.difference.p for each in findings]))
    np.testing.assert_allclose([each.p_corrected for each in findings], expected)
    assert {each.family for each in headline(claims, "Ours beats Baseline on all four")} == {4}
    for form in (to_markdown(claims), to_html(claims)):
        assert form.count("EVP beats Ours in M-LMD and lip sync") == 1
    video = {"ours": "one, own, voice, seen", "evp": "video, other, voice, seen"}
    unequal = find_claims(read_scores(sorted((tmp_path).glob("**/scores.parquet"))), given=video)
    assert set(unequal.of("evp", "same_emotion")) == set(of_evp)
    assert any("not said among equals" in note for note in unequal.notes)


def headline(claims, text, reference="same_emotion"):
    return claims.of("headline", reference)[text]


@pytest.fixture(scope="module")
def random_claims(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scores")
    return find_claims(read_scores(write_scores(folder, random_scores(networks=False))))


def test_the_papers_claims_are_all_there_for_both_protocols(random_claims):
    for reference in ("same_emotion", "neutral"):
        groups = random_claims.of("headline", reference)
        found = {text: [each.claim.metric for each in group] for text, group in groups.items()}
        assert found == {
            "MSEF lowers F-LMD": ["f_lmd"],
            "MSEF lowers M-LMD": ["m_lmd"],
            "MSEF alone lowers F-LMD": ["f_lmd"],
            "MSEF alone lowers M-LMD": ["m_lmd"],
            "AATU raises SSIM": ["ssim"],
            "AATU raises PSNR": ["psnr"],
            "Ours beats Baseline on all four": ["f_lmd", "m_lmd", "ssim", "psnr"],
        }
    against = {
        re.match(r"\w+( alone)?", each.claim.text)[0]: each.claim.against
        for each in random_claims.findings
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
            run("baseline", spread=0.01, seed=seed),
            run("ours_wo_msef", spread=0.01, seed=seed),
            run("ours_wo_aatu", spread=0.01, seed=seed),
        )
    ]
    claims = find(tmp_path, *runs)
    verdicts = {
        text: [each.verdict for each in group]
        for text, group in claims.of("headline", "same_emotion").items()
    }
    assert verdicts == {
        "MSEF lowers F-LMD": ["holds"],
        "MSEF lowers M-LMD": ["fails"],
        "AATU raises SSIM": ["holds"],
        "AATU raises PSNR": ["fails"],
        "Ours beats Baseline on all four": ["holds", "fails", "holds", "fails"],
    }
    on_all_four = headline(claims, "Ours beats Baseline on all four")
    assert overall_verdict(on_all_four) == "fails"
    assert overall_verdict(on_all_four[::2]) == "holds"
    assert summary(on_all_four) == "2 of 4 hold, 2 fail."


def test_a_difference_within_the_spread_is_undecided(tmp_path):
    runs = [run("ours", 0.99, seed=k) for k in (0, 1)]
    runs += [run("ours_wo_msef", spread=0.3, seed=k) for k in (0, 1)]
    claims = find(tmp_path, *runs)
    (finding,) = headline(claims, "MSEF lowers F-LMD")
    assert finding.verdict == "undecided"
    assert "decides nothing" in claim_sentence(finding)
    assert overall_verdict([finding]) == "undecided"


def test_one_training_decides_nothing_however_great_the_difference(tmp_path):
    runs = [run("ours", 0.1, 0.1, 0.99, 40.0), run("baseline", spread=0.01)]
    claims = find(tmp_path, *runs, run("ours_wo_msef", spread=0.01))
    for findings in claims.of("headline", "same_emotion").values():
        assert {each.verdict for each in findings} == {"not decided by one training"}
        assert overall_verdict(findings) == "not decided by one training"
    (finding,) = headline(claims, "MSEF lowers F-LMD")
    assert finding.difference.high < 0  # the interval over clips is there all the same
    sentence = claim_sentence(finding)
    assert f"interval {-finding.difference.high:.3f} to" in sentence
    assert "which one training doesn't decide" in sentence and "p <" not in sentence
    assert 'class="verdict not-decided-by-one-training"' in to_html(claims)


def test_intervals_are_of_these_few_speakers_or_of_any(tmp_path):
    rng = np.random.default_rng(0)
    key = ("f_lmd", CONVENTIONS["f_lmd"])
    for count, said in ((2, "of these two speakers, by clips"), (8, "as their unit (8 speakers)")):
        ids = clip_ids([f"W{k:03d}" for k in range(count)])
        of_speakers = np.repeat(rng.normal(size=count), len(ids) // count)
        values = {"ours": 5 + of_speakers, "ours_wo_msef": 5 + rng.normal(size=len(ids))}
        runs = [scores_by_hand(name, {key: each}, clips=ids) for name, each in values.items()]
        claims = find(tmp_path / str(count), *runs)
        (finding,) = headline(claims, "MSEF lowers F-LMD")
        expected = paired_difference(
            values["ours"].round(6)[None],
            values["ours_wo_msef"].round(6)[None],
            speakers=[clip_id.split("-")[0] for clip_id in ids],
        )
        assert finding.difference.speakers == count
        assert vars(finding.difference) == pytest.approx(vars(expected), abs=1e-6)
        assert any(said in note for note in claims.notes)
        assert f"{len(ids)} clips of {count} speakers" in claim_sentence(finding)


def test_numbers_are_those_of_the_paired_clips_and_seeds(tmp_path):
    rng = np.random.default_rng(4)
    runs, f_lmd = [], {}
    for method in ("ours", "ours_wo_msef"):
        # The other method has a seed and two clips that ours lacks.
        seeds, count = ((0, 1), 14) if method == "ours" else ((0, 1, 2), 16)
        f_lmd[method] = {seed: rng.uniform(1, 2, count) for seed in seeds}
        for seed, values in f_lmd[method].items():
            key = ("f_lmd", CONVENTIONS["f_lmd"])
            runs.append(scores_by_hand(method, {key: values}, seed=seed))
    claims = find(tmp_path, *runs)
    (finding,) = headline(claims, "MSEF lowers F-LMD")
    ours = np.stack([f_lmd["ours"][seed] for seed in (0, 1)])
    against = np.stack([f_lmd["ours_wo_msef"][seed][:14] for seed in (0, 1)])
    expected = paired_difference(ours.round(6), against.round(6), speakers=["W901"] * 14)
    assert finding.difference == expected and (expected.clips, expected.seeds) == (14, 2)
    assert (finding.ours, finding.against) == pytest.approx((ours.mean(), against.mean()))
    assert finding.difference.mean == pytest.approx(finding.ours - finding.against)


def test_a_headline_without_values_to_pair_is_left_out_with_a_note(tmp_path):
    scores = random_scores(clips=clip_ids(("W901",)), seeds=(0, 1), networks=False)
    lacking = scores[~((scores["method"] == "ours") & (scores["metric"] == "f_lmd"))]
    claims = find(tmp_path, lacking[lacking["reference"] == "same_emotion"])
    assert "MSEF lowers F-LMD" not in claims.of("headline", "same_emotion")
    *left_out, of_whom = claims.notes
    assert "this one speaker" in of_whom
    assert [note.split(", F-LMD: ")[0] for note in left_out] == [
        "Reference face in the clip's emotion, MSEF lowers F-LMD",
        "Reference face in the clip's emotion, MSEF alone lowers F-LMD",
        "Reference face in the clip's emotion, Ours beats Baseline on all four",
    ]


def test_p_values_are_corrected_over_both_protocols(random_claims):
    headlines = [each for each in random_claims.findings if each.claim.part == "headline"]
    assert len(headlines) == 20
    expected = holm(np.array([each.difference.p for each in headlines]))
    assert [each.p_corrected for each in headlines] == pytest.approx(expected)
    assert {each.family for each in headlines} == {20}


def test_other_conventions_are_corrected_in_the_place_of_their_claim(random_claims):
    findings = random_claims.findings
    other = [each for each in findings if each.claim.part == "other"]
    assert findings[: len(findings) - len(other)] == tuple(findings[:20])
    legacy = next(each for each in other if each.claim.metric == "psnr_legacy")
    family = [
        each.difference.p
        for each in findings[:20]
        if (each.claim.text, each.claim.metric, each.reference)
        != ("AATU raises PSNR", "psnr", "same_emotion")
    ]
    assert legacy.claim.text == "AATU raises PSNR" and legacy.reference == "same_emotion"
    assert legacy.p_corrected == pytest.approx(holm(np.array([*family, legacy.difference.p]))[-1])
    lips = next(each for each in other if each.claim.metric == "lip_correlation")
    assert (legacy.family, lips.family) == (20, 21)


def test_every_comparison_exists_in_the_catalogue_and_no_claim_stands_twice():
    keys = [(each.text, each.metric, each.convention) for each in CLAIMS]
    assert len(set(keys)) == len(keys)
    assert all(each.measured.lower_is_better is not None for each in CLAIMS)
    assert {each.metric for each in CLAIMS} == {
        *CONVENTIONS, "psnr_legacy", "lip_correlation", "emotion_accuracy"
    }  # fmt: skip


def test_missing_methods_leave_their_claims_out_with_a_note(tmp_path):
    claims = find(
        tmp_path, run("ours", 0.5), run("baseline", spread=0.01), labels=[("ours_wo_msef", "No M")]
    )
    assert list(claims.of("headline", "same_emotion")) == ["Ours beats Baseline on all four"]
    assert claims.notes[0] == (
        "Reference face in the clip's emotion: claims on No M and ours_wo_msef_joint and "
        "ours_wo_aatu are left out, having no scores."
    )
    nothing = find(tmp_path / "nothing", run("baseline"))
    assert nothing.findings == () and "claims on ours and" in nothing.notes[0]
    assert to_csv(nothing).count("\n") == 1 and "left out" in to_markdown(nothing)


def test_one_seed_and_clips_without_a_value_are_said(tmp_path):
    values = np.r_[np.inf, np.full(15, 21.0)]
    claims = find(
        tmp_path, run("ours", psnr=values), run("ours_wo_aatu", spread=0.01), run("baseline")
    )
    assert any(note.startswith("One seed:") for note in claims.notes)
    assert (
        "Reference face in the clip's emotion, AATU raises PSNR, PSNR: 1 of 16 clips lack a finite "
        "value and are left out." in claims.notes
    )
    (finding,) = headline(claims, "AATU raises PSNR")
    assert finding.difference.clips == 15 and finding.ours == 21
    assert finding.difference.mean == pytest.approx(finding.ours - finding.against)


def test_the_sentence_holds_the_numbers(tmp_path):
    runs = [run("ours", 0.9, seed=k) for k in (0, 1)]
    runs += [run("ours_wo_msef", 1.2, spread=0.02 * (k + 1), seed=k) for k in (0, 1)]
    (finding,) = headline(find(tmp_path, *runs, labels=[("ours", "Mine")]), "MSEF lowers F-LMD")
    result = finding.difference
    assert claim_sentence(finding) == (
        f"F-LMD: 0.90 px for Mine, {finding.against:.2f} px for Ours w/o MSEF. Mine is "
        f"{-result.mean:.3f} px lower (95 % interval {-result.high:.3f} to {-result.low:.3f} "
        f"lower), {'as claimed' if finding.verdict == 'holds' else 'which decides nothing'}. "
        "16 clips of 1 speaker, 2 seeds; "
        f"p = {finding.p_corrected:.3f} after correction for 2 claims."
    )


def test_few_clips_have_a_sentence_without_an_interval(tmp_path):
    one = {("f_lmd", CONVENTIONS["f_lmd"]): [1.0]}
    claims = find(tmp_path, scores_by_hand("ours", one), scores_by_hand("ours_wo_msef", one))
    (finding,) = headline(claims, "MSEF lowers F-LMD")
    assert "Too few clips (1)" in claim_sentence(finding)
    assert "Too few clips (1)" in to_html(claims) and "| – |" not in to_markdown(claims)


def test_all_forms_hold_every_finding(tmp_path):
    scores = random_scores(clips=clip_ids(("W901",)), seeds=(0, 1), networks=False)
    paths = write_scores(tmp_path, scores)
    out = {form: tmp_path / f"claims.{form}" for form in ("csv", "md", "html")}
    write_claims(paths, labels=[("ours", "A & <b>")], given={}, **out)
    first = {form: path.read_bytes() for form, path in out.items()}
    write_claims(paths, labels=[("ours", "A & <b>")], given={}, **out)
    assert first == {form: path.read_bytes() for form, path in out.items()}
    rows = list(csv.DictReader(out["csv"].open(encoding="utf-8")))
    assert list(rows[0]) == [
        "reference", "claim", "metric", "convention", "ours", "against", "seeds", "clips",
        "difference", "low", "high", "p", "p_corrected", "verdict", "sentence", "part",
        "against_method",
    ]  # fmt: skip
    parts = [row["part"] for row in rows]
    assert parts == ["headline"] * 20 + ["other"] * (len(rows) - 20) and len(rows) > 60
    markdown, page = out["md"].read_text(), out["html"].read_text()
    for row in rows[:20]:
        assert row["sentence"] in markdown
        assert row["sentence"] in html.unescape(page)
        assert float(row["low"]) <= float(row["difference"]) <= float(row["high"])
    assert "A &amp; &lt;b&gt;" in page and "<b>" not in page
    # One badge a finding, and one more for the claim on all four of each protocol.
    assert len(re.findall(r'class="verdict (holds|fails|undecided)"', page)) == len(rows) + 2
    assert "MSEF lowers F-LMD" in markdown and "(predicted/raw/128)" in markdown
    assert math.isclose(float(rows[0]["ours"]) - float(rows[0]["against"]),
                        float(rows[0]["difference"]), abs_tol=3e-6)  # fmt: skip
    assert set(METHODS) > {row["against_method"] for row in rows}
