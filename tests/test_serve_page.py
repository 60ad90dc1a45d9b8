"""The page as a browser or a program meets it, through its socket."""

import json
import os
import socket
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import psutil
import pytest
from method_factory import CONFIG, CROP_SIZE, landmark_model, translator, write_face, write_voice
from PIL import Image

from emohead.generate.bundle import Bundle
from emohead.generate.card import make_card
from emohead.media.reading import read_video
from emohead.serve.address import Address
from emohead.serve.examples import Example
from emohead.serve.limits import Limits
from emohead.serve.server import page_server

gradio_client = pytest.importorskip(
    "gradio_client", reason="the page is optional: pip install 'gradio>=6.31,<7'"
)
import httpx  # noqa: E402 (comes with Gradio)

SECONDS, FRAMES = 1.2, 30
LIMITS = Limits(upload_megabytes=1, seconds=3, waiting=2)


def bundle(**options) -> Bundle:
    return Bundle(landmark_model(**options), translator(), CROP_SIZE, make_card(CONFIG, "ours", 0))


def free_port() -> int:
    """Below those that the system gives to whoever wants any: nobody takes it before the page."""
    for port in range(20_000 + os.getpid() % 10_000, 32_768):
        with socket.socket() as asked, suppress(OSError):
            asked.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


