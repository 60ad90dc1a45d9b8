import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from method_factory import CONFIG, save_models, write_face, write_voice

from emohead import cli
from emohead.cli import main
from emohead.data.mead import EMOTIONS
from emohead.generate.bundle import export_bundle
from emohead.generate.card import make_card
from emohead.media.reading import read_video


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    landmarks, translator = save_models(folder)
    export_bundle(landmarks, translator, folder / "ours.h5", card=make_card(CONFIG, "ours", 0))
    return {
        "audio": write_voice(folder / "voice.wav", 1.2),
        "face": write_face(folder / "face.png"),
        "model": folder / "ours.h5",
    }


def generate(capsys, inputs: dict[str, Path], out: Path, *more: str, **other: Path):
    """Exit status, standard output and error of `emohead generate`."""
    flags = [
        str(part) for name, path in {**inputs, **other}.items() for part in (f"--{name}", path)
    ]
    status = main(["generate", *flags, "--out", str(out), "--quiet", "--device", "cpu", *more])
    return status, *capsys.readouterr()


def test_a_video_is_made(capsys, inputs, tmp_path):
    status, out, err = generate(capsys, inputs, tmp_path / "talk.mp4")
    assert (status, err) == (0, "")
    assert out == f"{tmp_path}/talk.mp4: 1.2 s, 30 frames\n"
    assert len(read_video(tmp_path / "talk.mp4")) == 30


def test_the_belief_is_printed(capsys, inputs, tmp_path):
    status, out, _ = generate(
        capsys, inputs, tmp_path / "talk.mp4", "--emotion", str(tmp_path / "e.csv")
    )
    header, first, second, _ = out.splitlines()
    assert status == 0
    assert header.split() == ["second", *EMOTIONS]
    assert [first.split()[0], second.split()[0]] == ["0", "1"]
    written = np.loadtxt(tmp_path / "e.csv", delimiter=",", skiprows=1)
    shown = [float(share.rstrip("%")) for share in first.split()[1:]]
    np.testing.assert_allclose(shown, 100 * written[0, 1:], atol=0.51)


def test_of_several_faces_the_largest_speaks_and_it_is_said(capsys, inputs, tmp_path):
    face = write_face(tmp_path / "two.png", faces=2)
    status, out, _ = generate(capsys, inputs, tmp_path / "talk.mp4", face=face)
    assert status == 0
    assert "two.png: 2 faces are seen; the largest one speaks" in out


def _grey(path: Path) -> Path:
    cv2.imwrite(str(path), np.full((200, 200, 3), 128, np.uint8))
    return path


def _silent(path: Path) -> Path:
    path.write_bytes(write_voice(path, 1).read_bytes()[:44] + bytes(32_000))
    return path


def _text(path: Path) -> Path:
    path.write_text("Dear Sir or Madam,\nthis is a letter.\n" * 20)
    return path


BAD = {
    "no face": ({"face": lambda f: _grey(f / "wall.png")}, "wall.png: no face"),
    "silent": ({"audio": lambda f: _silent(f / "silent.wav")}, "silent.wav: the sound is silent"),
    "no file": ({"audio": lambda f: f / "nothing.wav"}, "nothing.wav: "),
    "no picture": ({"face": lambda f: f / "nothing.png"}, "nothing.png: "),
    "wrong model": ({"model": lambda f: _text(f / "ours.h5")}, "ours.h5: not a bundle of emohead"),
    "no model": ({"model": lambda f: f / "none.h5"}, "none.h5: there is no such bundle"),
}


