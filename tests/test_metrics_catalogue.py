"""docs/metrics.md and the catalogue say the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from emohead.evaluation.catalogue import HEADLINE, METRICS, metric

ROOT = Path(__file__).parent.parent
BETTER = {True: "lower", False: "higher", None: "–"}


def documented_rows():
    lines = (ROOT / "docs" / "metrics.md").read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    return [row for row in cells if row[0].startswith("`") and row[1].startswith("`")]


def test_the_document_has_every_metric_as_the_catalogue_has_it():
    expected = [
        [f"`{m.name}`", f"`{m.convention}`", m.heading, m.formula, m.unit,
         BETTER[m.lower_is_better], m.used_by]
        for m in METRICS
    ]  # fmt: skip
    assert documented_rows() == expected


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
