import base64
import re
import subprocess
import sys
from pathlib import Path

import pytest

from emohead.report.methods import Method
from emohead.report.page import per_emotion_table, write_page

CLIPS = ("W901-front-happy-3-001", "W901-front-sad-3-001")


@pytest.fixture
def inputs(tmp_path):
    evaluations, videos = [], []
    for method_id, error in (("ground_truth", 0), ("baseline", 3), ("ours", 1)):
        folder = tmp_path / "evaluation" / method_id / "seed1"
        folder.mkdir(parents=True)
        header = "clip_id,emotion,frames,faces_missed,f_lmd,m_lmd,ssim,psnr\n"
        rows = [f"{c},{c.split('-')[2]},9,0,1,{error + i},0.5,20\n" for i, c in enumerate(CLIPS)]
        (folder / "clips.csv").write_text(header + "".join(rows))
        shown = tmp_path / "videos" / method_id
        shown.mkdir(parents=True)
        for clip_id in CLIPS:
            (shown / f"{clip_id}.mp4").write_bytes(f"{method_id} {clip_id}".encode())
        evaluations.append(Method(method_id, method_id.upper(), folder.parent))
        videos.append(Method(method_id, method_id.upper(), shown))
    for name in ("landmarks.png", "frames.png", "training.png"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "table1.html").write_text("<table id=marker></table>")
    return {
        "notes": ["mini & small"], "table1": tmp_path / "table1.html",
        "evaluations": evaluations, "seeds": None, "videos": videos,
        "landmarks_figure": tmp_path / "landmarks.png", "frames_figure": tmp_path / "frames.png",
        "training_figure": tmp_path / "training.png", "config": "seed: 1 # <b> & more\n",
    }  # fmt: skip


@pytest.fixture
def page(tmp_path, inputs):
    write_page(tmp_path / "index.html", **inputs)
    return (tmp_path / "index.html").read_text()


def test_page_asks_nobody(page):
    assert not re.search(r"https?://|(?:src|href)=\"(?!data:|#|data\.html)|url\(|@import", page)


def test_page_holds_every_video_and_only_the_truth_is_heard(page):
    tags = re.findall(r"<video[^>]*>", page)
    assert len(tags) == 3 * len(CLIPS)
    held = [base64.b64decode(re.search(r"base64,([^\"]*)", tag)[1]).decode() for tag in tags]
    assert held == [f"{m} {c}" for c in CLIPS for m in ("ground_truth", "baseline", "ours")]
    for tag, video in zip(tags, held, strict=True):
        assert (" muted" in tag) != video.startswith("ground_truth")
    assert page.count('<button type="button"') == page.count('type="range"') == len(CLIPS)


def test_page_escapes_texts_but_not_the_table(page):
    assert "mini &amp; small" in page
    assert "seed: 1 # &lt;b&gt; &amp; more" in page and "<table id=marker>" in page


def test_per_emotion_numbers_and_heat(inputs):
    table = per_emotion_table(inputs["evaluations"], None)
    assert table.emotions == ("happy", "sad")
    numbers = {label: [(c.shown, c.heat) for c in cells] for label, cells in table.rows}
    assert numbers == {
        "BASELINE": [("3.00", 0.667), ("4.00", 1.0)], "OURS": [("1.00", 0.0), ("2.00", 0.333)]
    }  # fmt: skip


def test_page_names_missing_files(tmp_path, inputs):
    (inputs["videos"][1].path / f"{CLIPS[0]}.mp4").unlink()
    with pytest.raises(ValueError, match="'baseline': no video"):
        write_page(tmp_path / "out.html", **inputs)
    inputs["frames_figure"].unlink()
    with pytest.raises(ValueError, match=r"frames\.png, which is not there"):
        write_page(tmp_path / "out.html", **inputs)
    assert not (tmp_path / "out.html").exists()


def test_report_imports_no_torch():
    root = Path(__file__).parent.parent / "workflow_scripts"
    scripts = ["report_table1", "report_landmarks", "report_frames", "report_training",
               "report_page"]  # fmt: skip
    code = f"import sys; import {', '.join(scripts)}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
