"""The workflow from end to end, in the smoke preset."""

import csv
import html
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import av
import pandas as pd
import pytest
import torch
import yaml
from foreign_system import foreign_system

from emohead.evaluation.catalogue import HEADLINE
from emohead.provenance import Provenance
from emohead.training.checkpoint import load_checkpoint

ROOT = Path(__file__).parent.parent
SMOKE = ["--configfile", str(ROOT / "config/smoke.yaml")]
COMPARATORS = ("comparators", "comparators_more")
REFERENCES = ["same_emotion", "neutral"]
REAL_METHODS = [
    "baseline", "ours_wo_msef", "ours_wo_msef_joint", "ours_wo_aatu", "ours", "ours_warp",
]  # fmt: skip

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def folder(snakemake, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("smoke")
    done = snakemake(folder, *SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def scores(folder: Path, run: str) -> list[dict[str, Any]]:
    """The rows of a run's speakers' scores.parquet."""
    found = sorted((folder / f"results/evaluation/{run}").glob("*/scores.parquet"))
    assert [path.parent.name for path in found] == ["W901", "W902"]
    return pd.concat(map(pd.read_parquet, found)).to_dict("records")


def values(rows: list[dict[str, Any]], metric: str, convention: str) -> list[float]:
    return [
        row["value"] for row in rows if (row["metric"], row["convention"]) == (metric, convention)
    ]


def test_report_is_all_there(folder):
    report = folder / "results/report"
    for name in ("table1.csv", "table1.md", "table1.tex", "table1.html", "claims.csv", "claims.md",
                 "claims.html", "published.md", "published.html", "same_emotion/landmarks.png",
                 "same_emotion/landmarks.pdf", "neutral/frames.png", "neutral/emotions.png",
                 "neutral/emotions.csv", "training.png", "index.html", "crops.png",
                 "data.html"):  # fmt: skip
        assert (report / name).stat().st_size > 0
    page = (report / "index.html").read_text()
    assert "hardly been trained" in page
    assert "LPIPS was not computed, because" in page


def test_table_1_can_be_recomputed_from_the_speakers_scores(folder):
    table = list(csv.DictReader((folder / "results/report/table1.csv").open()))
    for reference in REFERENCES:
        rows = {row["method"]: row for row in table if row["reference"] == reference}
        assert {"copy_reference", *REAL_METHODS} <= set(rows)
        for method in ["copy_reference", *REAL_METHODS]:
            clips = scores(folder, f"{method}/{reference}/seed0")
            assert (
                len({row["clip_id"] for row in clips}) == 4
            )  # 2 speakers, 2 emotions, 1 of 3 clips
            assert {(row["method"], row["reference"], row["seed"]) for row in clips} == {
                (method, reference, 0)
            }
            for metric, convention in HEADLINE.items():
                found = values(clips, metric, convention)
                # Hardly trained models render faces that dlib may not find: then, and only then,
                # there are no landmarks to score.
                if found:
                    mean = sum(found) / len(found)
                    assert float(rows[method][metric]) == pytest.approx(mean, abs=2e-6)
                else:
                    assert metric.endswith("lmd") and rows[method][metric] == ""
            missed = values(clips, "faces_missed", "count")
            scored = values(clips, "frames", "count")
            distances = values(clips, "f_lmd", HEADLINE["f_lmd"])
            assert len(distances) == sum(m < f for m, f in zip(missed, scored, strict=True))


def test_the_table_of_all_scores_has_those_of_each_run(folder):
    table = pd.read_parquet(folder / "results/evaluation/scores.parquet")
    first = table.drop_duplicates(["method", "reference", "seed"])
    runs = list(zip(first["method"], first["reference"], first["seed"], strict=True))
    assert runs == [("ground_truth", "same_emotion", 0)] + [
        (method, reference, 0)
        for method in ("copy_reference", *REAL_METHODS)
        for reference in REFERENCES
    ]
    rows = [
        row for method, reference, seed in runs
        for row in scores(folder, f"{method}/{reference}/seed{seed}")
    ]  # fmt: skip
    assert table.to_dict("records") == rows


def test_frames_of_scored_clips_are_gone(folder):
    """All but the videos of the clips that the report shows, one an emotion, or a study."""
    methods = folder / "results/methods"
    assert not list(methods.rglob("frames"))
    videos = list((methods / "ours/neutral/seed0").glob("*/videos/*.mp4"))
    assert sorted(path.stem.split("-")[2] for path in videos) == ["angry", "neutral"]
    # The study is of faces in the clip's own emotion.
    kept = {path.name for path in (methods / "ours/same_emotion/seed0").glob("*/videos/*.mp4")}
    assert kept > {path.name for path in videos}


def test_ground_truth_is_exact_and_models_are_not(folder):
    truth = scores(folder, "ground_truth/same_emotion/seed0")
    exact = {"f_lmd": 0, "m_lmd": 0, "ssim": 1, "psnr": math.inf}
    for metric, convention in HEADLINE.items():
        assert values(truth, metric, convention) == [exact[metric]] * 4
    assert values(truth, "faces_missed", "count") == [0] * 4
    ours = scores(folder, "ours/same_emotion/seed0")
    assert max(values(ours, "ssim", "frame")) < 1
    assert all(5 < value < 60 for value in values(ours, "psnr", "frame"))


def test_the_reference_face_matters_where_the_clip_is_not_neutral(folder):
    same, neutral = (
        {
            (row["clip_id"], row["metric"], row["convention"]): row["value"]
            for row in scores(folder, f"copy_reference/{reference}/seed0")
        }
        for reference in REFERENCES
    )
    assert same.keys() == neutral.keys()
    for key in same:
        if key[1:] == ("psnr", "frame"):
            assert (same[key] == neutral[key]) == ("neutral" in key[0])


def test_methods_that_share_a_part_share_its_training(folder):
    models = sorted(str(p.relative_to(folder)) for p in (folder / "results").rglob("model.pt"))
    assert models == [
        "results/landmarks/at_net/seed0/model.pt",
        "results/landmarks/audio2lm_msef/seed0/model.pt",
        "results/landmarks/audio2lm_plain/seed0/model.pt",
        "results/translator/aatu/seed0/model.pt",
        "results/translator/aatu_warp/seed0/model.pt",
        "results/translator/unet/seed0/model.pt",
    ]
    # What a longer training would go on from.
    assert len(list((folder / "state").glob("*/*-seed0/*/last.ckpt"))) == 6
    for rule in ("features", "render_clips", "score_clips"):
        assert not [path for path in (folder / "state" / rule).rglob("*") if path.is_file()]


def test_videos_have_sound_and_say_that_they_are_synthetic(folder):
    videos = sorted((folder / "results/methods/ours/neutral/seed0").glob("*/videos/*.mp4"))
    assert len(videos) == 2
    with av.open(str(videos[0])) as video:
        assert "Synthetic" in video.metadata["comment"]
        assert video.streams.video[0].average_rate == 25
        seconds = [
            float(s.duration * s.time_base)
            for s in (video.streams.video[0], video.streams.audio[0])
        ]
    assert abs(seconds[0] - seconds[1]) < 0.1


def test_every_model_says_what_made_it(folder):
    page = (folder / "results/report/index.html").read_text()
    for path in (folder / "results").rglob("model.pt"):
        made = json.loads(path.with_name("provenance.json").read_text())
        assert load_checkpoint(path, path.parts[-4]).provenance == Provenance(**made)
        assert (made["precision"], made["torch"]) == (precision_of(path), torch.__version__)
        assert f"{path.parts[-3]}/seed0" in page
        assert made["device"] in html.unescape(page)


def precision_of(model: Path) -> str:
    """What the training's log says."""
    stage, name = model.parts[-4:-2]
    log = model.parents[4] / f"results/logs/train_{stage}/{name}-seed0.log"
    return re.search(r"^training on 1 x CPU, (\S+), ", log.read_text(), re.MULTILINE)[1]


def test_second_call_does_nothing(snakemake, jobs, folder):
    done = snakemake(folder, *SMOKE, "--dry-run")
    assert jobs(done) == {}
    assert "Nothing to be done" in done.stdout + done.stderr


def test_ablations_compare_the_stages(snakemake, folder):
    done = snakemake(folder, "ablations", *SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = list(csv.DictReader((folder / "results/report/ablations.csv").open()))
    means = {
        (r["model"], r["reference"], r["metric"], r["convention"]): r["mean"] for r in rows
    }  # fmt: skip
    # What the model predicts is the same as in the method that it is a part of.
    for reference in REFERENCES:
        ours = scores(folder, f"ours/{reference}/seed0")
        for convention in ("predicted/centred/128", "predicted"):
            metric = "m_lmd" if "/" in convention else "lip_correlation"
            found = values(ours, metric, convention)
            mean = means["audio2lm_msef", reference, metric, convention]
            assert float(mean) == pytest.approx(sum(found) / len(found), abs=2e-6)
    assert float(means["unet", "same_emotion", "psnr", "frame"]) > 5


def test_a_request_makes_a_video(snakemake, folder, tmp_path):
    take = "front/angry/level_3/001.mp4"
    with av.open(str(folder / f"results/data/mini/W901/video/{take}")) as video:
        next(video.decode(video=0)).to_image().save(tmp_path / "face.png")
    sound = folder / "results/data/mini/W901/audio/angry/level_3/001.m4a"
    request = {"audio": str(sound), "face": str(tmp_path / "face.png"), "watermark": True}
    override = {"generate": {"requests": {"hello": request}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(override))
    done = snakemake(folder, "generated", *SMOKE, str(tmp_path / "mine.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    with av.open(str(folder / "results/generated/hello.mp4")) as made, av.open(str(sound)) as heard:
        assert "synthetic" in str(made.metadata).lower()
        seconds = heard.duration / av.time_base
        assert made.streams.video[0].frames == pytest.approx(25 * seconds, abs=2)


def test_a_foreign_system_becomes_a_row_through_its_inputs(snakemake, folder, tmp_path):
    """Its videos under names of their own; `foreign_system` is ten lines."""
    done = snakemake(folder, "export_inputs", *SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    foreign_system(folder / "results/inputs", tmp_path, reference="neutral", name="of_{}_.mp4")
    videos = {"videos": str(tmp_path), "names": "of_{clip_id}_*", "reference": "neutral"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"methods": {"ten": videos}}))
    done = snakemake(folder, "ten", *SMOKE, str(tmp_path / "mine.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = csv.DictReader((folder / "results/evaluation/ten/neutral/seed0/row.csv").open())
    assert 0 < float(row["f_lmd"]) < 10
    notes = pd.read_csv(folder / "results/methods/ten/neutral/seed0/notes.csv")
    assert list(notes["status"]) == ["scored"] * 4


def test_one_landmark_key_reruns_only_what_depends_on_it(snakemake, jobs, folder, tmp_path):
    override = {"landmarks": {"models": {"audio2lm_msef": {"memory": "slots"}}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(override))
    done = snakemake(folder, *SMOKE, str(tmp_path / "mine.yaml"), "--dry-run")
    planned = jobs(done)
    assert planned == {
        "train_landmarks": 1,
        # Three methods, with two references, of two speakers.
        "render_clips": 12,
        "score_clips": 12,
        "collect_scores": 1,
        "report_table1": 1,
        "report_claims": 1,
        "report_published": 1,
        "report_emotions": 2,
        "report_landmarks": 2,
        "report_frames": 2,
        "report_training": 1,
        "report_page": 1,
        "all": 1,
    }


def test_one_ablation_trains_only_what_it_needs(snakemake, jobs, tmp_path):
    done = snakemake(tmp_path, "ours_wo_msef", *SMOKE, "--dry-run")
    planned = jobs(done)
    assert planned["train_landmarks"] == planned["train_translator"] == 1
    # Of two speakers, with both references; and the ground truth's, which nobody renders.
    assert (planned["render_clips"], planned["score_clips"]) == (4, 6)
    assert planned["summarize_run"] == 2
    assert "report_page" not in planned
    output = done.stdout + done.stderr
    assert "landmarks=at_net" in output
    assert "translator=aatu" in output


def test_a_comparator_trains_its_own_models_and_no_other(snakemake, jobs, folder, tmp_path):
    """Alone, and in a finished run without it."""
    evp = dict.fromkeys(
        ("pair_sentences", "train_disentangler", "train_landmarks", "train_translator"), 1
    )
    audio2head = dict.fromkeys(("train_motion_field", "train_motion_audio"), 1)
    presets = [*SMOKE, *(str(ROOT / f"config/{name}.yaml") for name in COMPARATORS)]

    def trained(*arguments: str | Path) -> dict[str, int]:
        planned = jobs(snakemake(*arguments, *presets, "--dry-run"))
        return {k: n for k, n in planned.items() if k.startswith(("train_", "pair_"))}

    assert trained(tmp_path, "evp") == evp
    assert trained(tmp_path, "audio2head") == audio2head
    planned = jobs(snakemake(folder, *presets, "--dry-run"))
    assert trained(folder) == evp | audio2head
    assert planned["try_motion_field"] == 1
    # Three rows each, with two references, of two speakers.
    assert planned["render_clips"] == planned["score_clips"] == 24


def test_same_config_gives_the_same_bytes(snakemake, folder, tmp_path):
    """A speaker's scores, and all that they are made from; by Python itself, not the warm one."""
    table = "results/evaluation/ours/same_emotion/seed0/W901/scores.parquet"
    done = snakemake(tmp_path, table, *SMOKE, python=sys.executable)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("results/clips.csv", "results/split.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    one, other = (pd.read_parquet(f / table) for f in (tmp_path, folder))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    models = list((tmp_path / "results").rglob("model.pt"))
    assert len(models) == 2
    for path in models:
        one, other = (
            load_checkpoint(f / path.relative_to(tmp_path), path.parts[-4]).weights
            for f in (tmp_path, folder)
        )
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    for made in (folder / "results/data/mini").rglob("*.m*"):
        assert (tmp_path / made.relative_to(folder)).read_bytes() == made.read_bytes()
