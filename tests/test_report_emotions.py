import csv
import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from scipy import stats
from score_factory import clip_ids, random_scores, scores_by_hand, write_scores

from emohead.evaluation.summary import read_scores
from emohead.evaluation.table1 import group_scores
from emohead.report.figures import draw_emotions_figure, write_emotions_figure
from emohead.report.methods import label_methods
from emohead.report.style import METHOD_COLOURS

F_LMD = ("f_lmd", "redetected/centred/128")
M_LMD = ("m_lmd", "redetected/centred/128")


def numbers_of(tmp_path, scores, labels=None, reference="same_emotion"):
    rows = read_scores(write_scores(tmp_path, scores))
    return group_scores(rows, label_methods(rows, labels or {}), reference)


def test_means_and_intervals_of_each_emotion(tmp_path):
    clips = clip_ids(emotions=("sad", "happy"))
    values = [1.0, 2.0, 3.0, 5.0, 4.0, 6.0, 8.0, 9.0]  # 901 sad, happy; 902 sad, happy
    rows = numbers_of(tmp_path, scores_by_hand("ours", {F_LMD: values}, clips=clips))
    assert list(rows["name"]) == ["happy", "sad"] and set(rows["group"]) == {"emotion"}
    happy = rows.iloc[0]
    # Of two speakers: each clip against its speaker's mean, 4 and 8.5, with two degrees of freedom.
    half = stats.t.ppf(0.975, 2) * math.sqrt((1 + 1 + 0.25 + 0.25) / 2 / 4)
    assert happy["mean"] == 6.25 and happy["clips"] == 4
    assert (happy["low"], happy["high"]) == pytest.approx((6.25 - half, 6.25 + half))


def test_levels_are_shown_where_there_are_several_without_neutral(tmp_path):
    clips = clip_ids(("W901",), ("neutral", "sad"), levels=(1, 3))
    values = [9.0, 9.0, 1.0, 3.0, 5.0, 9.0]  # neutral 1; sad 1; sad 3
    headline = dict.fromkeys((F_LMD, M_LMD, ("ssim", "frame"), ("psnr", "frame")), values)
    rows = numbers_of(tmp_path, scores_by_hand("ours", headline, clips=clips))
    levels = rows[(rows["group"] == "level") & (rows["metric"] == "m_lmd")]
    assert dict(zip(levels["name"], levels["mean"], strict=True)) == {1: 2.0, 3: 7.0}
    figure = draw_emotions_figure(rows)
    assert len(figure.axes) == 8
    assert [label.get_text() for label in figure.axes[4].get_xticklabels()] == [
        "level 1", "level 3"
    ]  # fmt: skip


def test_the_figure_shows_the_numbers_in_the_methods_colours(tmp_path):
    scores = random_scores(clips=clip_ids(("W901",)), seeds=(0,), networks=False)
    rows = numbers_of(tmp_path, scores, {"ours": "Mine", "baseline": "Base"}, "neutral")
    figure = draw_emotions_figure(rows)
    assert len(figure.axes) == 4
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    # Without a label it is the paper's, or the method's id.
    assert labels == [
        "Copy reference", "Mine", "Base", "Ours w/o MSEF", "ours_wo_msef_joint", "Ours w/o AATU"
    ]  # fmt: skip
    panel = figure.axes[1]
    assert panel.get_title() == "M-LMD ↓ (px)"
    expected = rows[(rows["metric"] == "m_lmd") & (rows["method"] == "ours")]
    dots = np.concatenate(
        [each.get_offsets() for each in panel.collections if len(each.get_offsets()) > 8]
    )
    colours = [to_hex(c).upper() for each in panel.collections for c in each.get_facecolors()]
    ours = np.array(colours[: len(dots)]) == METHOD_COLOURS["ours"].upper()
    assert sorted(dots[ours][:, 1]) == pytest.approx(sorted(expected["mean"]))
    # Dots stay in the column of their emotion, and no two methods on one place.
    assert set(np.round(dots[:, 0])) == set(range(8))
    assert len(np.unique(dots[:, 0].round(6))) == len(dots)


def test_a_method_that_lacks_a_metric_is_in_the_legend_and_counted_by_its_values(tmp_path):
    ours = scores_by_hand("ours", {F_LMD: [1.0, 2.0, 3.0, 4.0], M_LMD: [1.0, math.nan, 3.0, 4.0]})
    faceless = scores_by_hand("evp", {("ssim", "frame"): [0.5] * 4})
    rows = numbers_of(tmp_path, pd.concat([ours, faceless]), {"evp": "EVP", "ours": "Ours"})
    angry = rows[(rows["method"] == "ours") & (rows["name"] == "angry")].set_index("metric")
    assert dict(angry["clips"]) == {"f_lmd": 2, "m_lmd": 1}
    legend = draw_emotions_figure(rows).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["EVP", "Ours"]


def test_files_are_written_and_the_same_twice(tmp_path):
    scores = random_scores(("ours",), clips=clip_ids(("W901",)), seeds=(0,), networks=False)
    paths = write_scores(tmp_path, scores)
    output, numbers = tmp_path / "emotions.png", tmp_path / "emotions.csv"
    write_emotions_figure(paths, [], "neutral", [output, numbers])
    first = output.read_bytes()
    write_emotions_figure(paths, [], "neutral", [output])
    assert output.read_bytes() == first
    rows = list(csv.DictReader(numbers.open()))
    assert len(rows) == 8 * 4 and rows[0]["reference"] == "neutral"


def test_nothing_but_the_ground_truth_is_an_error(tmp_path):
    truth = scores_by_hand("ground_truth", {F_LMD: [0.0]})
    with pytest.raises(ValueError, match="no method but the ground truth"):
        numbers_of(tmp_path, truth)
