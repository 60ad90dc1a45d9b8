"""The workflow from end to end, in the smoke preset."""

import csv
import math
from pathlib import Path

import av
import pytest
import yaml

ROOT = Path(__file__).parent.parent
SMOKE = ["--configfile", str(ROOT / "config/smoke.yaml")]
REAL_METHODS = ["baseline", "ours_wo_msef", "ours_wo_aatu", "ours"]

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def folder(snakemake, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("smoke")
    done = snakemake(folder, *SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_report_is_all_there(folder):
    report = folder / "results/report"
    for name in ("table1.csv", "table1.md", "table1.tex", "table1.html", "landmarks.png",
                 "landmarks.pdf", "frames.png", "training.png", "index.html", "crops.png",
                 "data.html"):  # fmt: skip
        assert (report / name).stat().st_size > 0
    page = (report / "index.html").read_text()
    assert page.count("<video") == 2 * 6  # emotions x (methods, ground truth, copy reference)
    assert "hardly been trained" in page


def test_table_1_can_be_recomputed_from_clips_csv(folder):
    table = {
        row["method"]: row for row in csv.DictReader((folder / "results/report/table1.csv").open())
    }
    assert {"evp", "audio2head", *REAL_METHODS} <= set(table)
    for method in ["copy_reference", *REAL_METHODS]:
        clips = list(
            csv.DictReader((folder / f"results/evaluation/{method}/seed0/clips.csv").open())
        )
        assert len(clips) == 4  # 2 speakers x 2 emotions x 1 of 3 clips
        for metric in ("f_lmd", "m_lmd", "ssim", "psnr"):
            values = [float(clip[metric]) for clip in clips if clip[metric]]
            assert float(table[method][metric]) == pytest.approx(
                sum(values) / len(values), abs=2e-6
            )
        for clip in clips:
            # Hardly trained models render faces that dlib may not find: then, and only then,
            # there are no landmarks to score, and the clip says so.
            assert (clip["f_lmd"] == "") == (clip["faces_missed"] == clip["frames"])


def test_ground_truth_is_exact_and_models_are_not(folder):
    def rows(method: str) -> list[dict[str, str]]:
        return list(
            csv.DictReader((folder / f"results/evaluation/{method}/seed0/clips.csv").open())
        )

    for row in rows("ground_truth"):
        assert (float(row["f_lmd"]), float(row["m_lmd"]), float(row["ssim"])) == (0, 0, 1)
        assert math.isinf(float(row["psnr"]))
        assert int(row["faces_missed"]) == 0
    for row in rows("ours"):
        assert float(row["ssim"]) < 1
        assert 5 < float(row["psnr"]) < 60


def test_methods_that_share_a_part_share_its_training(folder):
    models = sorted(str(p.relative_to(folder)) for p in (folder / "results").rglob("model.pt"))
    assert models == [
        "results/landmarks/at_net/seed0/model.pt",
        "results/landmarks/audio2lm_msef/seed0/model.pt",
        "results/translator/aatu/seed0/model.pt",
        "results/translator/unet/seed0/model.pt",
    ]
    assert not list((folder / "state").rglob("*.ckpt"))  # finished trainings leave nothing behind


def test_videos_have_sound_and_say_that_they_are_synthetic(folder):
    videos = sorted((folder / "results/methods/ours/seed0/videos").glob("*.mp4"))
    assert len(videos) == 4
    with av.open(str(videos[0])) as video:
        assert "Synthetic" in video.metadata["comment"]
        assert video.streams.video[0].average_rate == 25
        seconds = [
            float(s.duration * s.time_base)
            for s in (video.streams.video[0], video.streams.audio[0])
        ]
    assert abs(seconds[0] - seconds[1]) < 0.1


def test_second_call_does_nothing(snakemake, jobs, folder):
    done = snakemake(folder, *SMOKE, "--dry-run")
    assert jobs(done) == {}
    assert "Nothing to be done" in done.stdout + done.stderr


def test_one_landmark_key_reruns_only_what_depends_on_it(snakemake, jobs, folder, tmp_path):
    override = {"landmarks": {"models": {"audio2lm_msef": {"memory": "slots"}}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(override))
    done = snakemake(folder, *SMOKE, str(tmp_path / "mine.yaml"), "--dry-run")
    planned = jobs(done)
    assert planned == {
        "train_landmarks": 1,
        "synthesize": 2,
        "redetect_landmarks": 2,
        "evaluate_method": 2,
        "report_table1": 1,
        "report_landmarks": 1,
        "report_frames": 1,
        "report_training": 1,
        "report_page": 1,
        "all": 1,
    }


def test_one_ablation_trains_only_what_it_needs(snakemake, jobs, tmp_path):
    done = snakemake(tmp_path, "ours_wo_msef", *SMOKE, "--dry-run")
    planned = jobs(done)
    assert planned["train_landmarks"] == planned["train_translator"] == 1
    assert planned["synthesize"] == 2  # the method's and the ground truth's
    assert "report_page" not in planned
    output = done.stdout + done.stderr
    assert "landmark_model=at_net" in output
    assert "translator=aatu" in output


def test_same_config_gives_the_same_bytes(snakemake, folder, tmp_path):
    done = snakemake(tmp_path, *SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("results/report/table1.csv", "results/clips.csv", "results/split.csv"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    for made in (folder / "results/data/mini").rglob("*.m*"):
        assert (tmp_path / made.relative_to(folder)).read_bytes() == made.read_bytes()
