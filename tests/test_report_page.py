import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from score_factory import random_scores, write_scores

from emohead.media.writing import write_video
from emohead.provenance import Provenance
from emohead.report.methods import Method
from emohead.report.pictures import FACE_LINES
from emohead.report.results_page import UNITS_PER_PIXEL, write_page

CLIPS = ("W901-front-happy-3-001", "W901-front-sad-3-001")
REFERENCES = ("same_emotion", "neutral")
LABELS = {"ground_truth": "Ground truth", "baseline": "Baseline", "ours": "Ours", "evp": "E <VP>"}
RUNS = [("ground_truth", "same_emotion"), ("evp", "same_emotion")] + [
    (method, reference) for reference in REFERENCES for method in ("baseline", "ours")
]
CROP, FRAMES = 16, 3


def landmarks_of(method: str, clip_id: str) -> np.ndarray:
    if method == "evp":
        return np.full((FRAMES, 68, 2), np.nan, np.float32)
    rng = np.random.default_rng(len(method) + len(clip_id))
    return rng.uniform(-3, CROP + 3, (FRAMES, 68, 2)).astype(np.float32)


def write_run(folder: Path, method: str, reference: str) -> Path:
    """A run's videos and landmarks, of its speaker; of the second clip, evp has no video."""
    run = folder / method / reference
    clip_ids = CLIPS[:1] if method == "evp" else CLIPS
    for clip_id in clip_ids:
        write_video(
            run / f"W901/videos/{clip_id}.mp4",
            np.zeros((FRAMES, CROP, CROP, 3), np.uint8),
            comment=f"{method} {reference} {clip_id}",
        )
    landmarks = {f"{clip_id}/predicted": landmarks_of(method, clip_id) for clip_id in clip_ids}
    np.savez(run / "W901/landmarks.npz", **landmarks)
    return run


def write_basis(path: Path, used: int) -> Path:
    """A landmark model's basis.csv."""
    rows = [(6, 0.74, 0.9), (16, 0.353, 0.4), (32, 0.198, 0.251)]
    table = pd.DataFrame(rows, columns=["components", "face", "mouth"])
    table.assign(used=table["components"] == used).to_csv(path, index=False)
    return path


def methods_of(runs) -> list[Method]:
    """The rows, from the folders of runs by method and reference."""
    return [
        Method(name, label, runs={ref: folder for (of, ref), folder in runs.items() if of == name})
        for name, label in LABELS.items()
    ]


def write_provenance(folder: Path, **made: Provenance) -> dict[str, Path]:
    """Each model's provenance.json."""
    for name, each in made.items():
        (folder / f"{name}.json").write_text(each.to_json())
    return {name: folder / f"{name}.json" for name in made}


