"""The image as it is run: by a user that it doesn't know, read-only, without a network.

    tests/image/build.sh # once, as root: Debian's buildah makes it
    EMOHEAD_IMAGE=1 .venv/bin/pytest tests/test_image.py

As `docker run --read-only --tmpfs /tmp --network none --user 12345` has it, with what Linux has for
that: mounts and a network of its own (unshare), and chroot. Not part of `make test`: it needs root.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from method_factory import write_face, write_voice
from test_serve_page import free_port, gradio_client

from emohead.media.reading import read_video

CONFIG = "/opt/emohead/config.yaml", "/opt/emohead/config/smoke.yaml"
#: A user that no system has.
USER = 12345
#: What turns sources into programs, wherever on the image's PATH.
COMPILERS = ("cc", "c++", "gcc", "g++", "clang", "as", "ld", "make", "nvcc", "rustc", "cargo", "go")
MOUNTS = """
set -e
touch "$1/etc/hosts" # Docker lays one over it
mount --bind "$1" "$2" && mount --bind /etc/hosts "$2/etc/hosts"
mount -o remount,bind,ro "$2"
mount --bind "$3" "$2/run/emohead"
mount -t tmpfs -o mode=1777 none "$2/tmp"
mount -t proc none "$2/proc" && mount --rbind /dev "$2/dev"
view="$2" && shift 3
exec chroot --userspec="$USER:$USER" --groups= "$view" env -i "$@"
"""

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(
        not os.environ.get("EMOHEAD_IMAGE"),
        reason="needs the image that tests/image/build.sh makes, and root: with EMOHEAD_IMAGE=1",
    ),
]


@dataclass(frozen=True)
class Image:
    """The image's file system, its config, where it is seen read-only, and what is /run/emohead."""

    root: Path
    config: dict
    view: Path
    run_folder: Path

    def command(self, *words: str, network: bool = False) -> dict:
        """What subprocess needs to run a command inside."""
        own = ["--mount"] if network else ["--mount", "--net"]
        folders = map(str, (self.root, self.view, self.run_folder))
        # Nothing of our environment: one thread is for a machine that has other work, too.
        variables = [*self.config["Env"], "OMP_NUM_THREADS=1"]
        return {
            "args": [
                "unshare", *own, "sh", "-c", MOUNTS, "sh", *folders,
                f"--chdir={self.config['WorkingDir']}", *variables,
                *words,
            ],
            "env": {"PATH": os.environ["PATH"], "USER": str(USER)},
        }  # fmt: skip

    def run(self, *words: str) -> str:
        """Run a command inside, which must succeed; what it said."""
        started = time.monotonic()
        done = subprocess.run(**self.command(*words), capture_output=True, text=True)
        print(f"{words[0]}: {time.monotonic() - started:.0f} s")
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
        return done.stdout + done.stderr


def buildah(*arguments: str) -> str:
    done = subprocess.run(["buildah", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Iterator[Image]:
    config = json.loads(buildah("inspect", "--type", "image", "emohead"))["Docker"]["config"]
    container = buildah("from", "--pull-never", "emohead")
    folder = tmp_path_factory.mktemp("image")
    for name in ("view", "run"):
        (folder / name).mkdir()
    os.chown(folder / "run", USER, USER)
    try:
        root = Path(buildah("mount", container))
        yield Image(root, config, folder / "view", folder / "run")
    finally:
        buildah("rm", container)


@pytest.fixture(scope="module")
def smoke(image) -> Path:
    """The folder of the smoke preset's run."""
    image.run(*image.config["Entrypoint"], "--cores", "2", "--configfile", CONFIG[1])
    return image.run_folder


@pytest.fixture(scope="module")
def bundle(image, smoke) -> str:
    flags = ("--model", "results", "--method", "ours_warp", "--configfile", *CONFIG)
    image.run("emohead", "export", *flags, "--out", "ours_warp.h5")
    return "ours_warp.h5"


def test_nothing_can_be_written_but_what_is_ours(image):
    for folder in ("/", "/opt/emohead", "/usr/local/bin"):
        done = subprocess.run(**image.command("touch", f"{folder}/mine"), capture_output=True)
        assert b"Read-only file system" in done.stderr


def test_there_is_no_compiler_no_cache_and_no_setting_of_the_machine_that_built_it(image):
    found = image.run("sh", "-c", f"command -v {' '.join(COMPILERS)} || true")
    assert found.split() == []
    for cache in ("root/.cache", "var/cache/apt/archives", "var/lib/apt/lists", "tmp"):
        files = [path for path in (image.root / cache).rglob("*") if path.is_file()]
        assert {path.name for path in files} <= {"lock"}, files
    for name in ("etc/pip.conf", "root/.config", "root/.pip"):
        assert not [path for path in (image.root / name).rglob("*") if path.is_file()]
    assert not [each for each in image.config["Env"] if re.search("pip|index|proxy", each, re.I)]


def test_the_smoke_preset_ends_in_a_report(smoke):
    for name in ("index.html", "table1.csv", "claims.csv", "data.html"):
        assert (smoke / "results/report" / name).stat().st_uid == USER


def test_a_voice_and_a_face_become_a_video(image, bundle):
    write_voice(image.run_folder / "voice.wav", 1)
    write_face(image.run_folder / "face.png")
    given = ("--model", bundle, "--audio", "voice.wav", "--face", "face.png")
    image.run("emohead", "generate", *given, "--out", "talk.mp4")
    assert read_video(image.run_folder / "talk.mp4").shape[0] == 25


@contextmanager
def serving(image: Image, bundle: str) -> Iterator[str]:
    port = str(free_port())
    words = ("emohead", "serve", "--model", bundle, "--host", "0.0.0.0", "--port", port)
    with subprocess.Popen(
        **image.command(*words, network=True), stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert any(port in line for line in server.stdout)  # which it then waits for no longer
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


def test_the_page_answers(image, bundle, tmp_path):
    with serving(image, bundle) as page:
        client = gradio_client.Client(
            page, verbose=False, download_files=tmp_path, analytics_enabled=False,
            httpx_kwargs={"timeout": 300},
        )  # fmt: skip
        voice = write_voice(tmp_path / "voice.wav", 1)
        face = write_face(tmp_path / "face.png")
        facts, video, *_ = client.predict(
            face=gradio_client.handle_file(face), voice=gradio_client.handle_file(voice),
            consent=True, paste=False, watermark=True, api_name="/generate",
        )  # fmt: skip
        client.close()
    assert "25 frames" in facts
    assert read_video(Path(video)).shape[0] == 25
