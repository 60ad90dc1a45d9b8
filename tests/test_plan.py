import copy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from emohead.config import leave_out_methods
from emohead.plan.amounts import count_amounts, expect_amounts
from emohead.plan.counting import StepCost
from emohead.plan.plan import plan
from emohead.plan.rates import PAPER_GFLOP, Rates
from emohead.plan.sizes import needed_models, share_tested, sizes
from emohead.plan.trainings import TrainingCost
from emohead.plan.work import Machine, Work, all_work, passing_bytes, phase_hours

ROOT = Path(__file__).parent.parent
MINI = yaml.safe_load((ROOT / "config.yaml").read_text())


def config(*overlays: dict) -> dict:
    """The mini preset with others laid over it, as Snakemake does it."""
    merged = copy.deepcopy(MINI)
    for overlay in overlays:
        update_config(merged, copy.deepcopy(overlay))
    leave_out_methods(merged)
    return merged


def preset(name: str) -> dict:
    return yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())


def training(name: str, *, operations: float, forward: float = 1e9) -> TrainingCost:
    """Of 1,000 parameters; a frame a second long, one epoch."""
    step = StepCost(parameters=1000, forward=forward, training=operations, activations=0)
    return TrainingCost(name, "image", step, 0, 1, 1, 1, None)


def work(
    merged: dict, trainings: dict, machine: Machine | None = None, split: Path | None = None
) -> dict[str, Work]:
    """By rule."""
    asked = sizes(merged)
    if split is None:
        amounts = expect_amounts(asked.clips, share_tested(merged))
    else:
        amounts = count_amounts(split)
    phases = all_work(merged, asked, amounts, trainings, machine or Machine())
    return {work.rule: work for phase in phases.values() for work in phase}


def no_trainings(merged: dict) -> dict:
    return {
        stage: [training(name, operations=1e15) for name in needed_models(merged, stage)]
        for stage in ("landmarks", "translator")
    }


def test_sizes_of_mead():
    """670 clips of each of 48 actors: 30 of seven emotions at three levels, and 40 neutral ones."""
    asked = sizes(config(preset("mead")))
    assert (asked.speakers, asked.shards, asked.clips) == (48, 384, 48 * (7 * 3 * 30 + 40))
    # Six methods and the copied reference with two reference faces, and the ground truth.
    assert (asked.rendered_runs, asked.copied_runs, asked.runs) == (12, 3, 15)


def test_sizes_of_the_mini_set_without_named_speakers():
    assert sizes(config({"data": {"speakers": None}})) == sizes(config())


def test_sizes_without_neutral_clips_leave_out_the_neutral_reference():
    asked = sizes(config({"data": {"emotions": ["angry", "happy"]}, "seeds": [0, 1, 2]}))
    assert asked.references == 1
    assert (asked.rendered_runs, asked.copied_runs) == (6 * 3, 2)


def test_sizes_of_footage(tmp_path):
    """Rows of the table; a speaker without neutral clips leaves out the neutral reference."""
    takes = [("Ann", "happy"), ("Ann", "happy"), ("Ann", "neutral"), ("Bob", "happy")]
    rows = [f"{k}_{s}_{e}_.mp4,{s},{e}" for k, (s, e) in enumerate(takes)]
    for row in rows:
        (tmp_path / row.split(",")[0]).touch()
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["file,speaker,emotion", *rows]))
    for named_by in ({"table": str(table)}, {"names": "*_{speaker}_{emotion}_*"}):
        footage = {"source": "footage", "footage": named_by | {"folder": str(tmp_path)}}
        asked = sizes(config({"data": footage | {"speakers": None}}))
        assert (asked.speakers, asked.shards, asked.clips, asked.references) == (2, 3, 4, 1)


MEADS = config(preset("mead"), {"data": {"speakers": ["M003", "M030", "W009", "W015"]}})
MINE = "M003_ang_3_025\nM003-front-neutral-1-031\nW015#sad#level_2#001\nM005_ang_3_025\nnobody\n"


