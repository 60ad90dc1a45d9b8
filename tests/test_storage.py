"""Runs whose jobs share no disk: what a job reads is brought to it, what it writes is taken away.

    EMOHEAD_STORAGE=1 .venv/bin/pytest tests/test_storage.py # a folder for a bucket; rsync
    EMOHEAD_S3=1 .venv/bin/pytest tests/test_storage.py # S3, by moto's server; pip

Each job has a folder of its own, by the executor in tests/executor, and sees neither the checkout
nor a person's own files: a mount hides them from it (unshare).
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from fsspec import AbstractFileSystem
from method_factory import CONFIG, save_models
from PIL import Image
from scipy.io import wavfile
from skimage.data import astronaut
from test_sources import join
from torchvision.models import alexnet
from torchvision.models.vgg import cfgs, make_layers
from warm_python import warm_python

from emohead.data.mead import audio_path, video_path
from emohead.generate.bundle import export_bundle
from emohead.generate.card import make_card
from emohead.mini.dataset import make_speaker

ROOT = Path(__file__).parent.parent
SMOKE = "config/smoke.yaml"
#: What a job is sent: the checkout's own files, of which git knows.
SOURCES = (
    "Snakefile", "config.yaml", "config", "envs", "profiles", "report", "rules", "schemas",
    "workflow_scripts",
)  # fmt: skip
#: Rules that run where Snakemake was started, and may see a person's own files.
AT_HOME = {"bring_file", "bring_folder", "collect_clips", "collect_notes", "list_footage"}


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout of the files as they are."""
    folder = tmp_path / "checkout"
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@dataclass(frozen=True)
class Storage:
    """Snakemake's flags of a storage, its URL, its clients' variables, and a Python with them."""

    flags: list[str]
    url: str
    variables: dict[str, str]
    environment: Path


def folder_storage(folder: Path) -> Storage:
    flags = ["--default-storage-provider", "fs", "--default-storage-prefix", str(folder)]
    return Storage(flags, folder.as_uri(), {}, Path(sys.executable))


