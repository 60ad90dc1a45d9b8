"""The study's server takes good answers once, whole, and nothing else."""

import asyncio
import errno
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import aiohttp
import pytest
from study_factory import good_answers

from emohead import cli
from emohead.study import server as study_server
from emohead.study.answers import MOST_BYTES, read_answers
from emohead.study.key import read_key
from emohead.study.server import StudyServer

TYPE = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def answer(study, tmp_path_factory):
    return good_answers(study, tmp_path_factory.mktemp("good"), 1)[0]


@pytest.fixture
def server(study, tmp_path):
    with StudyServer(study, tmp_path / "answers") as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.05,))
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def ask(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=300)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def fresh(answer):
    return json.dumps(answer | {"rater": os.urandom(16).hex()}).encode()


def test_the_page_and_the_turns_are_served_and_nothing_else_is(server, study):
    status, body, headers = ask(server, "GET", "/")
    assert (status, body) == (200, (study / "study.html").read_bytes())
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers
    turns = [json.loads(ask(server, "GET", "/turn")[1])["turn"] for _ in range(3)]
    assert turns == [0, 1, 2]
    for path in ("/key.json", "/../key.json", "/%2e%2e/key.json", "//key.json", "/answers", "/x"):
        assert ask(server, "GET", path)[0] == 404
    assert ask(server, "POST", "/", b"{}", TYPE)[0] == 404
    assert ask(server, "PUT", "/answers", b"{}", TYPE)[0] == 501


def test_an_answer_is_taken_once_and_never_overwritten(server, answer):
    data = fresh(answer)
    assert ask(server, "POST", "/answers", data, TYPE)[0] == 200
    (path,) = server.answers.iterdir()
    assert path.read_bytes() == data
    assert ask(server, "POST", "/answers", data, TYPE)[0] == 200  # a lost acknowledgement
    other = json.loads(data)
    other["trials"][5]["ee"] = 11 - other["trials"][5]["ee"]
    status, reason, _ = ask(server, "POST", "/answers", json.dumps(other).encode(), TYPE)
    assert status == 422 and b"a second one of the same rater" in reason
    assert list(server.answers.iterdir()) == [path] and path.read_bytes() == data


def test_what_is_no_answer_is_refused(server, answer):
    data = fresh(answer)
    for body, headers, status, words in (
        (b"{}", TYPE, 422, b"lacks"),
        (b"not json", TYPE, 422, b"is not JSON"),
        (json.dumps(answer | {"rater": "../../x"}).encode(), TYPE, 422, b"rater"),
        (json.dumps(answer | {"simulated": True}).encode(), TYPE, 422, b"is made up"),
        (b" " * (MOST_BYTES + 1), TYPE, 413, b"larger than 256 kB"),
        (data, {"Content-Type": "text/plain"}, 415, b"JSON"),
        (data, {"Content-Type": "application/x-www-form-urlencoded"}, 415, b"JSON"),
        (data, TYPE | {"Host": "evil.example"}, 421, b"this machine alone"),
    ):
        got, reason, _ = ask(server, "POST", "/answers", body, headers)
        assert got == status and words in reason, (body[:40], got, reason)
    assert list(server.answers.iterdir()) == []


@pytest.mark.parametrize(
    "head",
    [
        b"POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n",
        b"POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n",
        b"POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: -5\r\n",
    ],
)
def test_a_request_without_a_length_is_refused(server, head):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=300) as connection:
        connection.sendall(head + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 411")


def half_of_an_upload(answer) -> bytes:
    data = fresh(answer)
    return (
        b"POST /answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + f"Content-Length: {len(data)}\r\n\r\n".encode()
        + data[: len(data) // 2]
    )


def test_an_upload_that_breaks_off_leaves_nothing(server, answer):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=300) as connection:
        connection.sendall(half_of_an_upload(answer))
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert list(server.answers.iterdir()) == []


def test_an_upload_that_stands_still_is_no_full_disk(server, answer, monkeypatch, capsys):
    monkeypatch.setattr(study_server._Handler, "timeout", 0.2)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=300) as connection:
        connection.sendall(half_of_an_upload(answer))
        got = b""
        while part := connection.recv(1000):  # until the server hangs up
            got += part
    assert got.startswith(b"HTTP/1.1 400") and got.endswith(b"the request ended early")
    assert capsys.readouterr().out == ""
    assert list(server.answers.iterdir()) == []