@pytest.fixture(scope="module")
def reached():
    """Every host that this process looks up or connects to, from the page's start on."""
    hosts = set()
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def noted_connect(self, address):
        hosts.add(address[0] if isinstance(address, tuple) else "local")
        return connect(self, address)

    def noted_look_up(host, *arguments, **options):
        hosts.add(host)
        return look_up(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", noted_connect)
        patch.setattr(socket, "getaddrinfo", noted_look_up)
        yield hosts


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    """Where this process puts temporary files."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def page(reached, temporary):
    models = {"Ours": bundle(), "Plain": bundle(emotion="none")}
    with pytest.MonkeyPatch.context() as patch:
        # Where the way out leads through proxies, the page must not go it.
        patch.setenv("http_proxy", "http://127.0.0.1:9")
        patch.setenv("ALL_PROXY", "socks://127.0.0.1:9")
        with page_server(models, Address(port=free_port()), LIMITS) as url:
            yield url
    assert not list(temporary.glob("emohead*"))  # nothing is left when the page has ended


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("good")
    return {
        "face": write_face(folder / "face.png"),
        "voice": write_voice(folder / "voice.wav", SECONDS),
        "consent": True,
        "paste": False,
        "watermark": True,
    }


def open_client(page: str, downloads: Path) -> gradio_client.Client:
    # A busy machine is slow to answer, and who doesn't wait is taken to have closed the page.
    return gradio_client.Client(
        page, verbose=False, download_files=downloads, analytics_enabled=False,
        httpx_kwargs={"timeout": 300},
    )  # fmt: skip


@contextmanager
def visitor(page: str, downloads: Path) -> Iterator[Callable[..., list]]:
    """Ask as a visitor: ask(face=..., voice=..., consent=..., paste=..., watermark=...)."""
    client = open_client(page, downloads)

    def ask(**given):
        for name in ("face", "voice"):
            given[name] = given[name] and gradio_client.handle_file(given[name])
        return client.predict(**given, api_name="/generate")

    yield ask
    client.close()


@pytest.fixture(scope="module")
def answer(page, good, tmp_path_factory):
    """What the page answers to good input: the facts, then video, landmarks and curve by model."""
    with visitor(page, tmp_path_factory.mktemp("answer")) as ask:
        facts, *parts = ask(**good)
        yield facts, parts[:3], parts[3:]


def uploads(temporary: Path) -> set[Path]:
    return {path for path in temporary.glob("*/uploads/**/*") if path.is_file()}


def test_both_models_answer_with_a_video_and_its_landmarks(answer):
    facts, *models = answer
    assert facts == f"{SECONDS} s, {FRAMES} frames."
    for video, view, _ in models:
        assert read_video(Path(video)).shape == (FRAMES, CROP_SIZE, CROP_SIZE, 3)
        drawn = read_video(Path(view))
        assert drawn.shape == (FRAMES, 256, 256, 3)
        assert drawn[0].min() < 128 < 240 < np.median(drawn[0])  # lines on white


def test_only_a_model_with_a_classifier_has_a_curve(answer):
    _, (_, _, curve), (_, _, none) = answer
    assert curve["visible"] and curve["value"]["plot"].startswith("data:image/")
    assert none == {"visible": False, "__type__": "update"}


def test_mark_and_paste_are_as_chosen(page, good, answer, tmp_path):
    marked = read_video(Path(answer[1][0])).astype(int)
    with visitor(page, tmp_path) as ask:
        bare = read_video(Path(ask(**good | {"watermark": False})[1]))
        two = write_face(tmp_path / "two.png", faces=2)
        facts, pasted, *_ = ask(**good | {"paste": True, "face": two})
    differs = np.abs(marked - bare).mean(axis=(0, 3)) > 20
    assert differs[CROP_SIZE // 2 :, CROP_SIZE // 2 :].any()
    assert not differs[: CROP_SIZE // 2].any()
    assert read_video(Path(pasted)).shape[2:0:-1] == Image.open(two).size
    assert facts.endswith("The picture shows 2 faces: the largest one speaks.")


def write_sound(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.round(32767 * samples).astype("<i2").tobytes())
    return path


def no_face(folder: Path) -> dict[str, Path]:
    Image.new("RGB", (200, 200), "grey").save(folder / "wall.png")
    return {"face": folder / "wall.png"}


def silent(folder: Path) -> dict[str, Path]:
    return {"voice": write_sound(folder / "silent.wav", np.zeros(32_000))}


def too_long(folder: Path) -> dict[str, Path]:
    tone = np.sin(np.arange(4 * 16_000) / 5)
    return {"voice": write_sound(folder / "speech.wav", 0.3 * tone)}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (no_face, r"wall\.png: no face is seen"),
        (silent, r"silent\.wav: the sound is silent"),
        (too_long, r"speech\.wav: the sound is longer than 3 s"),
        (lambda _: {"face": None}, "Choose a picture with a face"),
        (lambda _: {"voice": None}, "Choose or record a voice"),
        (lambda _: {"consent": False}, "Say first that .* have agreed: tick the box"),
    ],
)
def test_bad_input_is_told_in_a_sentence_without_folders(page, good, tmp_path, make, sentence):
    with (
        visitor(page, tmp_path) as ask,
        pytest.raises(gradio_client.exceptions.AppError, match=f"^{sentence}") as told,
    ):
        ask(**good | make(tmp_path))
    assert "/" not in str(told.value)


def test_a_large_upload_is_refused(page):
    large = {"files": ("face.png", bytes(2_000_000))}
    answer = httpx.post(f"{page}gradio_api/upload", files=large)
    assert (answer.status_code, answer.text) == (413, "the upload is larger than 1 MB")


def test_many_small_files_are_no_way_around(page):
    many = [("files", (f"{i}.png", bytes(500_000))) for i in range(4)]
    assert httpx.post(f"{page}gradio_api/upload", files=many).status_code == 413


def test_an_upload_of_unknown_length_is_refused(page):
    answer = httpx.post(f"{page}gradio_api/upload", content=iter([b"part"]))
    assert answer.status_code == 411


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "application/json"])
def test_chunks_are_no_way_around_the_length(page, content_type):
    address = httpx.URL(page)
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
        f"Content-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((address.host, address.port), timeout=60) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 411 ")


def test_a_long_request_is_refused(page):
    answer = httpx.post(f"{page}gradio_api/queue/join", json={"data": ["x" * 200_000]})
    assert answer.status_code == 413


def test_a_request_nested_too_deeply_is_refused(page):
    answer = httpx.post(
        f"{page}gradio_api/call/generate", content=b"[" * 50_000,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert (answer.status_code, answer.text) == (400, "the request is nested too deeply")


@pytest.mark.parametrize("address", ["http://192.0.2.1/face.png", "HTTPS://192.0.2.1/face.png"])
def test_nothing_is_fetched_from_an_address(page, reached, address):
    file = {"path": address, "meta": {"_type": "gradio.FileData"}}
    answer = httpx.post(f"{page}gradio_api/call/generate", json={"data": [file]})
    assert answer.status_code == 400
    assert "192.0.2.1" not in reached


def test_escapes_are_no_way_around(page):
    body = json.dumps({"data": [{"path": "http://192.0.2.1/x"}]}).replace("http", "\\u0068ttp")
    answer = httpx.post(
        f"{page}gradio_api/call/generate", content=body, headers={"content-type": "text/json"}
    )
    assert answer.status_code == 400


def test_another_sites_name_is_refused(page):
    assert httpx.get(page, headers={"host": "example.org"}).status_code == 400
    assert httpx.get(page).status_code == 200


def test_the_browser_is_told_to_load_from_here_alone(page):
    policy = httpx.get(page).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy and "*" not in policy


def test_nobody_else_is_called(answer, reached):
    assert reached <= {"127.0.0.1", "localhost", "local", None}


def test_the_page_listens_on_loopback_alone(page):
    port = int(page.rstrip("/").rpartition(":")[2])
    listening = [
        each.laddr
        for each in psutil.Process().net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    ]
    assert ("127.0.0.1", port) in listening
    assert {address for address, _ in listening} == {"127.0.0.1"}


def test_two_requests_at_once_are_both_served_one_after_the_other(
    page, good, tmp_path, monkeypatch
):
    from emohead.serve import animation

    spans, generate = [], animation.generate

    def noted(*arguments, **options):
        start = time.monotonic()
        try:
            return generate(*arguments, **options)
        finally:
            spans.append((start, time.monotonic()))

    monkeypatch.setattr(animation, "generate", noted)
    answers = []

    def visit(number: int) -> None:
        with visitor(page, tmp_path / str(number)) as ask:
            answers.append(ask(**good))

    visits = [threading.Thread(target=visit, args=[number]) for number in range(2)]
    for visit_thread in visits:
        visit_thread.start()
    for visit_thread in visits:
        visit_thread.join()
    assert [answer[0] for answer in answers] == 2 * [f"{SECONDS} s, {FRAMES} frames."]
    assert len(spans) == 4  # two models for each
    spans.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_a_visitors_files_are_gone_when_the_page_is_closed(page, good, temporary, tmp_path):
    mine = {name: good[name].with_stem("mine") for name in ("face", "voice")}
    for name, path in mine.items():
        copyfile(good[name], path)
    before = uploads(temporary)
    with visitor(page, tmp_path) as ask:
        ask(**good | mine)
        left = uploads(temporary) - before
        assert {"mine.png", "mine.wav", "talking_head.mp4"} <= {path.name for path in left}
    deadline = time.monotonic() + 300
    while uploads(temporary) & left and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not uploads(temporary) & left


def test_what_was_chosen_and_never_used_is_gone_too(page, good, tmp_path):
    client = open_client(page, tmp_path)
    unused = {"files": ("unused.png", good["face"].read_bytes() + b"unused")}
    (path,) = httpx.post(f"{page}gradio_api/upload", files=unused, timeout=300).json()
    chosen = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for event in client.config["dependencies"]:
        if any(what == "change" for _, what in event["targets"]):  # as the browser says it
            body = {"fn_index": event["id"], "data": [chosen, None]}
            answer = httpx.post(
                f"{page}gradio_api/run/predict", timeout=300,
                json=body | {"session_hash": client.session_hash},
            )  # fmt: skip
            assert answer.status_code == 200
    assert Path(path).exists()
    client.close()
    deadline = time.monotonic() + 300
    while Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(path).exists()


def test_files_of_a_page_that_stays_open_are_kept_for_some_time_only(page, temporary, monkeypatch):
    example = Example(temporary / "face.png", temporary / "voice.m4a", "Somebody")
    example.face.touch()
    example.voice.touch()
    monkeypatch.setattr("emohead.serve.server.make_examples", lambda folder: [example])
    others = uploads(temporary)
    with page_server(
        {"Ours": bundle()}, Address(port=free_port()), Limits(keep_minutes=1 / 60)
    ) as url:
        # It may be gone before we look: the page's answer says that it was there.
        (kept,) = httpx.post(f"{url}gradio_api/upload", files={"files": ("old.png", b"old")}).json()
        assert kept.startswith(str(temporary)) and kept.endswith("old.png")
        deadline = time.monotonic() + 300
        while uploads(temporary) - others and time.monotonic() < deadline:
            time.sleep(0.1)
        assert uploads(temporary) == others
        assert example.face.exists() and example.voice.exists()


def test_a_taken_port_is_told(page, monkeypatch):
    monkeypatch.setattr("emohead.serve.server.make_examples", lambda folder: [])
    taken = int(page.rstrip("/").rpartition(":")[2])
    with (
        pytest.raises(ValueError, match=f"port {taken} of 127.0.0.1 is in use"),
        page_server({"Ours": bundle()}, Address(port=taken), LIMITS),
    ):
        pass