@pytest.mark.parametrize(
    ("split", "rows", "tested"),
    [
        ({"unit": "clip"}, 6, 670 * 4 * 0.2),
        ({"unit": "speaker", "test_speakers": ["M003", "W009"]}, 1, 670 * 2),
        ({"unit": "list", "list": "mine.txt"}, 1, 3),
    ],
)
def test_the_split_says_how_much_is_tested(tmp_path, monkeypatch, split, rows, tested):
    """Of four actors with 670 clips each; the list has three of their clips.

    So many rows of the table: to count what models compute takes the longest.
    """
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text(MINE)
    merged = config(MEADS, {"split": split})
    merged["methods"] = dict(list(merged["methods"].items())[:rows])
    assert share_tested(merged) * 2680 == pytest.approx(tested)
    assert f"2,680 clips that the config asks for, if none is missing, of 4.5 s, MEAD's mean; " \
        f"{2680 - tested:,.0f} of them in the training part" in plan(merged)  # fmt: skip


def test_clips_cut_in_time_are_trained_on_and_tested():
    merged = config(MEADS, {"split": {"unit": "time"}})
    merged["methods"] = {"one": next(iter(merged["methods"].values()))}
    assert "each cut in time: 77 frames to train on, 22 to test" in plan(merged)


@pytest.mark.parametrize(
    ("split", "share"),
    [
        ({"unit": "speaker", "test_speakers": ["Ann"]}, 0.75),
        ({"unit": "list", "list": "mine.txt"}, 0.5),
    ],
)
def test_of_footage_the_tested_files_are_counted(tmp_path, monkeypatch, split, share):
    monkeypatch.chdir(tmp_path)
    for name in ("Ann_happy_1.mp4", "Ann_happy_2.mp4", "Ann_sad_1.mp4", "Bob_happy_1.mp4"):
        Path(name).touch()
    Path("mine.txt").write_text("Ann_hap_1_002\nBob_happy_1_001\nBob_happy_1_002\n")
    footage = {"names": "{speaker}_{emotion}_{number}", "folder": "."}
    data = {"source": "footage", "footage": footage, "speakers": None}
    assert share_tested(config({"data": data, "split": split})) == share


OVERLAYS = {
    "smoke": [preset("smoke")],
    "quick": [preset("quick")],
    "comparators": [
        preset("smoke"),
        preset("comparators"),
        preset("comparators_more"),
        {"motion_audio": {"options": {"sound": "mfcc_fbank_f0"}, "train": {"mfcc_offset": 0}}},
    ],
    "two seeds and more rows": [
        preset("smoke"),
        {
            "seeds": [0, 5],
            "landmarks": {"models": {"plain": {"architecture": "audio2lm", "emotion": "none"}}},
            "methods": {
                "plain": {"landmarks": "plain", "translator": "aatu"},
                "true_landmarks": {"landmarks": "truth", "translator": "aatu"},
                "landmarks_alone": {"landmarks": "at_net", "translator": "reference"},
                "theirs": {"videos": "."},
            },
        },
    ],
}