@pytest.mark.parametrize(("wrong", "words"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_one_line(capsys, inputs, tmp_path, wrong, words):
    other = {name: make(tmp_path) for name, make in wrong.items()}
    status, out, err = generate(capsys, inputs, tmp_path / "made/talk.mp4", **other)
    assert (status, out) == (1, "")
    assert err.startswith("emohead: ")
    assert err.count("\n") == 1
    assert words in err
    assert not (tmp_path / "made/talk.mp4").exists()


@pytest.mark.parametrize("flag", ["--out", "--save-landmarks", "--emotion"])
def test_a_place_that_cannot_be_written_is_said_before_the_work(capsys, inputs, tmp_path, flag):
    folder = tmp_path / "folder.mp4"
    folder.mkdir()
    (tmp_path / "file").touch()
    below = tmp_path / "file/talk.mp4"  # a closed folder is none for root
    for place, words in ((below, "can't be written"), (folder, "is a folder, name a file in it")):
        more = [] if flag == "--out" else [flag, str(place)]
        out = place if flag == "--out" else tmp_path / "talk.mp4"
        status, _, err = generate(capsys, inputs, out, *more)
        assert (status, err.count("\n")) == (1, 1)
        assert f"{place.name}: {words}" in err
        assert sorted(tmp_path.iterdir()) == [tmp_path / "file", folder]


@pytest.mark.parametrize("twice", ["out", "landmarks", "audio", "model"])
def test_two_files_of_one_name_are_refused(capsys, inputs, tmp_path, twice):
    out, table = tmp_path / "talk.mp4", tmp_path / "table.csv"
    more, other = ["--emotion", str(table)], {}
    if twice == "out":
        more += ["--save-landmarks", str(out)]
    elif twice == "landmarks":
        more += ["--save-landmarks", f"{tmp_path}/./table.csv"]
    elif twice == "model":
        other = {"model": Path(shutil.copy(inputs["model"], table))}
    else:
        other = {"audio": Path(shutil.copy(inputs["audio"], out))}
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    status, _, err = generate(capsys, inputs, out, *more, **other)
    assert status == 1
    assert "is named twice" in err and err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_gpu_that_is_not_there_is_said(capsys, inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    status, _, err = generate(capsys, inputs, tmp_path / "talk.mp4", "--device", "cuda")
    assert (status, err.count("\n")) == (1, 1)
    assert "no GPU" in err


@pytest.mark.parametrize(
    ("flag", "value", "words"),
    [
        ("--nodes", "0", "must be above 0"),
        ("--cores", "-1", "must be above 0"),
        ("--tflops", "nan", "must be above 0"),
        ("--gpus", "-1", "must not be below 0"),
    ],
)
def test_a_plan_for_no_machine_is_refused(capsys, tmp_path, flag, value, words):
    assert main(["plan", "--config", str(tmp_path / "c.yaml"), flag, value]) == 1
    assert capsys.readouterr().err == f"emohead: {flag} {value}: it {words}\n"


def test_export_and_info(capsys, tmp_path):
    landmarks, translator = save_models(tmp_path)
    for model, file in (("landmarks/audio2lm_msef", landmarks), ("translator/aatu", translator)):
        folder = tmp_path / "results" / model / "seed0"
        folder.mkdir(parents=True)
        file.rename(folder / "model.pt")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    results, out = str(tmp_path / "results"), str(tmp_path / "ours.h5")
    assert main(["export", "--model", results, "--out", out]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: ")
    assert main(["info", "--model", out]) == 0
    of_bundle = capsys.readouterr().out
    assert main(["info", "--model", results]) == 0
    assert capsys.readouterr().out == of_bundle
    assert "Audio2Lm with MSEF" in of_bundle
    (tmp_path / "folder.h5").mkdir()
    assert main(["export", "--model", results, "--out", str(tmp_path / "folder.h5")]) == 1
    assert "folder.h5: is a folder" in capsys.readouterr().err
    assert main(["export", "--model", results, "--out", f"{out}/ours.h5"]) == 1
    assert "ours.h5: can't be written (" in capsys.readouterr().err


def test_export_of_a_method_without_models(capsys, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (tmp_path / "results").mkdir()
    out = tmp_path / "ours.h5"
    status = main(["export", "--model", str(tmp_path / "results"), "--out", str(out)])
    assert status == 1
    assert "there is no such model: run the workflow first" in capsys.readouterr().err
    assert not out.exists()


def start_metrics(**environment: str) -> subprocess.Popen:
    """`emohead metrics`, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "import sys; from emohead.cli import main; sys.exit(main())",
         "metrics"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parent.parent)} | environment,
    )  # fmt: skip


def test_a_reader_that_has_seen_enough_is_no_error():
    with start_metrics() as process:
        process.stdout.close()  # as `head` does
        assert process.stderr.read() == ""
    assert process.returncode == 128 + 13  # SIGPIPE


def test_what_the_terminal_cannot_show_is_no_error():
    with start_metrics(PYTHONIOENCODING="ascii") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "\\u" in out or "\\x" in out