@pytest.fixture
def inputs(tmp_path):
    runs = {run: write_run(tmp_path / "methods", *run) for run in RUNS}
    scores = random_scores(list(LABELS), references=REFERENCES, seeds=[0], clips=CLIPS)
    (tmp_path / "claims.html").write_text("<table id=claim-rows></table>")
    (tmp_path / "table1.html").write_text("<table id=table></table>")
    (tmp_path / "published.html").write_text("<table id=published-rows></table>")
    picture = np.full((8, 20, 3), 200, np.uint8)
    for name in ("landmarks", "frames", "emotions", "training"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    (tmp_path / "clips.csv").write_text("clip_id\nW901-front-happy-3-001\n")
    (tmp_path / "split.csv").write_text(
        "clip_id,part,start,stop\n" + "".join(f"{clip_id},test,0,3\n" for clip_id in CLIPS)
    )
    (tmp_path / "benchmarks").mkdir()
    return {
        "claims": tmp_path / "claims.html", "table1": tmp_path / "table1.html",
        "published": tmp_path / "published.html",
        "scores": write_scores(tmp_path / "evaluation", scores), "methods": methods_of(runs),
        "figures": {reference: {name: tmp_path / f"{name}.png"
                                for name in ("landmarks", "frames", "emotions")}
                    for reference in REFERENCES},
        "training_figure": tmp_path / "training.png",
        "bases": {name: write_basis(tmp_path / f"{name}.csv", used)
                  for name, used in (("at_net", 16), ("audio2lm", 32), ("plain", 32))},
        "clips": tmp_path / "clips.csv",
        "split": tmp_path / "split.csv",
        "data_page": Path("results/report/data.html"),
        "provenance": write_provenance(
            tmp_path,
            aatu=Provenance("3.11.2", "2.15.0", "2 x H100 <SXM>", "bf16-mixed", "c0ffee", 7200),
            unet=Provenance("3.11.2", "2.15.0", "2 x H100 <SXM>", "bf16-mixed", "c0ffee", 3600),
            at_net=Provenance("3.11.2", "2.15.0", "EPYC", "32-true", "unknown", 30),
        ),
        "benchmarks": tmp_path / "benchmarks", "config": "seed: 1 # <b> & more\n",
        "notes": ["mini & small"], "missing": ["LPIPS: not computed, because <no weights>"],
    }  # fmt: skip


@pytest.fixture
def page(tmp_path, inputs):
    write_page(tmp_path / "index.html", **inputs)
    return (tmp_path / "index.html").read_text()


def test_results_say_what_made_them(page, inputs):
    """And not what made the page; those that were made alike together."""
    data = inputs["clips"].read_bytes() + inputs["split"].read_bytes()
    assert hashlib.sha256(data).hexdigest() in page
    table = re.search(r'aria-label="Made by.*?<table.*?>(.*?)</table>', page, re.S)[1]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")[2:]]
    assert rows == [
        ["aatu, unet", "2 x H100 &lt;SXM&gt;", "bf16-mixed", "3.0 h", "2.15.0", "3.11.2", "c0ffee"],
        ["at_net", "EPYC", "32-true", "30 s", "2.15.0", "3.11.2", "unknown"],
    ]


def test_bases_stand_there_once_with_the_trained_size_marked(page):
    tables = dict(re.findall(r"leaves \((.*?)\)</h3>.*?<table.*?>(.*?)</table>", page, re.S))
    assert list(tables) == ["at_net", "audio2lm, plain"]
    rows = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        for row in tables["audio2lm, plain"].split("<tr>")[1:]
    ]
    assert rows == [
        ["Components", "face", "mouth"],
        ["6", "0.74", "0.90"],
        ["16", "0.35", "0.40"],
        ["32", "<strong>0.20</strong>", "<strong>0.25</strong>"],
    ]


def screens_of(page: str) -> dict[tuple[str, str, str], str]:
    """The player's figures by emotion, reference (empty: any) and method."""
    figures = re.findall(
        r'<figure data-method="(\w+)" data-emotion="(\w+)"(?: data-reference="(\w+)")?>'
        r"(.*?)</figure>",
        page,
        re.S,
    )
    return {(emotion, reference, method): html for method, emotion, reference, html in figures}


def medium(html: str, name: str) -> bytes:
    """What a video's attribute holds."""
    return base64.b64decode(re.search(rf'{name}="(?:data:video/mp4;base64,)?([^"]*)"', html)[1])


def test_page_asks_nobody(page):
    outside = r"https?://|(?:src|href)=\"(?!data:|#|data\.html)|url\(|@import|fetch\("
    assert not re.search(outside, page)


def test_every_picked_thing_is_there(page):
    titles = re.findall(r'class="clip-name".*?>(.*?)</p>', page)
    assert [title.split("(")[1].rstrip(")") for title in titles] == list(CLIPS)
    picked = {
        name: set(re.findall(rf'value="([^"]*)" data-choice="{name}"', page))
        for name in ("emotion", "reference", "metric")
    }
    assert picked["emotion"] == {"happy", "sad"} and picked["reference"] == set(REFERENCES)
    tables = re.findall(r'data-reference="(\w+)" data-metric="([^"]*)"', page)
    assert set(tables) == {(r, m) for r in REFERENCES for m in picked["metric"]}
    assert {"F-LMD", "PSNR", "Emotion accuracy, landmarks"} < picked["metric"]
    boxes = re.findall(r'<input type="checkbox" value="([^"]*)" checked>', page)
    assert boxes == list(LABELS)