@pytest.mark.parametrize("overlays", OVERLAYS.values(), ids=OVERLAYS)
def test_jobs_are_those_that_snakemake_plans(snakemake, jobs, tmp_path, overlays):
    merged = config(*overlays)
    methods = {**dict.fromkeys(MINI["methods"]), **merged["methods"]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**merged, "methods": methods}))
    done = snakemake(tmp_path, "--dry-run", "--configfile", str(tmp_path / "mine.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    planned = {rule: count for rule, count in jobs(done).items() if rule != "all"}
    found = work(merged, no_trainings(merged))

    def count(start: str) -> int:
        return sum(w.jobs for rule, w in found.items() if rule.startswith(start))

    assert sum(w.jobs for w in found.values()) == sum(planned.values())
    for rule in (
        "make_mini", "list_clips", "extract_features", "train_landmarks", "train_translator",
        "render_clips", "score_clips", "collect_scores",
    ):  # fmt: skip
        assert count(rule) == planned[rule]
    assert count("extract_sound") == planned.get("extract_sound", 0)
    reports = sum(n for rule, n in planned.items() if rule.startswith("report_"))
    assert count("report_") == reports


def test_hours_of_a_training():
    merged = config({"translator": {"train": {"device": "auto", "devices": 2, "threads": 4}}})
    trainings = {"landmarks": [], "translator": [training("aatu", operations=3.6e17)]}
    on_gpus = work(merged, trainings, Machine(gpus=2, tflops=50))["train_translator, aatu"]
    assert on_gpus.hours == pytest.approx([1])  # 3.6e17 / (2 * 5e13) s
    assert (on_gpus.gpus, on_gpus.gpu_hours) == (2, pytest.approx(2))
    on_cores = work(merged, trainings, Machine(gpus=0))["train_translator, aatu"]
    rate = Rates.train_translator.value * 1e9
    assert on_cores.hours == pytest.approx([3.6e17 / (4 * rate) / 3600])
    assert (on_cores.gpus, on_cores.cores) == (0, 4)


def test_hours_of_audio2heads_hourglass():
    """16 GFLOP for each of 64 frames of each training clip, and the net of the pose."""
    mead = [preset("mead"), preset("comparators"), preset("comparators_mead")]
    asked = config(*mead, {"motion_audio": {"train": {"epochs": 2}}})
    made = work(asked, no_trainings(asked), Machine(gpus=1, tflops=50))
    found = made["train_motion_audio, audio2head"]
    clips = 48 * 670 * 0.8
    pose = clips * 112 * Rates.train_motion_audio.value
    assert found.hours == pytest.approx([2 * (clips * 64 * 16e9 / 5e13 + pose) / 3600], rel=1e-3)
    assert found.gpus == 1 and made["extract_sound"].jobs == 48 * 8


def test_trainings_take_no_more_cores_than_a_machine_has():
    asked = config(*map(preset, ("mead", "comparators", "comparators_mead")))
    machine = Machine(cores=4, gpus=1)
    found = work(asked, no_trainings(asked), machine)
    trained = {rule: each for rule, each in found.items() if rule.startswith("train_")}
    assert {rule.partition(",")[0] for rule in trained} >= {
        "train_disentangler", "train_landmarks", "train_translator", "train_motion_audio",
    }  # fmt: skip
    assert {each.cores for each in trained.values()} == {4}
    samples = 200 * 10_000 * Rates.disentangler_step.value
    hours = samples / (4 * Rates.train_landmarks.value) / 3600
    assert found["train_disentangler, evp_codes"].hours == pytest.approx([hours])
    assert phase_hours([*trained.values()], machine, 1) > 0


def rendering(overlay: dict, machine: Machine) -> dict[str, Work]:
    """The plan of MEAD's rendering by a translator that computes as much as the paper's."""
    merged = config(preset("mead"), overlay)
    forward = PAPER_GFLOP * 1e9
    trainings = {"landmarks": [], "translator": [training("aatu", operations=1, forward=forward)]}
    return work(merged, trainings, machine)


# A fifth of 670 clips of 112 frames, of each of 48 speakers; six methods, two reference faces.
SPEAKER_FRAMES = 134 * 112
WRITING = SPEAKER_FRAMES * Rates.write_frames.value


@pytest.mark.parametrize(
    ("precision", "rate"), [("32-true", Rates.render_float32), ("bf16-true", Rates.render_bf16)]
)
def test_rendering_on_cores_by_hand(precision, rate):
    found = rendering({"rendering": {"device": "cpu", "precision": precision}}, Machine(gpus=0))[
        "render_clips"
    ]
    seconds = Rates.start.value + WRITING + SPEAKER_FRAMES * rate.value / found.cores
    assert (found.jobs, found.gpus) == (48 * 12, 0)
    assert found.hours == pytest.approx([seconds / 3600] * 576)
    assert found.passing == pytest.approx(SPEAKER_FRAMES * 3 * 256**2)


def test_rendering_on_a_gpu_by_hand():
    found = rendering({}, Machine(gpus=1, tflops=100))["render_clips"]
    seconds = Rates.start.value + WRITING + SPEAKER_FRAMES * PAPER_GFLOP / 100e3
    assert (found.cores, found.gpus) == (1, 1)
    assert found.hours[0] == pytest.approx(seconds / 3600)


def test_frames_on_their_way():
    """Six in three hours, whole for the half hour of scoring and half in that of rendering."""
    phase = [
        Work("render_clips", (1.0,) * 6, 6, gpus=1, passing=100),
        Work("score_clips", (0.5,) * 6, 6),
    ]
    assert passing_bytes(phase, Machine(cores=2, gpus=2), 1) == pytest.approx(
        6 * (0.5 + 0.5) * 100 / 3
    )


def test_clips_that_are_cut_in_time_are_scored_too(tmp_path):
    """20 clips, each of them in both parts."""
    rows = [f"W901-front-sad-3-{k:03d},{part}" for k in range(20)
            for part in ("train,0,80", "test,80,100")]  # fmt: skip
    split = tmp_path / "split.csv"
    split.write_text("\n".join(["clip_id,part,start,stop", *rows]))
    found = work(config(), no_trainings(config()), split=split)["collect_scores"]
    scores = sizes(config()).runs * 20 * Rates.scores.value
    assert found.hours == pytest.approx([scores / 1e6 * Rates.report_rows.value / 3600])


def test_archives_take_nobody_knows_how_long():
    found = work(config({"data": {"source": "archives", "speakers": ["M003", "W009"]}}),
                 {"landmarks": [], "translator": []})  # fmt: skip
    assert (found["fetch_archive"].jobs, found["unpack_archives"].jobs) == (4, 2)
    assert found["fetch_archive"].hours is None


def jobs_of(*hours: float, cores: int = 1, gpus: int = 0) -> Work:
    return Work("rule", hours, len(hours), cores=cores, gpus=gpus)


def test_hours_of_a_phase():
    phase = [jobs_of(1, 2, 2, 3, cores=4)]
    assert phase_hours(phase, Machine(cores=4), 1) == 8
    assert phase_hours(phase, Machine(cores=11), 1) == 4  # two beside each other: 3+1, 2+2
    assert phase_hours(phase, Machine(cores=4), 4) == 3
    assert phase_hours([*phase, jobs_of(9, gpus=1)], Machine(cores=4, gpus=1), 4) == 9
    assert phase_hours([Work("unknown", None, 3)], Machine(), 1) == 0


def test_a_machine_that_is_too_small_is_named():
    with pytest.raises(ValueError, match="rule: needs 4 GPUs, a machine has 1"):
        phase_hours([jobs_of(1, gpus=4)], Machine(gpus=1), 2)


def test_more_machines_than_jobs_take_as_long_as_the_longest():
    phase = [jobs_of(1, 2, 3)]
    assert phase_hours(phase, Machine(cores=2), 1000) == 3


@pytest.mark.parametrize(
    ("merged", "words"),
    [
        (preset("mead"), "no seeds, split.*name config.yaml first"),
        (config({"landmarks": {"train": {"epoch": 5}}}), "epoch.*snakemake -n"),
        (config({"split": {"unit": "list", "list": "no.txt"}}), r"split\.list: .*no\.txt"),
        (
            config({"split": {"unit": "speaker", "test_speakers": ["W901", "W902"]}}),
            "split: all of the 192 clips are in the test part",
        ),
        (config({"seeds": 3}), "wrong key or value.*snakemake -n"),
        (config({"data": {"source": "footage"}}), "data.footage.table: it, or names, is needed"),
        (
            config({"data": {"source": "footage", "footage": {"table": "no.csv", "folder": "."}}}),
            "data.footage.table: .*no.csv",
        ),
    ],
)
def test_a_config_that_cannot_be_planned_is_named(merged, words):
    with pytest.raises(ValueError, match=words):
        plan(merged)


def test_the_page():
    text = plan(config(preset("smoke")), machine=Machine(cores=2, gpus=0), nodes=3)
    assert "2 speakers, 4 shards, 12 clips that the config asks for" in text
    assert "| phase | 1 machine (2 cores, 0 GPUs) | 3 machines (2 cores, 0 GPUs) |" in text
    assert "| train_translator, aatu | 1 | 1 | – |" in text
    (total,) = [line.split("|") for line in text.splitlines() if line.startswith("| all | ")
                and line.count("|") == 4]  # fmt: skip
    assert 0 < float(total[3]) < float(total[2])
