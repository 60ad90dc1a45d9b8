"""A web server of this machine whose faults can be switched on."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves `files`; `requests` are (method, path, range). Faults are switched by attributes."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.ranges = True
        self.etag: str | None = None
        self.headers: dict[str, str] = {}
        self.status: dict[str, int] = {}
        self.statuses: list[int] = []  # of the first answers
        self.breaks: list[int] = []  # at these places of the file the connection breaks, once

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def asked(self) -> list[int]:
        """Where the GETs of this server began."""
        starts = [
            re.match(r"bytes=(\d+)", r or "bytes=0") for m, _, r in self.requests if m == "GET"
        ]
        return [int(start[1]) for start in starts]

    def handle_error(self, *_):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        server, path = self.server, self.path.partition("?")[0]
        server.requests.append((self.command, path, self.headers["Range"]))
        data = server.files.get(path, b"")
        status = server.status.get(path, 200 if path in server.files else 404)
        status = server.statuses.pop(0) if server.statuses else status
        start, stop = 0, len(data)
        if status != 200:
            data, start, stop = b"", 0, 0
        elif server.ranges and self.headers["Range"]:
            first, last = re.match(r"bytes=(\d+)-(\d*)", self.headers["Range"]).groups()
            status, start = 206, int(first)
            stop = min(stop, int(last) + 1) if last else stop
        self.send_response(status)
        page = data.startswith(b"<")
        self.send_header("Content-Type", "text/html" if page else "application/x-tar")
        self.send_header("Content-Length", str(stop - start))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        if server.etag:
            self.send_header("ETag", f'"{server.etag}"')
        for header in server.headers.items():
            self.send_header(*header)
        self.end_headers()
        if not body:
            return
        for place in server.breaks:
            if start <= place < stop:
                server.breaks.remove(place)
                self.wfile.write(data[start:place])
                self.wfile.flush()
                self.connection.shutdown(2)
                self.close_connection = True
                return
        self.wfile.write(data[start:stop])


@contextmanager
def serving():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
