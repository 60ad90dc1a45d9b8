"""Shows the study's page in one room and takes the answers, none over another.

The standard library's server, for loopback or a proxy with a password before it. An answer is
checked as `report_study` checks it and is on disk, whole, before it is acknowledged.
"""

import itertools
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from emohead.study.answers import MOST_BYTES, AnswerError, check_answer
from emohead.study.key import Key, read_key

_SECONDS = 30  # how long a connection may stand still
#: Bytes of a refused request that are read and thrown away; otherwise the refusal would be lost.
_MOST_THROWN_AWAY = 2**22
_NAMING = threading.Lock()  # from asking whether a name is free to taking it
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class _Refusal(Exception):
    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


class StudyServer(ThreadingHTTPServer):
    """The server of one study; `server_port` is its port. ValueError when it can't be started."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, study: Path, answers: Path, *, host: str = "127.0.0.1", port: int = 0):
        self.key: Key = read_key(study / "key.json")
        page = study / "study.html"
        if not page.is_file():
            raise ValueError(f"no page {page}: make a study first (snakemake --cores all study)")
        self.page = page.read_bytes()
        if self.key.study.encode() not in self.page:
            raise ValueError(f"{study}: study.html and key.json are of different studies")
        self.answers = answers
        try:
            answers.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"--answers {answers}: {error.strerror}") from error
        # Those who answered before a restart have had their turns.
        self.turns = itertools.count(len(list(answers.glob("*.json"))))
        self.loopback = host == "localhost" or ip_address(host).is_loopback
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ValueError(f"{host}:{port} can't be served: {error}") from error

    def handle_error(self, request, client_address) -> None:
        """A browser that went away is no error of ours."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def store_answer(data: bytes, key: Key, folder: Path) -> str:
    """Check an answer and write it to a file of its own; its name.

    The name is made of what was checked. The same bytes sent again are the same answer. AnswerError
    when they can't be used, or when the rater's answer is there and is another.
    """
    answer = check_answer(data, key)
    if answer["simulated"]:
        raise AnswerError("is made up")
    path = folder / f"emohead-study-{answer['study']}-{answer['rater']}.json"
    unfinished = folder / f".{path.stem}.{secrets.token_hex(8)}"
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _put(unfinished, path)
    except FileExistsError as error:
        if path.read_bytes() != data:
            raise AnswerError("is a second one of the same rater") from error
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(folder)
    return path.name


def _put(unfinished: Path, path: Path) -> None:
    """Give a file its name; FileExistsError where another one has it."""
    try:
        os.link(unfinished, path)  # fails where there is a file, unlike a renaming
    except FileExistsError:
        raise
    except OSError:  # exFAT and network disks have no links
        with _NAMING:
            if path.exists():
                raise FileExistsError(path) from None
            os.replace(unfinished, path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Handler(BaseHTTPRequestHandler):
    server: StudyServer
    timeout = _SECONDS
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _get(self) -> tuple[str, bytes]:
        match _split(self.path).path:
            case "/" | "/study.html":
                return "text/html; charset=utf-8", self.server.page
            case "/turn":
                turn = next(self.server.turns) % len(self.server.key.orders)
                return "application/json", json.dumps({"turn": turn}).encode()
        raise _Refusal(404, "there is nothing here")

    def _post(self) -> tuple[str, bytes]:
        if _split(self.path).path != "/answers":
            raise _Refusal(404, "there is nothing here")
        # Another site's form can't send this type without being asked whether it may.
        if self.headers.get_content_type() != "application/json":
            raise _Refusal(415, "answers are JSON")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise _Refusal(411, "the request doesn't say how long it is")
        if len(length) > 9 or int(length) > MOST_BYTES:
            raise _Refusal(413, f"the answers are larger than {MOST_BYTES // 1024} kB")
        self.body_was_read = True
        try:
            data = self.rfile.read(int(length))
        except (TimeoutError, ConnectionError):
            data = b""
        if len(data) < int(length):
            raise _Refusal(400, "the request ended early")
        try:
            name = store_answer(data, self.server.key, self.server.answers)
        except AnswerError as error:
            raise _Refusal(422, f"the file {error}") from error
        print(f"{name}: taken", flush=True)
        return "application/json", b'{"saved": true}'

    def _answer(self, make: Callable[[], tuple[str, bytes]]) -> None:
        self.body_was_read = False
        try:
            self._check_host()
            status, (kind, body) = 200, make()
        except _Refusal as refusal:
            status, kind, body = refusal.status, "text/plain; charset=utf-8", str(refusal).encode()
            self._throw_away()
        except OSError as error:
            status, kind, body = 500, "text/plain; charset=utf-8", b"the answers can't be written"
            print(f"answers can't be written: {error}", flush=True)
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _throw_away(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self.body_was_read and length.isascii() and length.isdecimal():
            self.rfile.read(min(int(length[:9]), _MOST_THROWN_AWAY))
        self.close_connection = True

    def _check_host(self) -> None:
        """On loopback, a name that was bent to this machine (DNS rebinding) is refused."""
        host = _split(f"//{self.headers.get('Host', '')}").hostname
        if self.server.loopback and host not in ("127.0.0.1", "localhost", "::1"):
            raise _Refusal(421, "this study is served to this machine alone")

    def log_message(self, *_) -> None:
        """Nothing: addresses of raters are nobody's business."""


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError as error:  # a bracket that isn't closed, as of an IPv6 address
        raise _Refusal(400, "the request's address makes no sense") from error


def serve_study(study: Path, answers: Path, *, host: str, port: int) -> None:
    """Serve until Ctrl-C; errors as `StudyServer`."""
    with StudyServer(study, answers, host=host, port=port) as server:
        print(f"The study: http://{host}:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        if not server.loopback:
            print("Everybody who reaches this machine can see it, unencrypted.", flush=True)
        server.serve_forever()
