"""Ablations: means, paired differences and verdicts against NumPy; sound; what is missing."""

import csv
import io

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from score_factory import clip_ids, scores_by_hand, write_scores

from emohead.report.ablations import compare, to_csv, to_markdown
from emohead.report.ablations_figure import draw_ablations
from emohead.report.style import save_figure

CLIPS = clip_ids()
LABELS = {
    "landmarks": [("msef", "Audio2Lm + MSEF"), ("plain", "without | MSEF"), ("same", "the same")],
    "translator": [("aatu", "AATU"), ("unet", "U-Net")],
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
    scores, paths, sound = tables
    ablations = compare(paths, sound, LABELS)
    rows = list(csv.DictReader(io.StringIO(to_csv(ablations))))
    assert len(rows) == 2 * (3 * 4 + 2 * 4)
    for row in rows:
        chosen = scores[
            (scores["method"] == row["model"])
            & (scores["reference"] == row["reference"])
            & (scores["metric"] == row["metric"])
            & (scores["convention"] == row["convention"])
        ]
        if chosen.empty:
            assert row["mean"] == "" and row["model"] == "plain"
            continue
        by_seed = chosen.groupby("seed")["value"].mean()
        assert float(row["mean"]) == pytest.approx(by_seed.mean(), abs=2e-6)
        assert float(row["sd"]) == pytest.approx(by_seed.std(ddof=1), abs=2e-6)
        base = scores[
            (scores["method"] == ("msef" if row["stage"] == "landmarks" else "aatu"))
            & (scores["reference"] == row["reference"])
            & (scores["metric"] == row["metric"])
            & (scores["convention"] == row["convention"])
        ]
        if row["difference"]:
            change = by_seed.mean() - base.groupby("seed")["value"].mean().mean()
            assert float(row["difference"]) == pytest.approx(change, abs=2e-6)
            assert float(row["difference_low"]) <= change <= float(row["difference_high"])


def test_verdicts(tables):
    _, paths, sound = tables
    ablations = compare(paths, sound, LABELS)
    first, plain, same = ablations.of("landmarks", "neutral")
    assert [cell.verdict for cell in first.cells] == ["", "", "", ""]
    assert [cell.verdict for cell in plain.cells] == ["worse", "worse", "worse", ""]
    assert [cell.verdict for cell in same.cells] == ["", "", "", ""]
    turned = {**LABELS, "landmarks": [LABELS["landmarks"][1], LABELS["landmarks"][0]]}
    _, better = compare(paths, sound, turned).of("landmarks", "same_emotion")
    assert [cell.verdict for cell in better.cells[:3]] == ["better"] * 3


def test_markdown_says_what_the_sound_tells(tables):
    _, paths, sound = tables
    text = to_markdown(compare(paths, sound, LABELS))
    assert "emotion of 0.500 of the test clips; chance is 0.125" in text
    assert "| AATU |" in text
    assert r"without \| MSEF" in text
    widths = {line.replace(r"\|", "").count("|") for line in text.splitlines() if line[:1] == "|"}
    assert widths == {6}  # four metrics and a name, in every table


def test_a_model_without_scores_is_named(tables):
    _, paths, sound = tables
    labels = {**LABELS, "translator": [("aatu", "AATU"), ("spatial", "spatial gate")]}
    with pytest.raises(ValueError, match=r"translator model 'spatial' has no scores"):
        compare(paths, sound, labels)


def test_figure_has_a_row_for_every_choice(tables, tmp_path):
    _, paths, sound = tables
    figure = draw_ablations(compare(paths, sound, LABELS))
    shown = [
        [tick.get_text() for tick in panel.get_yticklabels()]
        for part in figure.subfigs
        for panel in part.axes[:1]
    ]
    texts = [[text for _, text in LABELS[stage]] for stage in LABELS for _ in range(2)]
    assert shown == texts
    save_figure(figure, [tmp_path / "ablations.png"])
    assert matplotlib.image.imread(tmp_path / "ablations.png").std() > 0.05