@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nHost: [::1\r\n", b"GET http://[x/ HTTP/1.1\r\nHost: localhost\r\n"]
)
def test_an_address_that_makes_no_sense_is_refused(server, head, capsys):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=300) as connection:
        connection.sendall(head + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert capsys.readouterr().err == ""


def test_on_a_disk_without_links_answers_are_taken_too(server, answer, monkeypatch):
    def no_links(source, target):
        raise PermissionError(errno.EPERM, "Operation not permitted")  # as exFAT says it

    monkeypatch.setattr("os.link", no_links)
    data = fresh(answer)
    other = json.loads(data)
    other["trials"][5]["ee"] = 11 - other["trials"][5]["ee"]
    for body, status in ((data, 200), (data, 200), (json.dumps(other).encode(), 422)):
        assert ask(server, "POST", "/answers", body, TYPE)[0] == status
    (path,) = server.answers.iterdir()
    assert path.read_bytes() == data


def test_a_port_that_is_taken_and_a_study_that_is_mixed_up_are_named(server, study, tmp_path):
    for port in (server.server_port, 70_000, -1):
        with pytest.raises(ValueError, match="can't be served"):
            StudyServer(study, tmp_path / "a", port=port)
    with pytest.raises(ValueError, match=r"--answers .*key\.json"):
        StudyServer(study, study / "key.json")
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    (mixed / "key.json").write_bytes((study / "key.json").read_bytes())
    with pytest.raises(ValueError, match="make a study first"):
        StudyServer(mixed, tmp_path / "a")
    (mixed / "study.html").write_text("another")
    with pytest.raises(ValueError, match="different studies"):
        StudyServer(mixed, tmp_path / "a")


def start(study: Path, answers: Path) -> tuple[subprocess.Popen, str]:
    """`emohead study --serve`, in a process of its own, and its address."""
    process = subprocess.Popen(
        [
            sys.executable, "-c", "import sys; from emohead.cli import main; sys.exit(main())",
            "study", "--study", str(study), "--answers", str(answers), "--serve", "0",
        ],
        stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parent.parent)},
    )  # fmt: skip
    return process, re.search(r"http://\S+", process.stdout.readline())[0]


def test_every_acknowledged_answer_of_200_at_once_survives_a_kill(study, answer, tmp_path):
    folder = tmp_path / "answers"
    process, url = start(study, folder)
    bodies = [fresh(answer) for _ in range(200)]
    acknowledged: list[bytes] = []

    async def send(session, body):
        try:
            async with session.post(f"{url}answers", data=body, headers=TYPE) as response:
                if response.status == 200 and (await response.json())["saved"]:
                    acknowledged.append(body)
        except (aiohttp.ClientError, TimeoutError):
            return  # the server is dead
        if len(acknowledged) == 60:
            process.send_signal(signal.SIGKILL)

    async def send_all():
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=300)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(send(session, body) for body in bodies))

    try:
        asyncio.run(send_all())
        assert process.wait(timeout=300) == -signal.SIGKILL
    finally:
        process.kill()
        process.stdout.close()
    # As many as were on their way to us when it was killed; all, where we are the slower ones.
    assert len(acknowledged) >= 60
    stored = {path.read_bytes() for path in folder.glob("*.json")}
    assert set(acknowledged) <= stored <= set(bodies)
    # What the kill left half-way is no answer; the report reads the others.
    read = read_answers(folder, read_key(study / "key.json"))
    assert len(read.kept) == len(stored) and not read.dropped
    again, url = start(study, folder)
    try:
        asyncio.run(send_rest(url, [body for body in bodies if body not in acknowledged]))
    finally:
        again.terminate()
        again.wait(timeout=300)
        again.stdout.close()
    assert {path.read_bytes() for path in folder.glob("*.json")} == set(bodies)


async def send_rest(url, bodies):
    async with aiohttp.ClientSession() as session:
        for body in bodies:
            async with session.post(f"{url}answers", data=body, headers=TYPE) as response:
                assert response.status == 200


def test_made_up_answers_are_written_by_the_command(study, tmp_path, capsys):
    folder = tmp_path / "made up"
    arguments = ["study", "--study", str(study), "--answers", str(folder), "--simulate", "5"]
    assert cli.main(arguments) == 0
    assert "5 answers that are made up" in capsys.readouterr().out
    read = read_answers(folder, read_key(study / "key.json"))
    assert read.simulated and len(read.kept) + read.count("excluded") == 5
    assert not read.count("refused")
    assert cli.main([*arguments[:-1], "0"]) == 1
    assert cli.main(["study", "--study", str(tmp_path), *arguments[3:]]) == 1
    assert "make a study first" in capsys.readouterr().err
    file = str(study / "key.json")
    assert cli.main([*arguments[:4], file, *arguments[5:]]) == 1
    assert "key.json: can't be written (" in capsys.readouterr().err
