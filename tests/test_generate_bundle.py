import copy
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import yaml
from method_factory import CONFIG, CROP_SIZE, landmark_model, save_models, translator

from emohead.features.store import ShardWriter
from emohead.generate.bundle import export_bundle, read_bundle, read_run
from emohead.generate.card import make_card
from emohead.generate.describe import describe
from emohead.landmarks.predict import predict_landmarks

CARD = make_card(CONFIG, "ours", 0)


@pytest.fixture
def path(tmp_path) -> Path:
    landmarks, translator_file = save_models(tmp_path)
    export_bundle(landmarks, translator_file, tmp_path / "ours.h5", card=CARD)
    return tmp_path / "ours.h5"


@pytest.fixture
def run(tmp_path) -> Path:
    """The folder results/ of a run, with the config beside it."""
    landmarks, translator_file = save_models(tmp_path)
    for model, file in (
        ("landmarks/audio2lm_msef", landmarks),
        ("translator/aatu", translator_file),
    ):
        folder = tmp_path / "results" / model / "seed3"
        folder.mkdir(parents=True)
        file.rename(folder / "model.pt")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return tmp_path / "results"


def assert_same_models(bundle):
    generator = np.random.default_rng(0)
    mfcc = generator.normal(0, 20, (5, 28, 12)).astype(np.float32)
    reference = generator.uniform(4, 28, (68, 2)).astype(np.float32)
    for made, true in zip(
        predict_landmarks(bundle.landmarks, mfcc, reference, CROP_SIZE),
        predict_landmarks(landmark_model(), mfcc, reference, CROP_SIZE),
        strict=True,
    ):
        np.testing.assert_array_equal(made, true)
    images = torch.rand(1, 6, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(bundle.translator(images), translator()(images))


def test_a_bundle_gives_back_what_was_exported(path):
    bundle = read_bundle(path)
    assert_same_models(bundle)
    assert bundle.crop_size == CROP_SIZE
    assert bundle.card == CARD
    assert not bundle.landmarks.training
    assert not bundle.translator.training


def test_a_bundle_is_arrays_and_text_alone(path):
    kinds = set()
    with h5py.File(path) as file:
        file.visititems(lambda _, item: kinds.add(getattr(item, "dtype", np.dtype("f4")).kind))
        assert set(file) == {"landmarks", "translator"}
        assert all(isinstance(file.attrs[name], str) for name in ("format", "card"))
    assert kinds <= {"f", "i"}  # floating point and whole numbers: no objects


def test_the_same_models_make_the_same_bytes(path, tmp_path):
    export_bundle(
        tmp_path / "landmarks.pt", tmp_path / "translator.pt", tmp_path / "again.h5", card=CARD
    )
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


def test_the_fingerprint_is_of_the_weights(path):
    bundle, other = read_bundle(path), read_bundle(path)
    assert bundle.fingerprint == other.fingerprint
    with torch.no_grad():
        other.landmarks.fc.bias[0] += 1
    assert bundle.fingerprint != other.fingerprint


@pytest.mark.parametrize("kind", ["text", "empty", "checkpoint", "shard", "truncated"])
def test_other_files_are_refused_in_a_sentence(path, tmp_path, kind):
    wrong = tmp_path / "wrong.h5"
    if kind == "text":
        wrong.write_text("a letter")
    elif kind == "empty":
        wrong.touch()
    elif kind == "checkpoint":
        wrong.write_bytes((tmp_path / "landmarks.pt").read_bytes())
    elif kind == "shard":
        with ShardWriter(wrong) as writer:
            writer.add("a", landmarks=np.zeros((1, 68, 2)), frames=np.zeros((1, 8, 8, 3), np.uint8))
    else:
        wrong.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match=r"wrong\.h5: not a bundle of emohead"):
        read_bundle(wrong)


def test_a_bundle_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.h5: there is no such bundle"):
        read_bundle(tmp_path / "none.h5")


def test_a_bundle_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("emohead.generate.bundle.open_hdf5", closed)
    # Nor does it tell what stands in its place, as here, where nothing does.
    with pytest.raises(ValueError, match=r"closed\.h5: not a bundle of emohead .*denied"):
        read_bundle(tmp_path / "closed.h5")


def test_a_bundle_without_a_weight_is_refused(path):
    with h5py.File(path, "a") as file:
        del file["landmarks/weights/fc.bias"]
    with pytest.raises(ValueError, match=r"(?s)ours\.h5: not a bundle of emohead .*fc\.bias"):
        read_bundle(path)


def test_a_run_is_read_by_its_config(run):
    bundle = read_run(run, "ours", 3)
    assert_same_models(bundle)
    assert bundle.card == make_card(CONFIG, "ours", 3)


def test_config_files_are_laid_over_each_other(run, tmp_path):
    other = tmp_path / "mine.yaml"
    other.write_text(yaml.safe_dump({"methods": {"mine": CONFIG["methods"]["ours"]}}))
    bundle = read_run(run, "mine", 3, [tmp_path / "config.yaml", other])
    assert bundle.card["method"] == "mine"
    assert bundle.card["label"] == "Ours"


