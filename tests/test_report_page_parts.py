import base64

import cv2
import numpy as np
import pandas as pd
import pytest
from score_factory import scores_by_hand, write_scores

from emohead.evaluation.summary import read_scores
from emohead.provenance import Provenance, read_provenance
from emohead.report.page_parts import embed_figure
from emohead.report.results_page import encode_landmarks, made_alike, per_emotion, run_times
from emohead.run_times import read_run_times

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
CLIPS = ["W901-front-happy-3-001", "W901-front-sad-3-001"]
LABELS = {"ground_truth": "Truth", "baseline": "Baseline", "ours": "Ours"}


def benchmark(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{s}\t0:00:00\t{rss}\t1\t1\t1\t0\t0\t50\t{cpu}\n" for s, rss, cpu in rows]
    path.write_text(HEADER + "".join(lines))


def test_run_times_by_rule(tmp_path):
    benchmark(tmp_path / "train" / "a-seed0.tsv", (3600, 100, 1800))
    benchmark(tmp_path / "train" / "b" / "seed0.tsv", (1800, 300.4, 600))
    benchmark(tmp_path / "split.tsv", (9, "NA", "NA"), (2700, "-", "-"))
    benchmark(tmp_path / "killed.tsv")
    times = read_run_times(tmp_path)
    assert list(times["rule"]) == ["train", "split"]
    assert times.iloc[0, 1:].tolist() == [5400, 2, 3600, 2400, 300.4]
    assert times["seconds"].iloc[1] == 2700 and np.isnan(times["peak_memory"].iloc[1])
    assert run_times(times).cells.to_numpy().tolist() == [
        ["train", "1.5 h", "2", "1.0 h", "40.0 min", "300 MiB"],
        ["split", "45.0 min", "1", "45.0 min", "0 s", "–"],
    ]
    assert run_times(read_run_times(tmp_path / "nowhere")).cells.empty


def test_results_that_were_made_alike_are_told_together():
    made = {
        "a": Provenance("3.11.2", "2.15.0", "EPYC", "32-true", "c0ffee", 60),
        "b": Provenance("3.11.2", "2.15.0", "EPYC", "bf16-mixed", "c0ffee", 5),
        "c": Provenance("3.11.2", "2.15.0", "EPYC", "32-true", "c0ffee", 90),
        "d": Provenance("3.11.2", None, "EPYC", "32-true", "c0ffee", 1),
    }
    groups = made_alike(made.items()).cells.to_numpy().tolist()
    assert [(names, seconds) for names, _, _, seconds, *_ in groups] == [
        ("a, c", "2.5 min"), ("b", "5 s"), ("d", "1 s")
    ]  # fmt: skip
    assert groups[0][1:] == ["EPYC", "32-true", "2.5 min", "2.15.0", "3.11.2", "c0ffee"]
    assert groups[2][4] == "–"


@pytest.mark.parametrize("text", ["no JSON", '{"device": "EPYC"}', "[]"])
def test_a_file_that_is_no_provenance_is_named(tmp_path, text):
    (tmp_path / "provenance.json").write_text(text)
    with pytest.raises(ValueError, match=r"provenance\.json: no provenance"):
        read_provenance(tmp_path / "provenance.json")


def test_landmarks_are_whole_numbers_of_sixteenths():
    points = np.array([[[0.0, -1.5], [127.03, 2047.9], [5000, -5000]]])
    units = np.frombuffer(base64.b64decode(encode_landmarks(points)), "<i2")
    # Beyond what fits, the farthest that does.
    assert units.tolist() == [0, -24, 2032, 32766, 32767, -32768]
    points[0, 1, 0] = np.nan
    assert encode_landmarks(points) == ""


def test_figures_keep_their_pixels_and_say_their_size(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "noise.png"), noise)
    drawn, photo = (
        embed_figure((tmp_path / "noise.png").read_bytes(), photos=each) for each in (False, True)
    )
    assert (drawn.width, drawn.height) == (40, 30)
    pictures = [
        cv2.imdecode(np.frombuffer(base64_bytes(each.source), np.uint8), cv2.IMREAD_COLOR)
        for each in (drawn, photo)
    ]
    np.testing.assert_array_equal(pictures[0], noise)
    assert pictures[1].shape == noise.shape and (pictures[1] != noise).any()


def base64_bytes(uri):
    head, _, text = uri.partition(",")
    assert head == "data:image/webp;base64"
    return base64.b64decode(text)


@pytest.fixture
def scores(tmp_path):
    m_lmd, count = ("m_lmd", "redetected/centred/128"), "count"

    def run(method, values, seed=0, frames=10, missed=0, clips=CLIPS):
        known = {
            m_lmd: values[: len(clips)],
            ("frames", count): [frames] * len(clips),
            ("faces_missed", count): [missed] * len(clips),
        }
        return scores_by_hand(method, known, seed=seed, clips=clips)

    rows = [
        run("ground_truth", [0, 0]),
        run("baseline", [5, 3], clips=CLIPS[:1]),
        run("ours", [1, 2], missed=1),
        run("ours", [2, 4], seed=1),
    ]
    return read_scores(write_scores(tmp_path, pd.concat(rows)))


def test_numbers_by_emotion_and_their_heat(scores):
    (table,) = per_emotion(scores, LABELS)
    assert (table.reference, table.metric) == ("same_emotion", "M-LMD")
    assert list(table.cells) == ["Method", "happy", "sad", "all"]
    assert table.cells.to_numpy().tolist() == [
        ["Truth", "0.00", "0.00", "0.00"],
        ["Baseline", "5.00", "–", "5.00"],
        ["Ours", "1.50", "3.00", "2.25"],
    ]
    # Best 1.5, worst 5; the truth competes with nobody.
    expected = [[np.nan] * 3, [1, np.nan, 1], [0, 1.5 / 3.5, 0.75 / 3.5]]
    np.testing.assert_allclose(table.heat[["happy", "sad", "all"]], expected)
    assert "--heat: 0.429" in table.to_html()
