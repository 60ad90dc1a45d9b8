"""Errors of downloads, in words for people."""

from urllib.parse import urlsplit, urlunsplit

import aiohttp
import gdown
import requests
from botocore.exceptions import BotoCoreError, NoCredentialsError

#: What a network, or a server, may do.
TROUBLE = (OSError, TimeoutError, aiohttp.ClientError, BotoCoreError, gdown.DownloadError)


class DownloadError(ValueError):
    """An archive can't be had; the message names its row of the table and says why."""


def explain(error: BaseException) -> tuple[str, bool]:
    """Why a transfer failed, in plain words, and whether trying again is useless."""
    causes = []
    while error is not None:
        causes.append(error)
        error = error.__cause__
    first = causes[0]
    for cause in causes:
        status = None
        if isinstance(cause, aiohttp.ClientResponseError):
            status = cause.status
        elif isinstance(cause, requests.HTTPError) and cause.response is not None:
            status = cause.response.status_code
        if status is not None:
            return _explain_status(status)
    if isinstance(first, gdown.exceptions.FileURLRetrievalError):
        return " ".join(str(first).split()), True
    if any(isinstance(c, NoCredentialsError) for c in causes):
        return "no S3 credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret", True
    # fsspec says "not found" of every first request that fails.
    network = [c for c in causes if isinstance(c, aiohttp.ClientError | TimeoutError)]
    if isinstance(first, FileNotFoundError) and not network:
        return _explain_status(404)
    if isinstance(first, PermissionError):
        return _explain_status(403)
    cause = network[0] if network else first
    if isinstance(cause, TimeoutError):
        return "no answer in time", False
    if isinstance(cause, aiohttp.ClientPayloadError):
        return "the connection broke off", False
    # gdown goes on with advice for its command line.
    text = str(cause).partition(".\nThe received bytes")[0]
    return " ".join(text.split()) or type(cause).__name__, False


def _explain_status(status: int) -> tuple[str, bool]:
    """As `explain`, for an HTTP status."""
    if status in (404, 410):
        return f"there is no such file ({status}); the link may have expired", True
    if status in (401, 403):
        return f"access is denied ({status}); the link may have expired, or needs a login", True
    return f"the server answers with status {status}", status < 500 and status not in (408, 429)


def shown(url: str) -> str:
    """A url without the passwords and signatures that it may hold."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    query = parts.query if "google.com" in parts.netloc else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))