@pytest.mark.parametrize(
    ("method", "seed", "words"),
    [
        ("theirs", 3, "no method 'theirs'; it has ours, ours_wo_msef, copy"),
        ("copy", 3, "landmarks part is 'reference'"),
        ("ours", 1, r"seed1/model\.pt: there is no such model"),
        ("ours_wo_msef", 3, r"at_net/seed3/model\.pt: there is no such model"),
    ],
)
def test_what_a_run_has_not_is_said(run, method, seed, words):
    with pytest.raises(ValueError, match=words):
        read_run(run, method, seed)


@pytest.mark.parametrize("rejected", [False, True])
def test_the_config_of_another_run_is_noticed(run, rejected):
    if rejected:  # all clips of the first shard
        with ShardWriter(run / "features/W901-angry.h5"):
            pass
        assert read_run(run, "ours", 3).crop_size == 32
    with ShardWriter(run / "features/W901-happy.h5") as writer:
        writer.add("a", landmarks=np.zeros((1, 68, 2)), frames=np.zeros((1, 64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="64 pixels wide, the config says 32"):
        read_run(run, "ours", 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"seeds: [0]", "the config has no key 'methods': give all files .* config.yaml first"),
        (b"- seeds", "mine.yaml: no config"),
        (b"\xff\xfe\x00", "mine.yaml: can't be read as a config"),
    ],
)
def test_what_is_no_whole_config_is_said(run, tmp_path, content, words):
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_run(run, "ours", 3, [tmp_path / "mine.yaml"])


def test_a_run_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ValueError, match="results: there is no such folder"):
        read_run(tmp_path / "results", "ours", 3)


def test_a_run_without_its_config_is_said(run, tmp_path):
    (tmp_path / "config.yaml").unlink()
    with pytest.raises(ValueError, match=r"config\.yaml: can't be read as a config.*--configfile"):
        read_run(run, "ours", 3)


@pytest.mark.parametrize(
    ("keys", "changes"),
    [
        (("landmarks", "models", "audio2lm_msef", "emotion"), True),
        (("translator", "train", "epochs"), True),
        (("data", "speakers"), True),
        (("landmarks", "models", "at_net", "architecture"), False),
        (("report", "note"), False),
    ],
)
def test_the_hash_is_of_what_the_method_was_made_from(keys, changes):
    config = copy.deepcopy(CONFIG)
    place = config
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = "other"
    assert (make_card(config, "ours", 0)["config_hash"] != CARD["config_hash"]) == changes


@pytest.mark.parametrize("wants", ["target", "edges"])
def test_a_method_that_wants_a_target_video_is_refused(wants):
    config = copy.deepcopy(CONFIG)
    if wants == "target":
        config["methods"]["ours"]["target"] = "neutral_video"
    else:
        config["translator"]["models"]["aatu"]["inputs"] = "edges"
    with pytest.raises(ValueError, match="it wants a target video"):
        make_card(config, "ours", 0)


def test_a_method_that_is_moved_is_refused():
    moved = {"label": "Moved", "motion": "audio2head"}
    config = CONFIG | {"methods": CONFIG["methods"] | {"moved": moved}}
    with pytest.raises(ValueError, match=r"'moved' .*: a motion field goes into no bundle"):
        make_card(config, "moved", 0)


def test_what_an_evp_began_with_is_in_its_hash():
    config = copy.deepcopy(CONFIG)
    config["landmarks"]["models"]["audio2lm_msef"]["disentangler"] = "codes"
    hashes = set()
    for epochs in (1, 2):
        config["disentangler"] = {
            "pairs": {"held_back": [3]}, "options": {}, "train": {"epochs": epochs},
            "models": {"codes": {}},
        }  # fmt: skip
        hashes.add(make_card(config, "ours", 0)["config_hash"])
    assert len(hashes) == 2 and CARD["config_hash"] not in hashes


def test_footage_is_not_of_the_speakers_that_the_config_names(path, tmp_path):
    """They don't count with this source: config.yaml's are still there."""
    config = CONFIG | {"data": CONFIG["data"] | {"source": "footage"}}
    out = tmp_path / "footage.h5"
    card = make_card(config, "ours", 0)
    export_bundle(tmp_path / "landmarks.pt", tmp_path / "translator.pt", out, card=card)
    text = describe(read_bundle(out))
    assert "footage" in text
    assert "W901" not in json.dumps(card) + text


def test_another_request_does_not_export_again(snakemake, tmp_path):
    """What Snakemake compares is the command: nothing of the requests is in it."""
    for name in ("voice.wav", "face.png"):
        (tmp_path / name).touch()
    request = {"audio": "voice.wav", "face": "face.png"}
    override = tmp_path / "mine.yaml"
    override.write_text(yaml.safe_dump({"generate": {"requests": {"hello": request}}}))
    done = snakemake(
        tmp_path, "generated", "--configfile", str(override), "--dry-run", "--printshellcmds"
    )
    (command,) = [line for line in done.stdout.splitlines() if "export_bundle.py --" in line]
    assert '"config_hash"' in command
    assert "voice.wav" not in command


def test_the_description_says_what_is_in_it(path):
    text = describe(read_bundle(path))
    for words in (
        "ours (Ours), seed 0",
        "32 x 32 px",
        "Audio2Lm with MSEF (memory double, 5 slots)",
        "6 components",
        "U-Net 4-4-4-4-4, attention cbam",
        "speakers W901",
        "emotions happy, sad",
        CARD["config_hash"],
        "Not for comparison.",
        "non-commercial",
    ):
        assert words in text