@pytest.fixture(scope="module")
def s3(tmp_path_factory) -> Iterator[Storage]:
    """A server of S3 on this machine, and an environment with Snakemake's client of it."""
    folder = tmp_path_factory.mktemp("s3")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "ours.pth").write_text(sysconfig.get_path("purelib"))
    python = folder / "bin/python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    # s3fs goes with this botocore, and boto3 must.
    packages = ["moto[server]", "snakemake-storage-plugin-s3", f"botocore=={version('botocore')}"]
    subprocess.run([*install, *packages], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {
        "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }  # fmt: skip
    with (
        pytest.MonkeyPatch.context() as patch,
        subprocess.Popen([python, "-m", "moto.server", "--port", str(port)]) as server,
    ):
        for name, value in variables.items():
            patch.setenv(name, value)
        for _ in range(600):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        fsspec.filesystem("s3").mkdir("emohead")
        flags = ["--default-storage-provider", "s3", "--default-storage-prefix"]
        yield Storage([*flags, "s3://emohead/run"], "s3://emohead/run", variables, python)
        server.terminate()


def hide(folders: list[Path], environment: Path, script: Path) -> Path:
    """Write a script that stands in for an environment's Python, and to which folders are empty."""
    mounts = "".join(f"mount -t tmpfs none {shlex.quote(str(each))} && " for each in folders)
    start = f'{mounts}exec {shlex.quote(str(environment))} "$@"'
    script.write_text(
        f'#!/bin/sh\nexec unshare --map-root-user --mount sh -c {shlex.quote(start)} sh "$@"\n'
    )
    script.chmod(0o755)
    return script


@pytest.fixture
def on_storage(checkout, own, tmp_path, variables):
    """`on_storage(storage, *arguments)`: a run from the checkout, its jobs apart."""
    apart = tmp_path / "apart"
    apart.mkdir()

    def run(storage: Storage, *arguments: str) -> subprocess.CompletedProcess[str]:
        python = hide([checkout, own], storage.environment, tmp_path / "hidden")
        with warm_python(python) as python:
            path = [Path(python).parent, storage.environment.parent, os.environ["PATH"]]
            return subprocess.run(
                [
                    storage.environment, "-m", "snakemake", "--nocolor", "--executor", "apart",
                    "--jobs", "2", "--seconds-between-status-checks", "1", "--latency-wait", "0",
                    "--shared-fs-usage", "none", *storage.flags, *arguments,
                ],
                cwd=checkout, capture_output=True, text=True,
                env={
                    **variables, **storage.variables, "APART": str(apart),
                    "PATH": os.pathsep.join(map(str, path)),
                    "PYTHONPATH": str(ROOT / "tests/executor"),
                },
            )  # fmt: skip

    return run


@pytest.fixture
def own(tmp_path) -> Path:
    """A folder of files that only the person has who starts Snakemake."""
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


@pytest.fixture
def own_config(own, checkout) -> Path:
    """A config of a person's own files of every kind, which are empty."""
    names = {
        "voice": "voice.wav", "face": "face.png", "head": "head.mp4", "vgg": "vgg.pth",
        "lpips": "lpips.pth", "list": "list.txt", "bundle": "theirs.h5",
    }  # fmt: skip
    for speaker in ("Ann", "Bo"):
        for emotion in ("angry", "neutral"):
            for folder in ("footage", "videos"):
                (own / folder / emotion).mkdir(parents=True, exist_ok=True)
                (own / folder / emotion / f"{speaker}_1.mp4").touch()
    for name in names.values():
        (own / name).touch()
    at = {key: str(own / name) for key, name in names.items()}
    config = {
        "data": {
            "source": "footage", "speakers": None,
            "footage": {
                "names": "{emotion}/{speaker}_{number}.mp4", "folder": str(own / "footage"),
            },
        },
        "split": {"unit": "list", "list": at["list"]},
        "translator": {"loss": {"vgg_weights": at["vgg"], "vgg_width": 1}},
        "evaluation": {"weights": {"lpips": at["lpips"]}},
        "methods": {
            "theirs": {"videos": str(own / "videos"), "names": "{emotion}/{speaker}_{number}.mp4"},
            "bundled": {"bundle": at["bundle"]},
        },
        "generate": {
            "requests": {"talk": {"audio": at["voice"], "face": at["face"], "head": at["head"]}}
        },
    }  # fmt: skip
    (checkout / "mine.yaml").write_text(yaml.safe_dump(config))
    return checkout / "mine.yaml"


@pytest.mark.end_to_end
def test_commands_name_what_is_brought_to_them(on_storage, own, own_config, jobs, tmp_path):
    done = on_storage(
        folder_storage(tmp_path / "bucket"), "all", "generated", "ablations", "study",
        "export_inputs", "--dry-run", "--printshellcmds", "--configfile", SMOKE, own_config.name,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert jobs(done)["train_translator"] == 3
    # Voice, face, head, both weights, list and bundle; four shards' footage, two speakers' videos.
    assert (jobs(done)["bring_file"], jobs(done)["bring_folder"]) == (7, 6)
    commands = re.findall(r"^(?:local)?rule (\w+):\n.*?^Shell command: ([^\n]*)", said, re.M | re.S)
    assert len(commands) > 80
    for rule, command in commands:
        # Curves and samples are to look at while a training runs.
        assert not re.search(r"(?<![\w/])results/(?!logs/)", command), command
        words = shlex.split(command)
        # A bundle's card, and the page, tell readers the config.
        flags = ["", *words[:-1]]
        pairs = zip(flags, words, strict=True)
        read = [word for flag, word in pairs if flag not in ("--card", "--config")]
        assert rule in AT_HOME or not any(str(own) in word for word in read), command


def opt_in(variable: str, what: str):
    reason = f"runs the workflow twice: only with {variable}=1, and {what}"
    return pytest.mark.skipif(not (os.environ.get(variable) and shutil.which(what)), reason=reason)


on_folder = opt_in("EMOHEAD_STORAGE", "rsync")


@pytest.fixture
def small(checkout) -> list[str]:
    """The smoke preset of one speaker, with one method and reference face, and one request of it.

    Its sound and face lie below the checkout, and git doesn't know of them.
    """
    rate = 16_000
    sound = np.sin(np.arange(rate // 2) * 2 * np.pi * 220 / rate)
    wavfile.write(checkout / "voice.wav", rate, (20_000 * sound).astype(np.int16))
    Image.fromarray(astronaut()[:256, 96:352]).save(checkout / "face.png")
    methods = yaml.safe_load((checkout / "config.yaml").read_text())["methods"]
    request = {"audio": "voice.wav", "face": "face.png"}
    config = {
        "data": {"speakers": ["W901"]},
        "methods": {name: None for name in methods if name != "ours"},
        "evaluation": {"references": ["same_emotion"]},
        "study": {"methods": ["ours"]},
        "generate": {"method": "ours", "requests": {"talk": request}},
    }
    (checkout / "small.yaml").write_text(yaml.safe_dump(config))
    return ["all", "generated", "--configfile", SMOKE, "small.yaml"]


@pytest.fixture
def compare(on_storage, checkout, snakemake, tmp_path, monkeypatch):
    """`compare(storage, *arguments)`: the same tables from a run on it as from one on a disk.

    Returns where all lies: on storage, as fsspec's file system and a folder of it, and on the disk.
    """

    def run(storage: Storage, *arguments: str) -> tuple[AbstractFileSystem, str, Path]:
        seconds, disk = {}, tmp_path / "disk"
        shutil.copytree(checkout, disk)
        for name in ("storage", "disk"):
            started = time.monotonic()
            if name == "storage":
                done = on_storage(storage, *arguments)
            else:
                monkeypatch.chdir(disk)  # where the paths of config files begin
                done = snakemake(disk, *arguments, root=disk)
            seconds[name] = round(time.monotonic() - started)
            assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
        print(seconds)
        assert not (checkout / "results").exists()
        files, top = fsspec.url_to_fs(storage.url)
        tables = [*(disk / "results/report").rglob("*.csv")]
        assert {"table1.csv", "claims.csv", "emotions.csv"} <= {table.name for table in tables}
        for table in tables:
            name = table.relative_to(disk)
            assert files.cat_file(f"{top}/{name}") == table.read_bytes(), name
        assert files.exists(f"{top}/results/report/index.html")
        return files, top, disk

    return run


@pytest.mark.end_to_end
@on_folder
def test_the_smoke_preset_in_a_folder(compare, tmp_path):
    files, top, disk = compare(folder_storage(tmp_path / "bucket"), "all", "--configfile", SMOKE)
    trained = [*disk.glob("results/*/*/seed0/model.pt")]
    assert len(files.glob(f"{top}/state/*/*/*/last.ckpt")) == len(trained) > 5


@pytest.mark.end_to_end
@opt_in("EMOHEAD_S3", "git")
def test_a_small_run_on_s3(compare, s3, small):
    files, top, _ = compare(s3, *small)
    assert files.exists(f"{top}/results/generated/talk.mp4")
    # The last checkpoint of both trainings.
    assert len(files.glob(f"{top}/state/*/*/*/last.ckpt")) == 2


@pytest.fixture
def own_files(own, own_config, checkout, small, tmp_path) -> None:
    """Clips of the mini data set and untrained networks in the place of `own_config`'s empty files.

    Footage is named by a table, and there is one speaker.
    """
    for path in [*own.rglob("Bo_*"), *own.rglob("Ann_*")]:
        path.unlink()
    emotions = {"angry": 3, "neutral": 1}
    table = ["file,speaker,emotion,level"]
    make_speaker(tmp_path / "mini", "W901", emotions=[*emotions], sentences=3, frame_size=128)
    for emotion, level in emotions.items():
        for number in (1, 2, 3):
            clip = tmp_path / "mini", "W901"
            name = f"{emotion}/Ann_{number}.mp4"
            picture = video_path(*clip, "front", emotion, level, number)
            join(picture, audio_path(*clip, emotion, level, number), own / "footage" / name)
            table.append(f"{name},Ann,{emotion},{level}")
        shutil.copy(own / "footage" / name, own / "videos" / name)
    (own / "table.csv").write_text("\n".join(table))
    (own / "list.txt").write_text("Ann-front-angry-3-003\nAnn-front-neutral-1-003\n")
    shutil.copy(own / "footage/neutral/Ann_1.mp4", own / "head.mp4")
    for name in ("voice.wav", "face.png"):
        (checkout / name).rename(own / name)
    for name, layers in (("vgg", make_layers(cfgs["E"])), ("lpips", alexnet().features)):
        state = {f"features.{key}": value for key, value in layers.state_dict().items()}
        torch.save(state, own / f"{name}.pth")
    card = make_card({**CONFIG, "features": {"crop_size": 64}}, "ours", 0)
    export_bundle(*save_models(own), own / "theirs.h5", card=card)
    config = yaml.safe_load(own_config.read_text())
    config["data"]["footage"] |= {"names": None, "table": str(own / "table.csv")}
    config["features"] = {"crop_size": 64}
    config["translator"]["train"] = {"epochs": 1, "frames_per_clip": 4}
    own_config.write_text(yaml.safe_dump(config))


@pytest.mark.end_to_end
@on_folder
def test_own_files_are_carried(compare, small, own_files, own_config, tmp_path):
    storage = folder_storage(tmp_path / "bucket")
    files, top, disk = compare(storage, *small, own_config.name)
    scores = pd.read_parquet(disk / "results/evaluation/scores.parquet")
    lpips = scores[scores["metric"] == "lpips"]
    assert {"ours", "theirs", "bundled"} <= {*lpips["method"]}
    assert files.exists(f"{top}/results/generated/talk.mp4")
