"""The catalogue of metrics."""

import subprocess
import sys
from pathlib import Path

import pytest

from emohead import cli
from emohead.evaluation.catalogue import HEADLINE, METRICS, metric

ROOT = Path(__file__).parent.parent


def test_the_command_lists_every_metric(capsys):
    assert cli.main(["metrics"]) == 0
    listed = capsys.readouterr().out.splitlines()
    heads = [line for line in listed if not line.startswith(" ")]
    assert [head.split(": ")[0] for head in heads] == [f"{m.name}, {m.convention}" for m in METRICS]
    for m, head in zip(METRICS, heads, strict=True):
        assert ("lower is better" in head, "higher is better" in head) == (
            m.lower_is_better is True, m.lower_is_better is False
        )  # fmt: skip
        assert f"  {m.formula}" in listed


def test_names_are_unique_and_the_headline_is_among_them():
    names = [(m.name, m.convention) for m in METRICS]
    assert len(set(names)) == len(names)
    assert {*HEADLINE.items()} <= {*names}
    assert {name: metric(name, way).lower_is_better for name, way in HEADLINE.items()} == {
        "f_lmd": True, "m_lmd": True, "ssim": False, "psnr": False
    }  # fmt: skip


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match=r"'psnr' by convention 'nose'.*frame, face, mouth"):
        metric("psnr", "nose")
    with pytest.raises(ValueError, match="no such metric"):
        metric("beauty", "nose")


def test_the_report_reads_it_without_anything_heavy():
    code = (
        "import sys, emohead.evaluation.catalogue; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'dlib', 'cv2', 'numpy')))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT / "workflow_scripts").returncode == 0
    )
