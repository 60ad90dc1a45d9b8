"""Ablations: means, paired differences and verdicts against NumPy; sound; what is missing."""

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from score_factory import clip_ids, scores_by_hand, write_scores

from emohead.evaluation.ablations import COLUMNS, compare
from emohead.evaluation.summary import read_scores
from emohead.report.ablations_forms import write_ablations
from emohead.report.figures import draw_ablations_figure

CLIPS = clip_ids()
LABELS = {
    "landmarks": {"msef": "Audio2Lm + MSEF", "plain": "without | MSEF", "same": "the same"},
    "translator": {"aatu": "AATU", "unet": "U-Net"},
}
SHIFT = 0.4


@pytest.fixture
def tables(tmp_path):
    """Two seeds of three landmark models and two translators; `plain` is worse by about SHIFT."""
    rng = np.random.default_rng(0)
    effort = rng.uniform(0.5, 1.5, len(CLIPS))
    runs = []
    for seed in (0, 1):
        for reference in ("same_emotion", "neutral"):
            for name in ("msef", "plain", "same"):
                worse = SHIFT if name == "plain" else 0
                noise = rng.normal(0, 0.02, (4, len(CLIPS)))
                values = {
                    ("f_lmd", "predicted/centred/128"): effort + worse + noise[0],
                    ("m_lmd", "predicted/centred/128"): effort + worse + noise[1],
                    ("lip_correlation", "predicted"): 0.9 - worse + noise[2],
                }
                if name != "plain":
                    right = (np.arange(len(CLIPS)) % 4 > 0).astype(float)
                    values["emotion_accuracy", "msef"] = right
                runs.append(
                    scores_by_hand(name, values, reference=reference, seed=seed, clips=CLIPS)
                )
            for name in ("aatu", "unet"):
                values = {
                    (metric, part): 20 + effort + rng.normal(0, 0.5, len(CLIPS))
                    for metric, part in
                    (("ssim", "frame"), ("psnr", "frame"), ("psnr", "face"), ("psnr", "mouth"))
                }  # fmt: skip
                runs.append(
                    scores_by_hand(name, values, reference=reference, seed=seed, clips=CLIPS)
                )
    scores = pd.concat(runs)
    heard = (np.arange(len(CLIPS)) % 2).astype(float)
    sound = scores_by_hand(
        "logistic_regression", {("emotion_accuracy", "sound"): heard}, clips=CLIPS
    )
    paths = [p for p in write_scores(tmp_path, scores) if p.name == "scores.parquet"]
    return scores, paths, write_scores(tmp_path / "sound", sound)[0]


def test_means_and_differences_are_numpys(tables):
    scores, paths, _ = tables
    rows = compare(read_scores(paths), LABELS)
    assert len(rows) == 2 * (3 * 4 + 2 * 4)
    for row in rows.itertuples():

        def by_seed(model, row=row):
            same = [
                scores[name] == getattr(row, name) for name in ("reference", "metric", "convention")
            ]
            chosen = scores[np.logical_and.reduce([scores["method"] == model, *same])]
            return chosen.groupby("seed")["value"].mean()

        ours = by_seed(row.model)
        if ours.empty:
            assert np.isnan(row.mean) and row.model == "plain"
            continue
        assert (row.mean, row.sd) == pytest.approx((ours.mean(), ours.std(ddof=1)), abs=2e-6)
        if not np.isnan(row.difference):
            base = by_seed("msef" if row.stage == "landmarks" else "aatu")
            change = ours.mean() - base.mean()
            assert row.difference == pytest.approx(change, abs=2e-6)
            assert row.difference_low <= change <= row.difference_high


def test_verdicts(tables):
    scores = read_scores(tables[1])

    def verdicts(numbers, model):
        same = (numbers["model"] == model) & (numbers["reference"] == "neutral")
        return list(numbers.loc[same, "verdict"])

    numbers = compare(scores, LABELS)
    assert verdicts(numbers, "msef") == verdicts(numbers, "same") == ["", "", "", ""]
    assert verdicts(numbers, "plain") == ["worse", "worse", "worse", ""]
    turned = {**LABELS, "landmarks": {"plain": "without", "msef": "with"}}
    assert verdicts(compare(scores, turned), "msef")[:3] == ["better"] * 3


def test_written_forms(tables, tmp_path):
    _, paths, sound = tables
    out = [tmp_path / f"ablations.{form}" for form in ("csv", "md", "png")]
    write_ablations(paths, sound, LABELS, out)
    assert list(pd.read_csv(out[0])) == COLUMNS
    text = out[1].read_text()
    assert "emotion of 0.500 of the test clips; chance is 0.125" in text
    assert "| AATU " in text and r"without \| MSEF" in text
    widths = {line.replace(r"\|", "").count("|") for line in text.splitlines() if line[:1] == "|"}
    assert widths == {6}  # four metrics and a name, in every table
    assert matplotlib.image.imread(out[2]).std() > 0.05


def test_chance_is_that_of_the_emotions_that_there_are(tables, tmp_path):
    few = clip_ids(emotions=("angry", "happy"))
    right = {("emotion_accuracy", "sound"): np.arange(len(few)) % 4 == 0}
    sound = scores_by_hand("logistic_regression", right, clips=few)
    out = tmp_path / "ablations.md"
    write_ablations(tables[1], write_scores(tmp_path / "few", sound)[0], LABELS, [out])
    assert "emotion of 0.250 of the test clips; chance is 0.500" in out.read_text()


def test_a_model_without_scores_is_named(tables):
    labels = {**LABELS, "translator": {"aatu": "AATU", "spatial": "spatial gate"}}
    with pytest.raises(ValueError, match=r"translator model 'spatial' has no scores"):
        compare(read_scores(tables[1]), labels)


def test_figure_has_a_row_for_every_choice_of_each_stage_and_reference(tables):
    figure = draw_ablations_figure(compare(read_scores(tables[1]), LABELS))
    shown = [[tick.get_text() for tick in axis.get_yticklabels()] for axis in figure.axes[::4]]
    assert shown == [[*LABELS[stage].values()] for stage in LABELS for _ in range(2)]
