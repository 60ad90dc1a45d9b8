"""What comes between the browser and Gradio: small requests in, nothing from elsewhere.

Gradio limits each file of an upload, but not their number, nor what a request says in JSON; and it
fetches any file that a request names by its address. Its page asks other hosts for nothing today;
that it never can is the browser's to enforce.
"""

import json
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: What the page may load and reach: this server alone.
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self' data: blob:",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src 'self' 'unsafe-inline'",
    "frame-ancestors 'self'",
    "form-action 'self'",
))  # fmt: skip

#: Bytes: what surrounds a file in an upload, and the longest request that isn't one.
_AROUND_FILE, _LONGEST_JSON = 10_000, 100_000


class Guard:
    """ASGI middleware: refuses large requests and files named by address, and sets the policy."""

    def __init__(self, app: ASGIApp, *, upload_bytes: int):
        self._app, self._upload_bytes = app, upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with a refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        refusal = None
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            refusal, receive = await self._examine(Headers(scope=scope), receive)
        answer = refusal or self._app
        await answer(scope, receive, send_with_policy)

    async def _examine(
        self, headers: Headers, receive: Receive
    ) -> tuple[PlainTextResponse | None, Receive]:
        """A refusal, if any, and what the next one receives the request from."""
        length = headers.get("content-length", "")
        # A request in chunks goes on until it ends, whatever length it announces.
        if not length.isdecimal() or "transfer-encoding" in headers:
            return PlainTextResponse("the request doesn't say how long it is", 411), receive
        if headers.get("content-type", "").startswith("multipart/form-data"):
            if int(length) > self._upload_bytes + _AROUND_FILE:
                megabytes = f"{self._upload_bytes / 2**20:g} MB"
                return PlainTextResponse(f"the upload is larger than {megabytes}", 413), receive
            return None, receive
        if int(length) > _LONGEST_JSON:
            return PlainTextResponse("the request is too long", 413), receive
        body = await _body(receive)
        try:
            names_address = _names_address(body)
        except RecursionError:
            return PlainTextResponse("the request is nested too deeply", 400), receive
        if names_address:
            return PlainTextResponse("files are uploaded, not fetched", 400), receive
        return None, _replay(body, receive)


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replay(body: bytes, later: Receive) -> Receive:
    """Gives the body that was read already, then what comes `later`: the end of the connection."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await later()

    return receive


def _names_address(body: bytes) -> bool:
    """Whether a JSON body holds a file by address, as Gradio would find it."""
    try:
        return _has_remote_path(json.loads(body))
    except ValueError:
        return False  # No JSON, so nothing that Gradio reads files from.


def _has_remote_path(value: Any) -> bool:
    if isinstance(value, dict):
        path = value.get("path")
        remote = isinstance(path, str) and path.lower().startswith(("http:", "https:"))
        return remote or any(map(_has_remote_path, value.values()))
    return isinstance(value, list) and any(map(_has_remote_path, value))
