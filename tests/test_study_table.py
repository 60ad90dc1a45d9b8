"""Table 2: agreement by published answers, known effects in their intervals, all its forms."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from score_factory import scores_by_hand
from study_factory import METHODS, good_answers

from emohead.evaluation.published import TABLE_2
from emohead.evaluation.statistics import holm, paired_difference
from emohead.report.tables import to_html, to_latex, to_markdown
from emohead.study.agreement import icc2, krippendorff_alpha
from emohead.study.answers import read_answers
from emohead.study.key import SCALES, read_key
from emohead.study.ratings import rating_array, tabulate_ratings
from emohead.study.simulate import TOTAL, draw_ratings, expected_rating, simulate_answers
from emohead.study.table2 import ASSOCIATED, build_table2, correlate, mean_rating
from emohead.study.table2_forms import MADE_UP, numbers, tables

# Shrout and Fleiss 1979, table 2: six targets, four judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
N = np.nan
# Krippendorff 2011: four observers, twelve units.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
)
LEVELS = {"baseline": 4.5, "ours": 6.0}


def table_of(study, folder, scores=None, labels=None):
    key = read_key(study / "key.json")
    answers = read_answers(folder, key)
    ratings = tabulate_ratings(answers, key)
    return build_table2(
        ratings, key, answers, scores=scores, labels=labels or {}, draws=999
    ), ratings


def test_icc_is_shrouts_and_fleiss():
    assert icc2(SHROUT_FLEISS) == pytest.approx((0.290, 0.620), abs=5e-4)
    assert np.isnan(icc2(SHROUT_FLEISS[:1])).all()


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_krippendorffs(level, alpha):
    assert krippendorff_alpha(KRIPPENDORFF, level) == pytest.approx(alpha, abs=5e-4)


def test_alpha_of_perfect_and_of_no_agreement():
    assert krippendorff_alpha(np.tile(np.arange(5.0), (3, 1))) == 1
    chance = np.random.default_rng(0).integers(1, 11, (4, 3000)).astype(float)
    assert krippendorff_alpha(chance) == pytest.approx(0, abs=0.03)
    assert np.isnan(krippendorff_alpha(np.ones((3, 4))))


def test_a_made_up_rating_is_expected_where_it_is_found():
    rng = np.random.default_rng(0)
    for level in (2.0, 5.5, 8.7):
        # Each with a rater and a clip of its own, so that all are independent.
        drawn = [draw_ratings({"m": level}, 1, 1, 10, rng)["m"][0, 0] for _ in range(4000)]
        assert np.mean(drawn) == pytest.approx(expected_rating(level, 10), abs=0.12)
    assert pytest.approx(np.sqrt(1 + 0.36 + 0.81 + 0.36 + 2.25)) == TOTAL


def test_known_effects_lie_in_their_intervals():
    """80 small studies; benchmarks/study_coverage.py has 400 of full size."""
    rng = np.random.default_rng(1)
    truth = {method: expected_rating(level, 10) for method, level in LEVELS.items()}
    held = []
    for _ in range(80):
        drawn = draw_ratings(LEVELS, 12, 8, 10, rng)
        for method, ratings in drawn.items():
            mean = mean_rating(ratings, 599)
            assert mean.mean == pytest.approx(ratings.mean())
            held.append(mean.low <= truth[method] <= mean.high)
        found = paired_difference(drawn["ours"], drawn["baseline"], 599)
        held.append(found.low <= truth["ours"] - truth["baseline"] <= found.high)
    assert 0.91 <= np.mean(held) <= 0.99


def test_the_table_is_that_of_the_answers(study, tmp_path):
    answers = good_answers(study, tmp_path / "answers", 8)
    table, ratings = table_of(study, tmp_path / "answers", labels={"ours": "Ours & co."})
    key = read_key(study / "key.json")
    assert (table.raters, table.clips, table.simulated) == (8, 4, False)
    assert [row.id for row in table.rows] == list(METHODS)
    by_hand: dict = {}
    for answer in answers:
        seen = set()
        for trial in answer["trials"]:
            (item,) = [item for item in key.items if item.id == trial["item"]]
            if item.kind == "rated" and item.id not in seen:
                for scale in SCALES:
                    by_hand.setdefault((item.method, scale), []).append(trial[scale])
            seen.add(item.id)
    for row in table.rows:
        assert row.paper == TABLE_2.get(row.id, {})
        for scale, mean in row.means.items():
            assert len(by_hand[row.id, scale]) == 8 * 4
            assert mean.mean == pytest.approx(np.mean(by_hand[row.id, scale]))
            assert mean.low <= mean.mean <= mean.high
    arrays = {m: rating_array(ratings, m, "ee") for m in METHODS}
    (ee,) = [each for each in table.comparisons if each.scale == "ee"]
    assert ee.against == "baseline"
    assert ee.difference == paired_difference(arrays["ours"], arrays["baseline"], 999)
    expected = stats.wilcoxon((arrays["ours"] - arrays["baseline"]).mean(axis=1)).pvalue
    assert ee.p_wilcoxon == pytest.approx(expected)
    p_values = np.array([each.difference.p for each in table.comparisons])
    assert [each.p_holm for each in table.comparisons] == pytest.approx(holm(p_values))
    (agreement,) = [each for each in table.agreements if each.scale == "ee"]
    videos = np.concatenate(list(arrays.values()), axis=1)
    assert agreement.icc_single == pytest.approx(icc2(videos.T)[0])
    assert ratings.groupby("kind").size().to_dict() == {
        "practice": 8 * 3 * 3, "rated": 8 * 16 * 3, "repeat": 8 * 2 * 3, "trap": 8 * 2 * 3
    }  # fmt: skip


def test_every_form_has_every_figure_and_no_form_runs_what_a_label_says(study, tmp_path):
    good_answers(study, tmp_path / "answers", 5)
    label = "<script>|Ours & 100%"
    table, _ = table_of(study, tmp_path / "answers", labels={"ours": label})
    rows = numbers(table).set_index(["part", "scale", "method"]).sort_index()
    assert set(rows.index.levels[0]) == {"mean", "difference", "agreement"}
    mean = rows.loc["mean", "ls", label].squeeze()
    assert mean["value"] == table.rows[-1].means["ls"].mean and mean["paper"] == 5.25
    shown = f"{table.rows[-1].means['ls'].mean:.2f}"
    markdown, html, latex = (form(tables(table)) for form in (to_markdown, to_html, to_latex))
    for text in (markdown, html, latex):
        assert shown in text and "5.25" in text
        assert "Fewer than 24 raters" in text
        assert MADE_UP not in text and MADE_UP.upper() not in text
    assert "<script" not in html and r"\|Ours" in markdown and r"100\%" in latex


def test_made_up_answers_are_called_so_in_red(study, tmp_path):
    simulate_answers(read_key(study / "key.json"), 4, tmp_path / "answers")
    table, ratings = table_of(study, tmp_path / "answers")
    assert table.simulated and ratings["simulated"].all()
    assert f'<p class="made-up" role="note">{MADE_UP}</p>' in to_html(tables(table))
    latex = to_latex(tables(table))
    assert latex.count(r"\textcolor{red}") == latex.count(r"\caption") > 1
    assert MADE_UP.upper() in to_markdown(tables(table))
    assert numbers(table)["simulated"].all()


def test_one_rater_and_many_excluded_ones_are_said(study, tmp_path):
    folder = tmp_path / "answers"
    good_answers(study, folder, 2)
    first = sorted(folder.glob("*.json"))[0]
    first.write_text(json.dumps(json.loads(first.read_text()) | {"hearing": "000"}))
    table, _ = table_of(study, folder)
    assert any("One rater" in note for note in table.notes)
    assert any("More than 30% of the raters" in note for note in table.notes)


def test_ratings_are_held_against_the_metrics(study, tmp_path):
    good_answers(study, tmp_path / "answers", 6)
    key = read_key(study / "key.json")
    _, ratings = table_of(study, tmp_path / "answers")
    rng = np.random.default_rng(0)
    parts, measured = [], {}
    for method in METHODS:
        clips = key.clip_ids
        values = {
            (each.name, each.convention): rng.uniform(size=len(clips))
            for metrics in ASSOCIATED.values()
            for each in metrics
        }
        # M-LMD that falls as the ratings rise, as it should.
        if method in ("baseline", "ours"):
            rated = rating_array(ratings, method, "ls").mean(axis=0)
            values["m_lmd", "redetected/centred/128"] = 20 - rated
            measured[method] = values["psnr", "frame"], rating_array(ratings, method, "vpq").mean(0)
        parts.append(scores_by_hand(method, values, reference="same_emotion", seed=0, clips=clips))
        # Of another training, which nobody has seen.
        other = {name: rng.uniform(size=len(clips)) for name in values}
        parts.append(scores_by_hand(method, other, reference="same_emotion", seed=1, clips=clips))
    scores = pd.concat(parts)
    table, _ = table_of(study, tmp_path / "answers", scores=scores)
    found = {(each.scale, each.metric.name): each for each in table.associations}
    assert set(found) == {
        (scale, each.name) for scale, metrics in ASSOCIATED.items() for each in metrics
    }
    lips = found["ls", "m_lmd"]
    assert lips.over_all.rho == pytest.approx(-1) and lips.within.rho == pytest.approx(-1)
    assert lips.videos == 8
    psnr, rated = (np.concatenate(each) for each in zip(*measured.values(), strict=True))
    assert found["vpq", "psnr"].over_all.rho == pytest.approx(
        stats.spearmanr(psnr, rated).statistic
    )
    centred = [
        np.concatenate([v - v.mean() for v in pair])
        for pair in zip(*measured.values(), strict=True)
    ]
    assert found["vpq", "psnr"].within.rho == pytest.approx(stats.spearmanr(*centred).statistic)


def test_a_correlation_has_an_interval_over_clips():
    rng = np.random.default_rng(0)
    inside = 0
    # Of 60 clips with a true Spearman correlation of 6 / pi asin(r / 2).
    truth = 6 / np.pi * np.arcsin(0.3)
    for _ in range(60):
        clips = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 60).T[:, None, :]
        found = correlate(*clips, draws=400)
        assert found.rho == pytest.approx(stats.spearmanr(*clips[:, 0]).statistic)
        inside += found.low <= truth <= found.high
    assert 50 <= inside <= 60
    for clips in (2, 12):  # too few; no spread
        nothing = correlate(np.zeros((2, clips)), rng.normal(size=(2, clips)))
        assert np.isnan([nothing.rho, nothing.low, nothing.high]).all()