def test_player_holds_every_video_and_says_what_is_missing(page):
    screens = screens_of(page)
    assert len(screens) == 2 * (1 + 3 * 2)
    for (emotion, reference, method), html in screens.items():
        if method == "evp" and (reference, emotion) != ("same_emotion", "happy"):
            kind = reference.replace("_", "-")
            why = f"was not run with a {kind} reference face."
            assert ("has no video of this clip." if kind == "same-emotion" else why) in html
            continue
        clip_id = CLIPS[("happy", "sad").index(emotion)]
        expected = f"{method} {reference or 'same_emotion'} {clip_id}".encode()
        assert expected in medium(html, "src")


def test_overlay_gives_the_shards_landmarks_back(page):
    assert page.count(f'data-frames="{FRAMES}"') == len(CLIPS)
    for (emotion, _, method), html in screens_of(page).items():
        if method == "evp":
            assert "data-landmarks" not in html and "<svg" not in html
            continue
        points = np.frombuffer(medium(html, "data-landmarks"), "<i2").reshape(FRAMES, 68, 2)
        truth = landmarks_of(method, CLIPS[("happy", "sad").index(emotion)])
        left, top, width, height = map(float, re.search(r'viewBox="(.*?)"', html)[1].split())
        assert width == height
        # The picture's edge is half a pixel beyond the centre of its first one.
        placed = (points - (left, top)) / width * CROP - 0.5
        assert np.abs(placed - truth).max() <= 0.5 / UNITS_PER_PIXEL + 1e-6


def test_face_lines_join_all_points():
    lines = [line for _, line in FACE_LINES]
    assert {point for line in lines for point in line} == set(range(68))
    closed = [line for line in lines if line[0] == line[-1]]
    assert [len(set(line)) for line in closed] == [6, 6, 12, 8]  # eyes, outer and inner lips


def test_texts_are_escaped_but_not_the_tables(page):
    assert "mini &amp; small" in page and "because &lt;no weights&gt;" in page
    assert "seed: 1 # &lt;b&gt; &amp; more" in page
    assert "E <VP>" not in page and "E &lt;VP&gt;" in page
    names = ("claim-rows", "table", "published-rows")
    places = [page.index(f"<table id={name}>") for name in names]
    assert places == sorted(places)


def test_every_control_has_a_name_and_every_link_a_target(page):
    class Checker(HTMLParser):
        def __init__(self):
            super().__init__()
            self.ids, self.links, self.nameless, self.labels = [], [], [], 0

        def handle_starttag(self, tag, attributes):
            known = dict(attributes)
            self.ids += [known["id"]] if "id" in known else []
            self.links += [known["href"]] if tag == "a" else []
            self.labels += tag == "label"
            in_label = self.labels > 0
            if tag in ("button", "input") and not in_label and "aria-label" not in known:
                self.nameless.append((tag, known))
            if tag == "img":
                assert known["alt"] and known["width"] == "20" and known["height"] == "8"

        def handle_endtag(self, tag):
            self.labels -= tag == "label"

    checker = Checker()
    checker.feed(page)
    assert not checker.nameless
    assert {link[1:] for link in checker.links if link[0] == "#"} <= set(checker.ids)
    assert len(checker.ids) == len(set(checker.ids))


def test_page_names_a_run_that_is_none(tmp_path, inputs):
    truth, *_ = inputs["methods"]
    ours = Method("ours", "Ours", runs={"neutral": tmp_path / "nowhere"})
    with pytest.raises(ValueError, match=r"no shown clips below .*nowhere"):
        write_page(tmp_path / "out.html", **inputs | {"methods": [truth, ours]})
    assert not (tmp_path / "out.html").exists()


def test_report_imports_no_torch():
    root = Path(__file__).parent.parent / "workflow_scripts"
    scripts = sorted(path.stem for path in root.glob("report_*.py"))
    code = f"import sys; import {', '.join(scripts)}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_table_2_is_a_section_once_there_are_answers(inputs, tmp_path):
    write_page(tmp_path / "without.html", **inputs)
    text = (tmp_path / "without.html").read_text()
    assert "table-2" not in text
    (tmp_path / "table2.html").write_text("<table id=second></table>")
    write_page(tmp_path / "with.html", **inputs, study=tmp_path / "table2.html")
    text = (tmp_path / "with.html").read_text()
    assert text.index('id="table-1"') < text.index("<table id=second>") < text.index('id="videos"')
    assert '<a href="#table-2">' in text
