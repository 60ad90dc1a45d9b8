"""Config mistakes stop the run, with one line that names key and remedy, before any job."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from emohead.generate.bundle import read_config

ROOT = Path(__file__).parent.parent

#: What a person writes, and words of the line that tells them.
MISTAKES = {
    "unknown key": ("landmarks: {train: {epoch: 5}}",
        ["landmarks.train", "epoch", "known keys", "epochs"]),
    "a name that is a truth value to YAML": ("methods: {no: {landmarks: at_net, translator: unet}}",
        ["methods: False", "quotes"]),
    "an unknown key that is none to YAML": ("landmarks: {train: {on: 5}}",
        ["landmarks.train: unknown key True", "known keys: epochs"]),
    "a speaker who is a number to YAML": (
        "data: {source: folder, folder: {7: here}, speakers: null}", ["data.folder: 7", "quotes"]),
    "unknown key of the data": ("data: {folders: MEAD}", ["data: ", "folders", "archives"]),
    "unknown key of a source": ("data: {archives: {tables: mine.csv}}",
        ["data.archives", "tables", "known keys", "downloads"]),
    "unknown stage": ("feature: {crop_size: 128}", ["(top level)", "feature", "features"]),
    "no such emotion": ("data: {emotions: [angry, glad]}", ["data.emotions.1", "glad", "happy"]),
    "no such model": ("methods: {mine: {landmarks: at_nett, translator: unet}}",
        ["methods.mine.landmarks", "at_nett", "at_net, audio2lm_plain, audio2lm_msef"]),
    "no such row to leave out": ("methods: {basline: null}",
        ["methods.basline", "is null", "baseline, "]),
    "two rows of one label": ("methods: {mine: {label: Ours, landmarks: truth, translator: warp}}",
        ["methods.mine", "'Ours'", "as ours is", "another label"]),
    "two models of one label": ("ablations: {translator: {unet: same, aatu: same}}",
        ["ablations.translator.", "'same'", "another label"]),
    "no such folder of videos": ("methods: {evp: {videos: nowhere/evp}}",
        ["methods.evp.videos", "nowhere/evp"]),
    "models and videos": ("methods: {evp: {videos: here, landmarks: at_net, translator: unet}}",
        ["methods.evp", "landmarks and translator, or a bundle", "motion, or a folder of videos"]),
    "no such motion field": ("methods: {mine: {motion: fom}}",
        ["methods.mine.motion", "'fom'", "audio2head, fomm"]),
    "motion and a translator": ("methods: {mine: {motion: fomm, translator: unet}}",
        ["methods.mine", "or motion"]),
    "sound for no motion field": ("motion_audio: {models: {audio2head: {field: fom}}}",
        ["motion_audio.options.field", "'fom'", "known: fomm; audio2head"]),
    "a grid that no hourglass halves": ("motion_field: {options: {dense_grid: 24}}",
        ["motion_field.options.dense_grid", "is 24", "multiple of 2^levels, 16"]),
    "an hourglass on cells that are no part of the pictures": (
        "motion_audio: {options: {network: hourglass, sound: mfcc_fbank_f0, hourglass_grid: "
        "96}, train: {mfcc_offset: 0}}",
        ["motion_audio.options.hourglass_grid", "is 96", "divide features.crop_size, 128"]),
    "an offset of sound that isn't MFCC": ("motion_audio: {options: {sound: mfcc_fbank_f0}}",
        ["motion_audio.train.mfcc_offset", "is 2.0", "must be 0"]),
    "an hourglass that hears MFCC": ("motion_audio: {options: {network: hourglass}}",
        ["motion_audio.options.sound", "is mfcc", "hears mfcc_fbank_f0"]),
    "a motion field that nothing is held out of": ("motion_field: {train: {validation: 0}}",
        ["motion_field.train.validation", "holds out", "fomm"]),
    "a grid that no frame has": ("motion_field: {options: {keypoint_grid: 48}}",
        ["motion_field.options.keypoint_grid", "is 48", "divide features.crop_size, 128"]),
    "no such bundle": ("methods: {theirs: {bundle: nowhere/theirs.h5}}",
        ["methods.theirs.bundle", "nowhere/theirs.h5"]),
    "a bundle and a translator": ("methods: {theirs: {bundle: here, translator: unet}}",
        ["methods.theirs", "or a bundle (and landmarks: truth)"]),
    "a bundle that would be told the emotion": (
        "methods: {theirs: {bundle: here/a.mp4, emotion: label}}",
        ["methods.theirs", "or a bundle (and landmarks: truth)"]),
    "a translator that is none": ("methods: {mine: {landmarks: warp, translator: unet}}",
        ["methods.mine.landmarks", "'warp'", "truth, reference"]),
    "a model with a name that stands for none": ("translator: {models: {warp: {attention: none}}}",
        ["translator.models.warp", "another name"]),
    "a head that doesn't move": (
        "generate: {requests: {hi: {audio: here/a.mp4, face: here/a.mp4, head: wild}}}",
        ["generate.requests.hi.head", "still, natural or a video", "'wild'"]),
    "videos with a reference that isn't evaluated": (
        "{methods: {evp: {videos: here, reference: neutral}}, evaluation: {references: "
        "[same_emotion]}}",
        ["methods.evp.reference", "evaluation.references"]),
    "no such reference": ("evaluation: {references: [first]}",
        ["evaluation.references.0", "'first'", "same_emotion"]),
    "neutral reference without neutral clips": (
        "{evaluation: {references: [neutral]}, data: {emotions: [angry, sad]}}",
        ["evaluation.references", "same_emotion"]),
    "generating without a model": ("generate: {method: copy_reference}",
        ["generate.method", "copy_reference", "it has baseline, "]),
    "generating by the clip's true landmarks": (
        "{generate: {method: mine}, methods: {mine: {landmarks: truth, translator: unet}}}",
        ["generate.method", "'mine'", "'truth', which is no trained model"]),
    "generating by what wants a target video": (
        "{generate: {method: mine}, methods: {mine: {landmarks: at_net, translator: unet, target: "
        "neutral_video}}}",
        ["generate.method", "'mine'", "wants a target video"]),
    "generating from no such file": (
        "generate: {requests: {hello: {audio: here/a.mp4, face: gone.jpg}}}",
        ["generate.requests.hello.face", "gone.jpg"]),
    "ablation of no such model": ("ablations: {landmarks: {msef_slots: softmax over slots}}",
        ["ablations.landmarks", "msef_slots", "audio2lm_msef"]),
    "number without a point": ("landmarks: {train: {learning_rate: 1e-4}}",
        ["landmarks.train.learning_rate", "'1e-4'", "1.0e-4"]),
    "no number of workers": ("landmarks: {train: {workers: -1}}",
        ["landmarks.train.workers", "'auto' was expected", "minimum of 0"]),
    "no such device to render on": ("rendering: {device: gpu}",
        ["rendering.device", "'gpu'", "cuda"]),
    "no frame at once": ("rendering: {batch_size: 0}",
        ["rendering.batch_size", "'auto' was expected", "minimum of 1"]),
    "no such method in the study": ("study: {methods: [baseline, evp]}",
        ["study.methods", "there is no 'evp'", "ours_wo_msef"]),
    "an anchor as a method of the study": ("study: {methods: [ours, ground_truth]}",
        ["study.methods", "ground_truth is in every study"]),
    "a question of the study without words": ("study: {questions: {ls: {text: ''}}}",
        ["study.questions.ls.text", "''"]),
    "reference of a method that has no videos": (
        "methods: {mine: {landmarks: at_net, translator: unet, reference: neutral}}",
        ["methods.mine", "videos (and names, start, reference)"]),
    "neutral references without neutral clips": (
        "{data: {emotions: [angry, happy]}, landmarks: {models: {at_net: {reference: neutral}}}}",
        ["landmarks.options.reference", "data.emotions", "at_net"]),
    "model called as what is no model": ("landmarks: {models: {truth: {architecture: at_net}}}",
        ["landmarks.models.truth", "another name"]),
    "method in the ground truth's place": (
        "methods: {ground_truth: {landmarks: at_net, translator: unet}}",
        ["methods.ground_truth", "another name"]),
    "no such file of a network": ("evaluation: {weights: {lpips: nowhere/alexnet.pth}}",
        ["evaluation.weights.lpips", "nowhere/alexnet.pth"]),
    "misspelt random weights": ("translator: {loss: {vgg_weights: Random}}",
        ["translator.loss.vgg_weights", "'Random'", "random"]),
    "no such layer": ("translator: {loss: {vgg_layers: [relu6_1]}}",
        ["translator.loss.vgg_layers.0", "relu6_1", "relu5_4"]),
    "no such weights": ("translator: {loss: {vgg_weights: nowhere/vgg19.pth, vgg_width: 1}}",
        ["translator.loss.vgg_weights", "nowhere/vgg19.pth", "imagenet", "random"]),
    "narrow VGG-19 with ImageNet's weights": ("translator: {loss: {vgg_weights: imagenet}}",
        ["translator.loss.vgg_width", "must be 1", "random"]),
    "speaker of another data set": ("data: {speakers: [M003]}", ["data.speakers.0", "W901"]),
    "no such source": ("data: {source: tar}", ["data.source", "'tar'", "archives"]),
    "no such unit of the split": ("split: {unit: frame}", ["split.unit", "'frame'", "time"]),
    "no folder": ("data: {source: folder, speakers: null}",
        ["data.folder: ", "needed with data.source: folder"]),
    "folder isn't there": ("data: {source: folder, folder: nowhere/MEAD, speakers: null}",
        ["data.folder", "nowhere/MEAD"]),
    "folder of one speaker isn't there": (
        "data: {source: folder, folder: {M003: here, W009: gone}}",
        ["data.folder", "'gone'"]),
    "folder has no such speaker": ("data: {source: folder, folder: ., speakers: [M003]}",
        ["data.speakers", "M003"]),
    "folders lack a speaker": (
        "data: {source: folder, folder: {M003: here}, speakers: [M003, W009]}",
        ["data.folder", "W009"]),
    "folder isn't MEAD's": ("data: {source: folder, folder: ., speakers: null}",
        ["data.folder", "<speaker>/video/front/<emotion>"]),
    "target video of a speaker who isn't trained on": (
        "{split: {unit: speaker, test_speakers: [W902]}, methods: {mine: {landmarks: at_net, "
        "translator: unet, target: neutral_video}}}",
        ["methods.mine.target", "is none of W902", "leave the row out"]),
    "neutral references of a speaker without neutral clips": (
        "{data: {source: footage, footage: {table: footage.csv, folder: here}}, "
        "landmarks: {models: {at_net: {reference: neutral}}}, evaluation: {references: "
        "[same_emotion]}}",
        ["landmarks.options.reference", "no neutral clips of anna", "at_net"]),
    "method called as a rule": ("methods: {ablations: {landmarks: at_net, translator: unet}}",
        ["methods.ablations", "name of a rule"]),
    "split by a list that isn't named": ("split: {unit: list}",
        ["split.list", "goes with unit: list"]),
    "test speakers with another unit": ("split: {test_speakers: [W902]}",
        ["split.test_speakers", "goes with unit: speaker, which is clip"]),
    "test speakers that there aren't": ("split: {unit: speaker, test_speakers: [W902, M003]}",
        ["split.test_speakers", "no clips of M003"]),
    "only test speakers": ("split: {unit: speaker, test_speakers: [W902, W901]}",
        ["split.test_speakers", "leave some to train on"]),
    "videos of other names": ("methods: {evp: {videos: here, names: '{speaker}_{emotion}'}}",
        ["methods.evp.names", "'{speaker}_{emotion}'", "a.mp4"]),
    "names of videos without videos": (
        "methods: {mine: {landmarks: at_net, translator: unet, start: 1}}",
        ["methods.mine", "videos (and names, start, reference)"]),
    "no table of archives": ("data: {source: archives, archives: {table: gone.csv}}",
        ["data.archives.table", "there is no file 'gone.csv'"]),
    "table of archives is another table": (
        "data: {source: archives, archives: {table: footage.csv}}",
        ["data.archives.table", "footage.csv: no column kind, url, sha256, bytes"]),
    "speakers without url": (
        "data: {source: archives, archives: {table: archives.csv}, speakers: [M003, M005, W009]}",
        ["data.speakers", "archives.csv has no url of the videos of M005, W009"]),
    "no table of footage": ("data: {source: footage, footage: {folder: here}}",
        ["data.footage.table", "names", "needed with data.source: footage"]),
    "no folder of footage": ("data: {source: footage, footage: {table: footage.csv}}",
        ["data.footage.folder", "needed with data.source: footage"]),
    "table and names of footage": (
        "data: {source: footage, footage: {table: footage.csv, names: ravdess, folder: here}}",
        ["data.footage.names", "beside table"]),
    "footage of other names": (
        "data: {source: footage, footage: {names: '{emotion}/{speaker}', folder: here}}",
        ["data.footage.names", "'{emotion}/{speaker}'", "1 videos", "'a.mp4'"]),
    "table of footage isn't there": (
        "data: {source: footage, footage: {table: gone.csv, folder: here}}",
        ["data.footage.table", "there is no file 'gone.csv'"]),
    "footage of no such emotion": (
        "data: {source: footage, footage: {table: wrong_footage.csv, folder: here}}",
        ["data.footage.table", "wrong_footage.csv, line 3: emotion 'joy'", "happy"]),
}  # fmt: skip

FILES = {
    "here/a.mp4": "",
    "archives.csv": "speaker,kind,url,sha256,bytes\nM003,video,M003.tar,,\nW009,video,,,\n",
    "footage.csv": "file,speaker,emotion\na.mp4,anna,happy\n",
    "wrong_footage.csv": "file,speaker,emotion\na.mp4,anna,happy\na.mp4,anna,joy\n",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake_is_named(snakemake, tmp_path, mistake):
    written, words = MISTAKES[mistake]
    for name, text in {**FILES, "mine.yaml": written}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    done = snakemake(tmp_path, "--dry-run", "--configfile", str(tmp_path / "mine.yaml"))
    assert done.returncode != 0
    output = (done.stdout + done.stderr).splitlines()
    (line,) = [line for line in output if line.startswith("config: ")]
    assert not any("Traceback" in line or "Error in" in line for line in output)
    for word in words:
        assert word in line


def test_a_new_ablation_is_a_few_lines_of_config(snakemake, jobs, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "landmarks: {models: {plain: {architecture: audio2lm, emotion: none}}}\n"
        "methods: {plain: {landmarks: plain, translator: unet}}\n"
    )
    done = snakemake(tmp_path, "plain", "--dry-run", "--configfile", str(tmp_path / "mine.yaml"))
    trained = {rule: count for rule, count in jobs(done).items() if rule.startswith("train_")}
    assert trained == {"train_landmarks": 1, "train_translator": 1}, done.stderr


def dry_run(snakemake, folder, override):
    """What a dry run of the page says, with its commands."""
    (folder / "mine.yaml").write_text(yaml.safe_dump(override))
    done = snakemake(
        folder, "results/report/index.html", "--dry-run", "--printshellcmds", "--configfile",
        str(folder / "mine.yaml"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def methods_of(command):
    """What a command of the report is told of the methods."""
    words = shlex.split(command)
    return json.loads(words[words.index("--methods") + 1])


def test_a_new_row_is_the_last(snakemake, tmp_path):
    """Snakemake puts what --configfile brings before what config.yaml has."""
    plain = {"label": "Plain", "landmarks": "at_net", "translator": "unet"}
    output = dry_run(snakemake, tmp_path, {"methods": {"plain": plain}})
    (command,) = [line for line in output.splitlines() if "report_table1.py --scores" in line]
    methods = yaml.safe_load((ROOT / "config.yaml").read_text())["methods"]
    assert [method["id"] for method in methods_of(command)][2:] == [*methods, "plain"]


def test_a_row_that_is_null_is_left_out_with_its_models(snakemake, jobs, tmp_path):
    """Of a study, too, which names it; here all three that have the U-Net or AT-net."""
    left_out = ("baseline", "ours_wo_msef", "ours_wo_aatu")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"methods": dict.fromkeys(left_out)}))
    done = snakemake(tmp_path, "--dry-run", "--configfile", str(tmp_path / "mine.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    planned = jobs(done)
    assert (planned["train_landmarks"], planned["train_translator"]) == (2, 2)
    # Three rows with two references, of two speakers, and the copied face's.
    assert planned["render_clips"] == 12
    assert not re.search(rf"\b({'|'.join(left_out)})\b", done.stdout + done.stderr)
    # So read `emohead plan` and `emohead export`.
    read = read_config([ROOT / "config.yaml", tmp_path / "mine.yaml"])
    assert list(read["methods"]) == ["ours_wo_msef_joint", "ours", "ours_warp"]


def test_no_named_speakers_are_all_of_the_mini_sets(snakemake, jobs, tmp_path):
    (tmp_path / "mine.yaml").write_text("data: {speakers: null}")
    done = snakemake(tmp_path, "--dry-run", "--configfile", str(tmp_path / "mine.yaml"))
    assert jobs(done)["make_mini"] == 2


def test_two_stages_models_of_one_name_are_two_in_the_figure_of_trainings(snakemake, tmp_path):
    override = {
        "landmarks": {"models": {"mine": {"architecture": "at_net", "emotion": "none"}}},
        "translator": {"models": {"mine": {"attention": "none"}}},
        "methods": {"mine": {"landmarks": "mine", "translator": "mine"}},
    }
    output = dry_run(snakemake, tmp_path, override)
    (command,) = [line for line in output.splitlines() if "report_training.py --" in line]
    words = shlex.split(command)
    labels = [word.partition("=")[0] for word in words if "/history.csv" in word]
    assert len(labels) == len(set(labels)) == 8
    assert {"landmarks/mine", "translator/mine"} < set(labels)


def test_a_model_with_threads_and_a_device_of_its_own_is_given_them(snakemake, tmp_path):
    train = {"threads": 2, "device": "cuda"}
    override = {"translator": {"models": {"aatu": {"train": train}}}}
    output = dry_run(snakemake, tmp_path, override)
    asked = {
        re.search(r"translator=(\w+)", job)[1]: re.findall(r"threads: (\d+)|gpu=(\d+)", job)
        for job in re.findall(r"^rule train_translator:\n((?: .*\n)+)", output, re.MULTILINE)
    }
    assert asked.pop("aatu") == [("2", ""), ("", "1")]
    assert len(asked) == 2 and set(map(tuple, asked.values())) == {(("", "0"),)}


def test_braces_in_what_the_report_shows_are_text(snakemake, tmp_path):
    """And not wildcards of Snakemake's: a label or a note may hold a formula."""
    formula = r"w/o $L_{ec}$"
    method = {"label": formula, "landmarks": "at_net", "translator": "unet"}
    override = {"methods": {"plain": method}, "report": {"note": formula}}
    output = dry_run(snakemake, tmp_path, override)
    (table,) = [line for line in output.splitlines() if "report_table1.py --scores" in line]
    assert methods_of(table)[-1]["label"] == formula
    assert formula in shlex.split(table)
    (page,) = [line for line in output.splitlines() if "report_page.py --claims" in line]
    words = shlex.split(page)
    config = json.loads(words[words.index("--config") + 1])
    assert config["methods"]["plain"]["label"] == config["report"]["note"] == formula


