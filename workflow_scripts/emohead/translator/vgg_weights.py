"""VGG-19's ImageNet weights: torchvision's file, fetched once and checked."""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from torch.hub import HASH_REGEX, download_url_to_file
from torchvision.models import VGG19_Weights

from emohead.files import put_link
from emohead.locks import locked

TIMEOUT = 60  # seconds without a byte
PAUSE = 5  # seconds before the second try


def provide_imagenet_weights(downloads: Path, link: Path) -> None:
    """A link to the checked file of VGG-19's ImageNet weights, which is fetched if need be.

    The file itself is kept in `downloads`, apart from the link, so that whoever removes the link
    (Snakemake, before it runs a rule again) doesn't remove half a gigabyte. Raises ValueError as
    `fetch_imagenet_weights` does.
    """
    path = fetch_imagenet_weights(downloads)
    put_link(link, path)


def fetch_imagenet_weights(folder: Path, *, attempts: int = 4) -> Path:
    """The checked file, in `folder` under torchvision's own name for it.

    The name carries the first digits of the file's SHA-256; nothing with another sum passes, be it
    fetched or put there by hand. Two processes wait for each other. A break starts the download
    anew, up to `attempts` times. Raises ValueError when the file can't be had; the message says
    how to put it there by hand.
    """
    url = VGG19_Weights.IMAGENET1K_V1.url
    folder = Path(folder)
    target = folder / url.rpartition("/")[2]
    folder.mkdir(parents=True, exist_ok=True)
    with locked(Path(f"{target}.lock")):
        if target.exists():
            _check(target)
            print(f"{target} is here already, and good", flush=True)
        else:
            _download(url, target, attempts)
    return target


def _check(target: Path) -> None:
    with open(target, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(_sum(target)):
        raise ValueError(
            f"{target}: wrong checksum: SHA-256 should begin with {_sum(target)} and is {found}; "
            "the file is not whole, or another one: remove it, and run again"
        )


def _download(url: str, target: Path, attempts: int) -> None:
    for left_over in target.parent.glob(f"{target.name}.*.partial"):  # by a process that was killed
        left_over.unlink()
    print(f"fetching {url}, 550 MB, to {target}", flush=True)
    for attempt in range(attempts):
        try:
            with _patience(TIMEOUT):
                download_url_to_file(url, os.fspath(target), _sum(target), progress=False)
            print(f"{target} is here, and good", flush=True)
            return
        # torch.hub raises RuntimeError for a wrong sum, which a download that broke off has.
        except (OSError, HTTPException, RuntimeError) as error:
            answered = isinstance(error, HTTPError)
            if isinstance(error, OSError) and error.filename and not answered:
                raise  # about a file here, not one there
            if (answered and error.code < 500) or attempt == attempts - 1:
                raise ValueError(_by_hand(url, target, error)) from error
            print(f"{_reason(error)}; once more in {PAUSE * 2**attempt} s", flush=True)
            time.sleep(PAUSE * 2**attempt)


def _reason(error: Exception) -> object:
    """The error inside urllib's own."""
    return error if isinstance(error, HTTPError) else getattr(error, "reason", error)


def _by_hand(url: str, target: Path, error: Exception) -> str:
    return (
        f"VGG-19's ImageNet weights can't be fetched ({_reason(error)}). Without internet on this "
        f"machine: fetch {url} elsewhere and put it at {target.absolute()}. Or name a file with "
        "them in the config, translator.loss.vgg_weights: <path>; `random` there does without them."
    )


def _sum(target: Path) -> str:
    """The first digits of the file's SHA-256."""
    return HASH_REGEX.search(target.name)[1]


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Sets a time-out for silent connections; torch.hub would wait forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