def test_the_checkout_may_lie_in_a_folder_with_a_space(snakemake_command, tmp_path):
    checkout = tmp_path / "my wörk"
    checkout.symlink_to(ROOT)
    for file in ("video/front/angry/level_1/001.mp4", "audio/angry/level_1/001.m4a"):
        path = tmp_path / "MÉAD data/W901" / file
        path.parent.mkdir(parents=True)
        path.touch()
    override = {"source": "folder", "folder": "MÉAD data", "speakers": None, "levels": [1]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"data": override}))
    command = snakemake_command(
        tmp_path, "results/data/lists/W901-angry.csv", "--configfile", str(tmp_path / "mine.yaml")
    )
    command["args"][command["args"].index(str(ROOT / "Snakefile"))] = str(checkout / "Snakefile")
    done = subprocess.run(**command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = (tmp_path / "results/data/lists/W901-angry.csv").read_text()
    assert "W901-front-angry-1-001" in listed


def test_random_vgg_weights_are_noted(snakemake, tmp_path):
    output = dry_run(snakemake, tmp_path, {})
    assert "fetch_vgg_weights" not in output
    assert output.count("VGG-19 with random weights") == 2  # in the table, on the page
    # A motion field's loss alone is no translator's.
    alone = {
        "translator": {"loss": {"perceptual": 0}},
        "methods": {"moved": {"label": "Moved", "motion": "fomm"}},
    }
    (note,) = set(re.findall(r"The[^.]*VGG-19 with random", dry_run(snakemake, tmp_path, alone)))
    assert "fomm" in note and "unet" not in note and "translator" not in note


def test_notes_are_those_of_the_data_that_are_used(snakemake, tmp_path):
    assert "two animated portraits" in dry_run(snakemake, tmp_path, {})
    for emotion in ("angry", "neutral"):
        for number in (1, 2):
            clip = tmp_path / f"MEAD/M003/video/front/{emotion}/level_1/{number:03d}.mp4"
            clip.parent.mkdir(parents=True, exist_ok=True)
            clip.touch()
    data = {"source": "folder", "folder": "MEAD", "speakers": None, "levels": [1],
            "emotions": ["angry", "neutral"]}  # fmt: skip
    output = dry_run(snakemake, tmp_path, {"data": data})
    assert "portraits" not in output and "synthetic voice" not in output
    assert "Small models" in output


def test_a_neutral_reference_that_cannot_be_had_is_left_out_and_noted(snakemake, tmp_path):
    output = dry_run(snakemake, tmp_path, {"data": {"emotions": ["angry", "sad"]}})
    assert "reference=same_emotion" in output
    assert "reference=neutral" not in output
    assert output.count("Not evaluated with a neutral reference face") == 2


def test_what_has_no_model_is_rendered_once(snakemake, tmp_path):
    override = {"seeds": [0, 1, 2], "methods": {"evp": {"videos": "evp"}}}
    (tmp_path / "evp").mkdir()
    # Its job says so, as of other bad videos.
    (tmp_path / "evp/W901-front-happy-3-001.mp4").symlink_to("unfetched.mp4")
    output = dry_run(snakemake, tmp_path, override)
    runs = set(re.findall(r"method=(\w+), reference=(\w+), seed=(\d), speaker=\w+\n", output))
    count = {m: sum(run[0] == m for run in runs) for m, *_ in runs}
    assert count == {
        "ground_truth": 1, "copy_reference": 2, "evp": 1,
        "baseline": 6, "ours_wo_msef": 6, "ours_wo_msef_joint": 6, "ours_wo_aatu": 6, "ours": 6,
        "ours_warp": 6,
    }  # fmt: skip


def test_motion_fields_are_rows_by_sound_or_by_the_true_frames(snakemake, tmp_path):
    override = {
        "motion_audio": {
            "models": {"numbers": {"sound": "mfcc_fbank_f0", "train": {"mfcc_offset": 0}}}
        },
        "methods": {
            "numbers": {"label": "Numbers", "motion": "numbers"},
            "heard": {"label": "Heard", "motion": "audio2head"},
            "posed": {"label": "Posed", "motion": "audio2head", "pose": "truth"},
            "seen": {"label": "Seen", "motion": "fomm", "pose": "truth"},
        },
    }
    output = dry_run(snakemake, tmp_path, override)
    commands = {
        method: re.search(rf"render_clips.py.*--method {method} .*", output)[0]
        for method in override["methods"]
    }
    field, sound = (
        f"results/motion_{stage}/seed0/model.pt" for stage in ("field/fomm", "audio/audio2head")
    )
    assert f"--field {field} --sound {sound} --pose own" in commands["heard"]
    assert f"--field {field} --sound {sound} --pose truth" in commands["posed"]
    assert f"--field {field} --pose truth" in commands["seen"]
    assert f"--field {field}" in re.search(r"train_motion_audio.py --.*", output)[0]
    jobs = {
        name: next(job for job in output.split("\n\n") if f"{rule}/{name}-" in job)
        for rule, names in (
            ("render_clips", ("numbers", "heard")), ("train_motion_audio", ("audio2head",))
        )
        for name in names
    }  # fmt: skip
    numbers = jobs.pop("numbers")
    speaker = re.search(r"speaker=(\w+)", numbers)[1]
    assert f"results/sound/{speaker}-happy.h5" in numbers
    assert not any("results/sound/" in job for job in jobs.values())
    (command,) = [line for line in output.splitlines() if "report_table1.py --scores" in line]
    told = {method["id"]: (method["label"], method["given"]) for method in methods_of(command)}
    assert told["heard"] == ("Heard", "one, own, voice, seen")
    assert told["posed"] == ("Posed, true head pose", "one, truth, voice, seen")
    assert told["seen"] == ("Seen", "video, truth, video, seen")
    gates = ["results/motion_field/fomm/seed0/gates.csv"]
    for method in methods_of(command):
        assert method["gates"] == (gates if method["id"] in override["methods"] else [])


def test_bundles_and_the_warp_are_rows_and_say_where_heads_are(snakemake, tmp_path):
    (tmp_path / "theirs.h5").write_text("a bundle")
    override = {
        "seeds": [0, 1],
        "methods": {
            "theirs": {"label": "Theirs", "bundle": "theirs.h5", "pose": "truth"},
            "their_translator": {"bundle": "theirs.h5", "landmarks": "truth", "pose": "truth"},
            "warped": {"label": "Warp", "landmarks": "truth", "translator": "warp"},
            "moved": {"landmarks": "reference", "translator": "warp", "pose": "truth"},
        },
    }
    output = dry_run(snakemake, tmp_path, override)
    runs = set(re.findall(r"method=(\w+), reference=(\w+), seed=(\d), speaker=\w+\n", output))
    assert {(m, len([r for r in runs if r[0] == m])) for m in override["methods"]} == {
        ("theirs", 2), ("their_translator", 2), ("warped", 2), ("moved", 2),
    }  # fmt: skip
    commands = {
        method: re.search(rf"render_clips.py.*--method {method} .*", output)[0]
        for method in [*override["methods"], "ours"]
    }
    assert (
        "--landmarks bundle --translator bundle --bundle theirs.h5 --pose truth"
        in commands["theirs"]
    )
    assert "--landmarks truth --translator bundle" in commands["their_translator"]
    assert "--landmarks truth --translator warp  --pose own" in commands["warped"]
    assert "--pose own" in commands["ours"] and "--bundle" not in commands["ours"]
    (command,) = [line for line in output.splitlines() if "report_table1.py --scores" in line]
    labels = {method["id"]: method["label"] for method in methods_of(command)}
    assert labels | {
        "theirs": "Theirs, true head pose", "their_translator": "their_translator",
        "warped": "Warp", "moved": "moved, true head pose", "ours": "Ours",
    } == labels  # fmt: skip


def test_imagenet_weights_are_fetched_and_awaited(snakemake, tmp_path):
    loss = {"vgg_weights": "imagenet", "vgg_width": 1}
    override = {"translator": {"loss": loss, "downloads": "kept here"}}
    output = dry_run(snakemake, tmp_path, override)
    assert re.search(r"^fetch_vgg_weights +1$", output, re.MULTILINE)
    assert "--downloads 'kept here' --output results/translator/vgg19.pth" in output
    inputs = re.findall(r"^rule train_translator:\n +input: (.*)", output, re.MULTILINE)
    assert len(inputs) == 3
    assert all("results/translator/vgg19.pth" in line for line in inputs)
    assert output.count('"vgg_weights": "results/translator/vgg19.pth"') == 3
    assert "random weights" not in output


NETWORKS = ("lpips", "fid", "syncnet", "fvd", "arcface", "emotion_fan")


@pytest.mark.parametrize(
    "given", [(), NETWORKS, ("arcface",), ("emotion_fan", "syncnet"), ("fvd",)]
)
def test_weights_that_are_given_are_used_and_no_others(snakemake, tmp_path, given):
    """A job a run and speaker; sums over speakers where a metric is of a whole method."""
    for name in given:
        (tmp_path / f"{name} 1.pth").write_bytes(b"read when the rule runs")
    weights = {name: f"{name} 1.pth" for name in given}
    output = dry_run(snakemake, tmp_path, {"evaluation": {"weights": weights}})
    jobs = dict(re.findall(r"^([a-z_]+) +(\d+)$", output, re.MULTILINE))
    scored = jobs["score_clips"]
    runs = set(re.findall(r"method=(\w+), reference=(\w+), seed=(\d), ", output))
    assert jobs.get("score_networks") == (scored if given else None)
    whole = {"fid", "fvd"} & set(given)
    assert jobs.get("score_fid") == (str(len(runs)) if whole else None)
    missing = set(re.findall(r"evaluation\.weights\.(\w+) names no file", output))
    assert missing == set(NETWORKS) - set(given)
    commands = re.findall(r"python \S*score_networks\.py.*", output)
    assert len(commands) == int(scored if given else 0)
    for command in commands:
        asked = dict(re.findall(r"--weights (\w+)='(.*?)'", command))
        assert asked == weights
        assert ("--sums " in command) == bool(whole)
        # Those that see faces want to know where the rendered ones are.
        assert ("--landmarks " in command) == bool({"arcface", "emotion_fan"} & set(given))
        is_truth = "--method ground_truth " in command
        assert ("--true-landmarks " in command) == ("arcface" in given and not is_truth)


def test_lint_is_clean(snakemake, tmp_path):
    done = snakemake(tmp_path, "--lint")
    assert done.returncode == 0, done.stderr
